import MillraceCore

/// Reads XML 1.0 (fifth edition) in pieces: elements with attributes, text with its references resolved. A value without I/O.
///
/// Document type declarations are refused, so no entity can be declared. Names are given without their prefix: the parts of an Office document
/// do not use one local name for two things where it is asked for. Depth and the length of a tag are bounded.
struct XMLPullParser {
    enum Event: Equatable {
        case start(XMLTag)
        /// The local name.
        case end(String)
        /// Text, in pieces.
        case text([UInt8])
    }

    private var bytes: [UInt8] = []
    private var position = 0
    private var isLast = false
    private var isAtStart = true
    private var decoder = CharacterDecoder(.utf8)
    private var open: [[UInt8]] = []
    private var hasRoot = false
    /// An empty element's end.
    private var pendingEnd: String?
    private var skipping: Skipping?

    private enum Skipping { case comment, instruction, section }

    static let deepest = 256
    static let longestTag = 256 << 10

    /// Takes the next bytes.
    mutating func receive(_ piece: [UInt8]) {
        bytes.removeFirst(position)
        position = 0
        bytes += decoder.decode(piece)
    }

    /// Says that no more comes.
    mutating func finish() {
        bytes += decoder.finish()
        isLast = true
    }

    /// The next event; `nil`: more bytes have to come, or the document has ended.
    /// - Throws: ``ErrorCode/documentDamaged`` for what is not well-formed.
    mutating func next() throws(MillraceError) -> Event? {
        if let name = pendingEnd {
            pendingEnd = nil
            return .end(name)
        }
        while position < bytes.count {
            switch skipping {
            case .comment:
                guard skip(behind: "-->") else { return isLast ? try cut() : nil }
            case .instruction:
                guard skip(behind: "?>") else { return isLast ? try cut() : nil }
            case .section:
                if let text = section() { return .text(text) }
                if skipping != nil { return isLast ? try cut() : nil }
            case nil:
                guard bytes[position] == UInt8(ascii: "<") else {
                    guard let text = try text() else { return isLast && position < bytes.count ? try cut() : nil }
                    if !open.isEmpty { return .text(text) }
                    // Between the declaration, the root and the end stands white space.
                    guard text.allSatisfy({ $0 <= 0x20 }) else { throw Self.damaged("text stands outside of the root") }
                    continue
                }
                switch try markup() {
                case .event(let event): return event
                case .passed: continue
                case .waits: return isLast ? try cut() : nil
                }
            }
        }
        guard !isLast || open.isEmpty && hasRoot && skipping == nil else { return try cut() }
        return nil
    }

    private enum Outcome { case event(Event), passed, waits }

    private static func damaged(_ what: String) -> MillraceError {
        MillraceError(.documentDamaged, "the document's XML is not well-formed: \(what)")
    }

    private func cut() throws(MillraceError) -> Event? { throw Self.damaged("it is cut off") }

    // MARK: Text

    private mutating func text() throws(MillraceError) -> [UInt8]? {
        var out: [UInt8] = []
        var start = position
        var end = position
        while end < bytes.count, bytes[end] != UInt8(ascii: "<") {
            if bytes[end] == UInt8(ascii: "&") {
                out += bytes[start..<end]
                position = end
                start = end
                guard let (scalar, behind) = try reference(at: end) else { break }
                out += String(scalar).utf8
                end = behind
                position = behind
                start = behind
            } else {
                end += 1
            }
        }
        out += bytes[start..<end]
        position = end
        return out.isEmpty ? nil : out
    }

    /// The character that a reference stands for, and the place behind it; `nil`: it is cut off.
    private func reference(at start: Int) throws(MillraceError) -> (Unicode.Scalar, Int)? {
        var end = start + 1
        while end < bytes.count, end - start < 12, bytes[end] != UInt8(ascii: ";") { end += 1 }
        guard end < bytes.count else { return nil }
        let name = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
        let scalar: Unicode.Scalar? =
            switch name {
            case "amp": "&"
            case "lt": "<"
            case "gt": ">"
            case "quot": "\""
            case "apos": "'"
            case _ where name.hasPrefix("#x"): UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
            case _ where name.hasPrefix("#"): UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
            default: nil
            }
        guard bytes[end] == UInt8(ascii: ";"), let scalar else { throw Self.damaged("the reference '&\(name.prefix(12))' is unknown") }
        return (scalar, end + 1)
    }

    private mutating func section() -> [UInt8]? {
        let closing = Array("]]>".utf8)
        var end = position
        while end < bytes.count, !bytes[end...].prefix(3).elementsEqual(closing.prefix(bytes.count - end)) { end += 1 }
        if end > position {
            defer { position = end }
            return Array(bytes[position..<end])
        }
        if bytes.count - position >= 3 {
            position += 3
            skipping = nil
        }
        return nil
    }

    // MARK: Markup

    private mutating func skip(behind text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        while position + count <= bytes.count {
            let isHere = text.withUTF8Buffer { $0.elementsEqual(bytes[position..<position + count]) }
            if isHere {
                position += count
                skipping = nil
                return true
            }
            position += 1
        }
        if isLast { position = bytes.count }
        return false
    }

    /// Whether a text stands here; `nil`: more has to come.
    private func stands(_ text: StaticString) -> Bool? {
        let rest = bytes[position...].prefix(text.utf8CodeUnitCount)
        return text.withUTF8Buffer { buffer in
            guard buffer.starts(with: rest) else { return false }
            return rest.count == buffer.count ? true : nil
        }
    }

    private mutating func markup() throws(MillraceError) -> Outcome {
        guard position + 1 < bytes.count else { return .waits }
        if bytes[position + 1] == UInt8(ascii: "!") || bytes[position + 1] == UInt8(ascii: "?") { return try special() }
        guard let end = tagEnd() else {
            guard bytes.count - position <= Self.longestTag else { throw Self.damaged("a tag is longer than \(Self.longestTag) bytes") }
            return .waits
        }
        let content = bytes[(position + 1)..<end]
        position = end + 1
        if content.first == UInt8(ascii: "/") { return .event(try closing(content.dropFirst())) }
        return .event(try opening(content))
    }

    private mutating func special() throws(MillraceError) -> Outcome {
        for (opening, kind) in [("<?", .instruction), ("<!--", .comment), ("<![CDATA[", .section)] as [(StaticString, Skipping)] {
            guard let isHere = stands(opening) else { return .waits }
            guard isHere else { continue }
            if kind == .section, open.isEmpty { throw Self.damaged("text stands outside of the root") }
            position += opening.utf8CodeUnitCount
            skipping = kind
            return .passed
        }
        throw Self.damaged("it declares a document type, which documents of Office never do and which is not read")
    }

    /// Where the tag's '>' is, which may stand in values, too.
    private func tagEnd() -> Int? {
        var place = position + 1
        var quote: UInt8?
        while place < bytes.count {
            let byte = bytes[place]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: ">") {
                return place
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            }
            place += 1
        }
        return nil
    }

    private mutating func closing(_ content: ArraySlice<UInt8>) throws(MillraceError) -> Event {
        var name = content
        while let last = name.last, last <= 0x20 { name.removeLast() }
        guard let expected = open.popLast(), expected.elementsEqual(name) else { throw Self.damaged("an end tag belongs to no element") }
        return .end(XMLTag.local(expected[...]))
    }

    private mutating func opening(_ content: ArraySlice<UInt8>) throws(MillraceError) -> Event {
        var content = content
        let isEmpty = content.last == UInt8(ascii: "/")
        if isEmpty { content.removeLast() }
        guard !open.isEmpty || !hasRoot else { throw Self.damaged("there is a second root") }
        hasRoot = true
        guard open.count < Self.deepest else { throw Self.damaged("its elements are deeper than \(Self.deepest) levels") }
        var place = content.startIndex
        let name = Self.name(content, &place)
        guard !name.isEmpty else { throw Self.damaged("a tag has no name") }
        var attributes: [XMLTag.Attribute] = []
        while true {
            while place < content.endIndex, content[place] <= 0x20 { place += 1 }
            guard place < content.endIndex else { break }
            let attribute = Self.name(content, &place)
            while place < content.endIndex, content[place] <= 0x20 { place += 1 }
            guard !attribute.isEmpty, place < content.endIndex, content[place] == UInt8(ascii: "=") else {
                throw Self.damaged("an attribute has no value")
            }
            place += 1
            while place < content.endIndex, content[place] <= 0x20 { place += 1 }
            guard place < content.endIndex, content[place] == UInt8(ascii: "\"") || content[place] == UInt8(ascii: "'"),
                let end = content[(place + 1)...].firstIndex(of: content[place])
            else { throw Self.damaged("an attribute's value is not quoted") }
            attributes.append(.init(name: attribute, value: try value(content[(place + 1)..<end])))
            place = end + 1
        }
        let tag = XMLTag(name: XMLTag.local(name), attributes: attributes)
        if isEmpty { pendingEnd = tag.name } else { open.append(Array(name)) }
        return .start(tag)
    }

    private static func name(_ content: ArraySlice<UInt8>, _ place: inout Int) -> ArraySlice<UInt8> {
        let start = place
        while place < content.endIndex {
            switch content[place] {
            case 0...0x20, UInt8(ascii: "="), UInt8(ascii: "/"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""),
                UInt8(ascii: "'"),
                UInt8(ascii: "&"):
                return content[start..<place]
            default: place += 1
            }
        }
        return content[start...]
    }

    private func value(_ raw: ArraySlice<UInt8>) throws(MillraceError) -> String {
        guard raw.contains(UInt8(ascii: "&")) else { return String(decoding: raw, as: UTF8.self) }
        var out: [UInt8] = []
        var place = raw.startIndex
        while place < raw.endIndex {
            guard raw[place] == UInt8(ascii: "&") else {
                out.append(raw[place])
                place += 1
                continue
            }
            guard let (scalar, behind) = try reference(at: place), behind <= raw.endIndex else {
                throw Self.damaged("a reference does not end")
            }
            out += String(scalar).utf8
            place = behind
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// The tag that begins an element.
struct XMLTag: Equatable {
    struct Attribute: Equatable {
        /// With its prefix.
        let name: [UInt8]
        let value: String

        init(name: ArraySlice<UInt8>, value: String) {
            self.name = Array(name)
            self.value = value
        }
    }

    /// The local name.
    let name: String
    let attributes: [Attribute]

    /// The value of the attribute of that local name, whatever its prefix: the first one.
    subscript(_ name: String) -> String? { attributes.first { Self.local($0.name[...]) == name }?.value }

    /// The relationship that the element names: `r:id`, beside which there may be an `id` of its own.
    var relationship: String? {
        attributes.first { $0.name.contains(UInt8(ascii: ":")) && ["id", "embed"].contains(Self.local($0.name[...])) }?.value
    }

    static func local(_ name: ArraySlice<UInt8>) -> String {
        guard let colon = name.lastIndex(of: UInt8(ascii: ":")) else { return String(decoding: name, as: UTF8.self) }
        return String(decoding: name[(colon + 1)...], as: UTF8.self)
    }
}
