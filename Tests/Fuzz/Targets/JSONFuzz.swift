import FoundationEssentials
import MillraceCore

/// RFC 8259's grammar as it stands there, and nothing else: whether a text is JSON.
private struct JSONGrammar {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var deepest = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// JSON-text = ws value ws
    mutating func isText() -> Bool {
        space()
        guard value(1) else { return false }
        space()
        return position == bytes.count && String(validating: bytes, as: UTF8.self) != nil
    }

    private mutating func take(_ characters: String) -> Bool {
        guard position < bytes.count, characters.utf8.contains(bytes[position]) else { return false }
        position += 1
        return true
    }

    private mutating func space() { while take(" \t\n\r") {} }

    private mutating func word(_ word: String) -> Bool {
        guard bytes[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func value(_ depth: Int) -> Bool {
        // Deeper than ours goes anyway.
        if depth > 600 { return false }
        if word("false") || word("null") || word("true") { return true }
        if take("{") { return members("}", depth) { $0.string() && $0.colon() && $0.value(depth + 1) } }
        if take("[") { return members("]", depth) { $0.value(depth + 1) } }
        return position < bytes.count && bytes[position] == UInt8(ascii: "\"") ? string() : number()
    }

    private mutating func members(_ end: String, _ depth: Int, _ member: (inout JSONGrammar) -> Bool) -> Bool {
        deepest = max(deepest, depth)
        space()
        if take(end) { return true }
        repeat {
            space()
            guard member(&self) else { return false }
            space()
        } while take(",")
        return take(end)
    }

    private mutating func colon() -> Bool {
        space()
        guard take(":") else { return false }
        space()
        return true
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while position < bytes.count, bytes[position] >= 0x20 {
            if take("\"") { return true }
            guard take("\\") else {
                position += 1
                continue
            }
            if take("u") {
                guard let unit = unit() else { return false }
                // Section 8.2 warns of lone surrogates; a Swift string cannot hold one.
                if (0xDC00...0xDFFF).contains(unit) { return false }
                if (0xD800...0xDBFF).contains(unit) {
                    guard word("\\u"), let low = self.unit(), (0xDC00...0xDFFF).contains(low) else { return false }
                }
            } else if !take("\"\\/bfnrt") {
                return false
            }
        }
        return false
    }

    private mutating func unit() -> Int? {
        let start = position
        for _ in 0..<4 { guard take("0123456789abcdefABCDEF") else { return nil } }
        return Int(String(decoding: bytes[start..<position], as: UTF8.self), radix: 16)
    }

    private mutating func digits() -> Bool {
        guard take("0123456789") else { return false }
        while take("0123456789") {}
        return true
    }

    /// number = [ minus ] int [ frac ] [ exp ]
    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0"), !digits() { return false }
        if take("."), !digits() { return false }
        if take("eE") {
            _ = take("+-")
            return digits()
        }
        return true
    }
}

extension FuzzTarget {
    /// JSON: taken exactly where RFC 8259's grammar takes it, with the value that Foundation reads, and read as it was written.
    static let json = FuzzTarget("json") { (bytes) throws(Disagreement) in
        var grammar = JSONGrammar(bytes)
        let isText = grammar.isText()
        let value: JSONValue
        do throws(MillraceError) { value = try JSONValue(parsing: bytes) } catch {
            let isLimit = error.message.contains("nests deeper") ? grammar.deepest > 512 || !isText : error.message.contains("is too large")
            try expect(!isText || isLimit, "refused: \(error.message)")
            return
        }
        try expect(isText, "taken: \(value)")
        // Foundation also reads other encodings, refuses a double that is too small to be told from zero, and of two members of one name takes
        // another than the last, which section 4 leaves open.
        if let theirs = try? JSONDecoder().decode(PlainJSON.self, from: Data(bytes)), !bytes.prefix(4).contains(0), !hasRepeatedName(bytes)
        {
            try expect(theirs.equals(value), "values: \(value) is not \(theirs)")
        }
        guard let again = try? JSONValue(parsing: value.text) else { throw Disagreement("what was written is no JSON: \(value.text)") }
        try expectEqual(again, value, "a value, written and read")
        try expectEqual(again.text, value.text, "a text, read and written")
    }

    /// Whether any two strings of the text are equal: then two members may have one name.
    private static func hasRepeatedName(_ bytes: [UInt8]) -> Bool {
        var strings: Set<String> = []
        var rest = bytes[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "\"")) {
            var end = start + 1
            while end < rest.endIndex, rest[end] != UInt8(ascii: "\"") { end += rest[end] == UInt8(ascii: "\\") ? 2 : 1 }
            guard end < rest.endIndex else { return false }
            if let text = (try? JSONValue(parsing: Array(rest[start...end])))?.string, !strings.insert(text).inserted { return true }
            rest = rest[(end + 1)...]
        }
        return false
    }
}

/// A value as Foundation reads it.
private indirect enum PlainJSON: Decodable, CustomStringConvertible {
    case null, bool(Bool), number(Double), string(String), array([PlainJSON]), object([String: PlainJSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([PlainJSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: PlainJSON].self))
        }
    }

    func equals(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), _): other.double == left
        case (.string(let left), .string(let right)): Array(left.utf8) == Array(right.utf8)
        case (.array(let left), .array(let right)): left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
        case (.object(let left), .object(let right)):
            left.count == right.count && left.allSatisfy { name, value in right[name].map { value.equals($0) } ?? false }
        default: false
        }
    }

    var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): value.debugDescription
        case .array(let value): "\(value)"
        case .object(let value): "\(value)"
        }
    }
}
