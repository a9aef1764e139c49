/// What a JSON string must escape (RFC 8259, section 7).
package enum JSONEscaping {
    /// Whether a byte must be escaped.
    @inline(__always)
    static func isNeeded(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

    /// The first byte at or after `start` that must be escaped; `bytes.count` when there is none. Eight bytes are looked at together.
    package static func firstEscape(in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int {
        var place = start
        while bytes.count &- place >= 8 {
            let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let found = marks(in: UInt64(littleEndian: word))
            if found != 0 { return place &+ found.trailingZeroBitCount / 8 }
            place &+= 8
        }
        while place < bytes.count, !isNeeded(bytes[place]) { place &+= 1 }
        return place
    }

    /// The top bit of every byte that must be escaped. A subtraction borrows only from bytes behind one that is marked, so the lowest mark is
    /// right; the others may be wrong.
    @inline(__always)
    private static func marks(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let control = (word &- ones &* 0x20) & ~word
        return (control | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes) & (ones &* 0x80)
    }
}

extension ByteBuffer {
    /// Appends `text` as a JSON string, quotes included.
    public mutating func append(jsonString text: String) {
        var text = text
        text.withUTF8 { append(jsonStringUTF8: $0) }
    }

    /// Appends UTF-8 as a JSON string, quotes included.
    public mutating func append(jsonStringUTF8 bytes: UnsafeBufferPointer<UInt8>) {
        reserve(bytes.count + 2)
        append(byte: UInt8(ascii: "\""))
        let bytes = UnsafeRawBufferPointer(bytes)
        var start = 0
        while true {
            let escape = JSONEscaping.firstEscape(in: bytes, from: start)
            append(UnsafeRawBufferPointer(rebasing: bytes[start..<escape]))
            if escape == bytes.count { break }
            appendEscape(bytes[escape])
            start = escape + 1
        }
        append(byte: UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case UInt8(ascii: "\n"): append("\\n")
        case UInt8(ascii: "\r"): append("\\r")
        case UInt8(ascii: "\t"): append("\\t")
        default:
            append("\\u")
            append(hexadecimal: Int(byte), width: 4)
        }
    }

    /// Appends a value as compact JSON, object members sorted by the bytes of their names.
    public mutating func append(json value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(decimal: value)
        case .double(let value):
            // JSON has no NaN or infinity.
            if value.isFinite { append("\(value)") } else { append("null") }
        case .string(let value): append(jsonString: value)
        case .array(let elements):
            append(byte: UInt8(ascii: "["))
            var first = true
            for element in elements {
                if !first { append(byte: UInt8(ascii: ",")) }
                first = false
                append(json: element)
            }
            append(byte: UInt8(ascii: "]"))
        case .object(let members):
            append(byte: UInt8(ascii: "{"))
            var first = true
            // By bytes, since `<` of strings puts neither first where one begins with another way to write the other, and the text is to be one.
            for (name, member) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                if !first { append(byte: UInt8(ascii: ",")) }
                first = false
                append(jsonString: name)
                append(byte: UInt8(ascii: ":"))
                append(json: member)
            }
            append(byte: UInt8(ascii: "}"))
        }
    }
}

/// Writes one JSON object member by member, in the order of the calls, straight into a buffer.
///
/// ```swift
/// buffer.appendJSONObject { object in
///     object.member("status", "ok")
///     object.member("count", 3)
/// }
/// ```
public struct JSONObjectWriter: ~Copyable {
    @usableFromInline var buffer: ByteBuffer
    @usableFromInline var isFirst = true

    init(taking buffer: consuming ByteBuffer) { self.buffer = buffer }
    consuming func finish() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        return taken
    }

    private mutating func name(_ name: StaticString) {
        buffer.append(isFirst ? "\"" : ",\"")
        isFirst = false
        buffer.append(name)
        buffer.append("\":")
    }

    /// Writes a string member, `null` for `nil`.
    public mutating func member(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { buffer.append(jsonString: value) } else { buffer.append("null") }
    }
    /// Writes an integer member, `null` for `nil`.
    public mutating func member(_ name: StaticString, _ value: Int?) {
        self.name(name)
        if let value { buffer.append(decimal: value) } else { buffer.append("null") }
    }
    /// Writes a number member, `null` for `nil`.
    public mutating func member(_ name: StaticString, number value: Double?) {
        self.name(name)
        buffer.append(json: value.map { .double($0) } ?? .null)
    }
    /// Writes a Boolean member.
    public mutating func member(_ name: StaticString, _ value: Bool) {
        self.name(name)
        buffer.append(value ? "true" : "false")
    }
    /// Writes a member of any value, `null` for `nil`.
    public mutating func member(_ name: StaticString, json value: JSONValue?) {
        self.name(name)
        buffer.append(json: value ?? .null)
    }
    /// Writes a member whose name is only known at run time.
    public mutating func member(named name: String, json value: JSONValue) {
        buffer.append(isFirst ? "" : ",")
        isFirst = false
        buffer.append(jsonString: name)
        buffer.append(":")
        buffer.append(json: value)
    }
    /// Writes a member whose value `body` writes as JSON.
    public mutating func member(_ name: StaticString, raw body: (inout ByteBuffer) -> Void) {
        self.name(name)
        body(&buffer)
    }
    /// Writes a member that is an object.
    public mutating func member(_ name: StaticString, object body: (inout JSONObjectWriter) -> Void) {
        self.name(name)
        buffer.appendJSONObject(body)
    }
    /// Writes a member that is an array of objects, one for each element.
    public mutating func member<Elements: Sequence>(
        _ name: StaticString, array elements: Elements, _ body: (Elements.Element, inout JSONObjectWriter) -> Void
    ) {
        self.name(name)
        buffer.append("[")
        var first = true
        for element in elements {
            if !first { buffer.append(",") }
            first = false
            buffer.appendJSONObject { body(element, &$0) }
        }
        buffer.append("]")
    }
}

extension ByteBuffer {
    /// Appends one JSON object whose members `body` writes.
    public mutating func appendJSONObject(_ body: (inout JSONObjectWriter) -> Void) {
        append("{")
        var taken = ByteBuffer()
        swap(&taken, &self)
        var writer = JSONObjectWriter(taking: taken)
        body(&writer)
        self = writer.finish()
        append("}")
    }
}
