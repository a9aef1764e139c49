/// The attributes of an item, by name.
public typealias DynamoDBItem = [String: DynamoDBValue]

/// A value of an attribute.
///
/// Literals make the plain ones: `["id": "a", "count": 3, "tags": ["x", .null], "price": .number("9.99")]`.
/// Source: `AttributeValue`, Amazon DynamoDB API Reference.
public indirect enum DynamoDBValue: Sendable, Hashable {
    /// A text; `S`.
    case string(String)
    /// A number as decimal text, exact to 38 digits, such as `-3`, `0.1` or `1E+20`; `N`. Two texts are equal only if they are written alike.
    case number(String)
    /// Bytes; `B`.
    case binary([UInt8])
    /// `true` or `false`; `BOOL`.
    case bool(Bool)
    /// Nothing; `NULL`.
    case null
    /// Values by name; `M`.
    case map([String: DynamoDBValue])
    /// Values in order; `L`.
    case list([DynamoDBValue])
    /// Different texts, at least one; `SS`.
    case stringSet(Set<String>)
    /// Different numbers, at least one; `NS`.
    case numberSet(Set<String>)
    /// Different bytes, at least one; `BS`.
    case binarySet(Set<[UInt8]>)

    /// A number.
    public static func number(_ value: some BinaryInteger) -> DynamoDBValue { .number("\(value)") }

    /// A number as Swift writes it, with the fewest digits that tell it from its neighbours; `nil` for infinities and for no number.
    public static func number(_ value: Double) -> DynamoDBValue? { value.isFinite ? .number("\(value)") : nil }

    /// The text, where it is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The number's text, where it is one.
    public var number: String? { if case .number(let value) = self { value } else { nil } }
    /// The number, where it is one without a fraction that fits 64 bits, however it is written.
    public var integer: Int? { number.flatMap(Self.integer) }
    /// The number, where it is one, rounded to what a `Double` can hold.
    public var double: Double? { number.flatMap { Double($0) } }
    /// The bytes, where it is some.
    public var binary: [UInt8]? { if case .binary(let value) = self { value } else { nil } }
    /// The Boolean, where it is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The values by name, where it is a map.
    public var map: [String: DynamoDBValue]? { if case .map(let value) = self { value } else { nil } }
    /// The values in order, where it is a list.
    public var list: [DynamoDBValue]? { if case .list(let value) = self { value } else { nil } }
    /// The texts, where it is a set of them.
    public var stringSet: Set<String>? { if case .stringSet(let value) = self { value } else { nil } }
    /// The numbers' texts, where it is a set of them.
    public var numberSet: Set<String>? { if case .numberSet(let value) = self { value } else { nil } }
    /// The bytes, where it is a set of them.
    public var binarySet: Set<[UInt8]>? { if case .binarySet(let value) = self { value } else { nil } }
    /// Whether it is `null`.
    public var isNull: Bool { self == .null }

    /// The member of a map, or `nil` where this is no map or has no such member.
    public subscript(name: String) -> DynamoDBValue? { map?[name] }
    /// The element of a list, or `nil` where this is no list or is shorter.
    public subscript(index: Int) -> DynamoDBValue? { list.flatMap { $0.indices.contains(index) ? $0[index] : nil } }

    /// `12`, `-1.20E+1` and `1200E-2` are integers; `0.5` and `1E+30` are none.
    private static func integer(_ text: String) -> Int? {
        if let value = Int(text) { return value }
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        let halves = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = halves.count > 1 ? halves[1] : ""
        guard let exponent = parts.count > 1 ? Int(parts[1]) : 0, (-200...200).contains(exponent),
            fraction.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        var digits = halves[0] + fraction
        let zeros = exponent - fraction.utf8.count
        if zeros < 0 {
            let cut = digits.suffix(-zeros)
            guard cut.utf8.allSatisfy({ $0 == UInt8(ascii: "0") }), -zeros <= digits.utf8.count else { return nil }
            digits = digits.dropLast(-zeros)
            if digits.isEmpty || digits == "-" { return 0 }
            return Int(digits)
        }
        // More zeros than 64 bits hold are no integer, unless they are all that there is.
        guard zeros <= 19 else { return digits.utf8.contains { (0x31...0x39).contains($0) } ? nil : 0 }
        return Int(digits + String(repeating: "0", count: zeros))
    }
}

extension DynamoDBValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number("\(value)") }
    /// A Boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list.
    public init(arrayLiteral elements: DynamoDBValue...) { self = .list(elements) }
    /// A map; of a repeated name the last member counts.
    public init(dictionaryLiteral elements: (String, DynamoDBValue)...) {
        self = .map(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
