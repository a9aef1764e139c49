import MillraceCore

/// Reads well-formed XML 1.0 (W3C Recommendation, fifth edition) without document type declarations, encoded as UTF-8.
struct XMLParser {
    private let bytes: [UInt8]
    private var position = 0
    private static let deepest = 64
    /// The most elements: an empty one takes four bytes in a document and many times that in memory.
    private static let mostElements = 200_000
    private var elements = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(MillraceError) -> XMLElement {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        try skipMisc()
        guard peek() == UInt8(ascii: "<") else { throw failure("there is no element") }
        let root = try element(depth: 1)
        try skipMisc()
        guard position == bytes.count else { throw failure("something stands behind the document") }
        return root
    }

    private func failure(_ what: String) -> MillraceError {
        MillraceError(.invalidInput, "this is no well-formed XML: \(what) (byte \(position))")
    }

    private func peek(_ offset: Int = 0) -> UInt8? { position + offset < bytes.count ? bytes[position + offset] : nil }

    private func stands(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(bytes[position..<position + count]) }
    }

    /// Moves behind the next occurrence of a text.
    private mutating func skip(behind text: StaticString) throws(MillraceError) {
        while position < bytes.count {
            if stands(text) {
                position += text.utf8CodeUnitCount
                return
            }
            position += 1
        }
        throw failure("it ends before '\(text)'")
    }

    private mutating func skipSpace() {
        while let byte = peek(), Self.isSpace(byte) { position += 1 }
    }

    /// White space, comments, processing instructions and the XML declaration.
    private mutating func skipMisc() throws(MillraceError) {
        while true {
            skipSpace()
            if stands("<?") {
                try skip(behind: "?>")
            } else if stands("<!--") {
                try skip(behind: "-->")
            } else if stands("<!") {
                throw failure("document type declarations are not read")
            } else {
                return
            }
        }
    }

    private mutating func element(depth: Int) throws(MillraceError) -> XMLElement {
        guard depth <= Self.deepest else { throw failure("it is deeper than \(Self.deepest) levels") }
        elements += 1
        guard elements <= Self.mostElements else { throw failure("it has more than \(Self.mostElements) elements") }
        position += 1
        let qualified = try name()
        var element = XMLElement(name: Self.local(qualified))
        if try skipAttributes() { return element }
        var text: [UInt8] = []
        while true {
            guard let byte = peek() else { throw failure("the element '\(element.name)' is not closed") }
            if byte == UInt8(ascii: "&") {
                try reference(into: &text)
            } else if byte == UInt8(ascii: "\r") {
                // A line ends with a line feed, however it was written (section 2.11).
                text.append(UInt8(ascii: "\n"))
                position += peek(1) == UInt8(ascii: "\n") ? 2 : 1
            } else if byte != UInt8(ascii: "<") {
                text.append(byte)
                position += 1
            } else if stands("</") {
                position += 2
                guard try name() == qualified else { throw failure("'\(element.name)' is closed by another name") }
                skipSpace()
                guard peek() == UInt8(ascii: ">") else { throw failure("a closing tag does not end") }
                position += 1
                guard let content = String(validating: text, as: UTF8.self) else { throw failure("it is not UTF-8") }
                element.text = content
                return element
            } else if stands("<!--") {
                try skip(behind: "-->")
            } else if stands("<![CDATA[") {
                position += 9
                let start = position
                try skip(behind: "]]>")
                text += bytes[start..<position - 3]
            } else if stands("<?") {
                try skip(behind: "?>")
            } else {
                element.children.append(try self.element(depth: depth + 1))
            }
        }
    }

    private mutating func name() throws(MillraceError) -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek(), !Self.isSpace(byte), !"<>/=&'\"".utf8.contains(byte) { position += 1 }
        let name = bytes[start..<position]
        // Behind a prefix begins a name, too.
        guard let first = name.first, Self.beginsName(first), let local = Self.localBytes(name).first, Self.beginsName(local),
            name.allSatisfy({ $0 > 0x20 })
        else { throw failure("a name is missing") }
        return name
    }

    /// - Returns: whether the tag is an empty element's.
    private mutating func skipAttributes() throws(MillraceError) -> Bool {
        while true {
            skipSpace()
            switch peek() {
            case UInt8(ascii: ">"):
                position += 1
                return false
            case UInt8(ascii: "/"):
                guard peek(1) == UInt8(ascii: ">") else { throw failure("a '/' stands alone in a tag") }
                position += 2
                return true
            case nil: throw failure("a tag does not end")
            default:
                _ = try name()
                skipSpace()
                guard peek() == UInt8(ascii: "=") else { throw failure("an attribute has no value") }
                position += 1
                skipSpace()
                guard let quote = peek(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                    throw failure("an attribute's value is not quoted")
                }
                position += 1
                while let byte = peek(), byte != quote { position += 1 }
                guard peek() != nil else { throw failure("an attribute's value does not end") }
                position += 1
            }
        }
    }

    private mutating func reference(into text: inout [UInt8]) throws(MillraceError) {
        position += 1
        let start = position
        while let byte = peek(), byte != UInt8(ascii: ";"), position - start < 12 { position += 1 }
        guard peek() == UInt8(ascii: ";") else { throw failure("a reference does not end") }
        let name = String(decoding: bytes[start..<position], as: UTF8.self)
        position += 1
        switch name {
        case "amp": text.append(UInt8(ascii: "&"))
        case "lt": text.append(UInt8(ascii: "<"))
        case "gt": text.append(UInt8(ascii: ">"))
        case "quot": text.append(UInt8(ascii: "\""))
        case "apos": text.append(UInt8(ascii: "'"))
        default:
            let (digits, radix) = name.hasPrefix("#x") ? (name.dropFirst(2), 16) : (name.hasPrefix("#") ? name.dropFirst() : "", 10)
            // The initialiser would take a sign. S3 writes control characters of its keys like this, which XML 1.0 itself forbids.
            guard digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let scalar = UInt32(digits, radix: radix).flatMap(Unicode.Scalar.init), scalar.value != 0
            else { throw failure("'&\(name);' is not known") }
            text += Array(String(Character(scalar)).utf8)
        }
    }

    private static func localBytes(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        name.split(separator: UInt8(ascii: ":")).last ?? name
    }

    private static func local(_ name: ArraySlice<UInt8>) -> String {
        String(decoding: localBytes(name), as: UTF8.self)
    }

    /// Letters, `_`, `:`, and what UTF-8 writes other letters with.
    private static func beginsName(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
            || byte >= 0x80
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
