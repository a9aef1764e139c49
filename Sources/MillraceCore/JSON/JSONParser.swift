/// Reads one JSON document (RFC 8259), strictly: no comments, no trailing commas, no lone surrogates, valid UTF-8 only.
///
/// By hand, since a generic `Decodable` value must find out each value's kind by failing at the others, and each failure costs microseconds.
struct JSONParser {
    /// How deep arrays and objects may nest, so that no input exhausts the stack.
    static let deepest = 512

    private let bytes: UnsafeBufferPointer<UInt8>  // Valid for the call of `parse` that made the parser.
    private var position = 0
    private var depth = 0
    private let mostValues: Int
    private var valuesLeft: Int

    /// Parses a whole text.
    /// - Parameter mostValues: how many values it may hold: a value costs far more memory than the two bytes that can make one.
    static func parse(_ text: [UInt8], mostValues: Int) throws(MillraceError) -> JSONValue {
        try text.withUnsafeBufferPointer { (bytes) throws(MillraceError) in
            var parser = JSONParser(bytes: bytes, mostValues: mostValues)
            parser.skipSpace()
            let value = try parser.value()
            parser.skipSpace()
            guard parser.position == bytes.count else { throw parser.unexpected("the end of the text") }
            return value
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, mostValues: Int) {
        self.bytes = bytes
        self.mostValues = mostValues
        valuesLeft = mostValues
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private func unexpected(_ expected: String) -> MillraceError {
        let found = next == nil ? "the text ends" : "there is something else"
        return MillraceError(.invalidJSON, "the text is not valid JSON: at byte \(position), \(found) where \(expected) should be")
    }

    private mutating func value() throws(MillraceError) -> JSONValue {
        guard valuesLeft > 0 else {
            throw MillraceError(.invalidJSON, "the JSON has more than \(mostValues) values, at byte \(position)")
        }
        valuesLeft -= 1
        switch next {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return try nested { (parser) throws(MillraceError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { (parser) throws(MillraceError) in try parser.array() }
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(MillraceError) -> JSONValue {
        for i in 0..<word.utf8CodeUnitCount {
            guard skip(word.utf8Start[i]) else { throw unexpected("'\(word)'") }
        }
        return value
    }

    // MARK: Arrays and objects

    private mutating func nested(
        _ body: (inout JSONParser) throws(MillraceError) -> JSONValue
    ) throws(MillraceError) -> JSONValue {
        guard depth < Self.deepest else {
            throw MillraceError(.invalidJSON, "the JSON nests deeper than \(Self.deepest) levels, at byte \(position)")
        }
        depth += 1
        position += 1
        defer { depth -= 1 }
        skipSpace()
        return try body(&self)
    }

    private mutating func array() throws(MillraceError) -> JSONValue {
        var elements: [JSONValue] = []
        if skip(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if skip(UInt8(ascii: "]")) { return .array(elements) }
            guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or ']'") }
            skipSpace()
        }
    }

    private mutating func object() throws(MillraceError) -> JSONValue {
        var members: [String: JSONValue] = [:]
        if skip(UInt8(ascii: "}")) { return .object(members) }
        while true {
            guard next == UInt8(ascii: "\"") else { throw unexpected("a member's name") }
            let name = try string()
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw unexpected("':'") }
            skipSpace()
            members[name] = try value()
            skipSpace()
            if skip(UInt8(ascii: "}")) { return .object(members) }
            guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
            skipSpace()
        }
    }

    // MARK: Strings

    private mutating func string() throws(MillraceError) -> String {
        position += 1
        let start = position
        var seen: UInt8 = 0
        while let byte = next {
            if byte == UInt8(ascii: "\"") {
                defer { position += 1 }
                // ASCII need not be validated, which costs more than the rest of a short string.
                if seen < 0x80 { return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self) }
                return try text(UnsafeBufferPointer(rebasing: bytes[start..<position]), from: start)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw unexpected("no control character") }
            seen |= byte
            position += 1
        }
        throw unexpected("'\"'")
    }

    /// The rest of a string that has an escape at the current position.
    private mutating func escapedString(from start: Int) throws(MillraceError) -> String {
        var unescaped = [UInt8](bytes[start..<position])
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return try unescaped.withUnsafeBufferPointer { (whole) throws(MillraceError) in try text(whole, from: start) }
            case UInt8(ascii: "\\"): unescaped.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20:
                position -= 1
                throw unexpected("no control character")
            default: unescaped.append(byte)
            }
        }
        throw unexpected("'\"'")
    }

    private func text(_ utf8: UnsafeBufferPointer<UInt8>, from start: Int) throws(MillraceError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw MillraceError(.invalidJSON, "the text is not valid JSON: the string at byte \(start) is not UTF-8")
        }
        return text
    }

    private mutating func escape() throws(MillraceError) -> Unicode.Scalar {
        guard let byte = next else { throw unexpected("an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            guard (0xD800..<0xDC00).contains(unit) else {
                guard let scalar = Unicode.Scalar(unit) else { throw unexpected("no lone surrogate") }
                return scalar
            }
            // A character beyond the first plane is two escapes, a high and a low surrogate (section 7).
            guard skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else { throw unexpected("the second half of a surrogate pair") }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) else {
                throw unexpected("the second half of a surrogate pair")
            }
            return scalar
        default:
            position -= 1
            throw unexpected("a known escape")
        }
    }

    private mutating func hexadecimal() throws(MillraceError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw unexpected("a hexadecimal digit")
            }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: Numbers

    private mutating func digits() throws(MillraceError) {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw unexpected("a digit") }
    }

    private mutating func number() throws(MillraceError) -> JSONValue {
        let start = position
        let isNegative = skip(UInt8(ascii: "-"))
        guard let first = next, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") else {
            throw unexpected(isNegative ? "a digit" : "a value")
        }
        if first == UInt8(ascii: "0") { position += 1 } else { try digits() }
        var isWhole = true
        if skip(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isWhole = false
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else {
            throw MillraceError(.invalidJSON, "the number at byte \(start) is too large")
        }
        return .double(double)
    }
}
