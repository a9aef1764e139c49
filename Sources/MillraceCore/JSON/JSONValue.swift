/// Any JSON value (RFC 8259).
public enum JSONValue: Sendable, Equatable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number without fraction that fits 64 bits.
    case integer(Int)
    /// Any other number.
    case double(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object; members are written in the order of their names' bytes.
    case object([String: JSONValue])

    /// Parses one JSON document.
    /// - Throws: ``MillraceError`` with code ``ErrorCode/invalidJSON`` that says where the text stops being JSON.
    public init(parsing bytes: [UInt8]) throws(MillraceError) {
        self = try JSONParser.parse(bytes, mostValues: .max)
    }

    /// Parses one JSON document of at most so many values, nested ones among them.
    /// - Throws: as ``init(parsing:)-([UInt8])``.
    package init(parsing bytes: [UInt8], mostValues: Int) throws(MillraceError) {
        self = try JSONParser.parse(bytes, mostValues: mostValues)
    }

    /// Parses one JSON document.
    /// - Throws: as ``init(parsing:)-([UInt8])``.
    public init(parsing text: String) throws(MillraceError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// The member of an object, or `nil` where this is no object or has no such member.
    public subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The element of an array, or `nil` where this is no array or is shorter.
    public subscript(index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    /// The string, where it is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The Boolean, where it is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The integer, where it is one.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    /// The number, where it is one.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
    /// The elements, where it is an array.
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    /// The members, where it is an object.
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
    /// Whether it is `null`.
    public var isNull: Bool { self == .null }

    /// The name of the value's kind, for error messages: `null`, `boolean`, `number`, `string`, `array` or `object`.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The value as compact JSON text, object members sorted by the bytes of their names.
    public var text: String {
        var buffer = ByteBuffer()
        buffer.append(json: self)
        return buffer.string
    }
}

extension JSONValue: Codable {
    /// Decodes any JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else {
            self = .double(try container.decode(Double.self))
        }
    }

    /// Encodes the value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A Boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object; of a repeated name the last member counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
    /// `null`
    public init(nilLiteral: ()) { self = .null }
}
