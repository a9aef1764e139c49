/// The header fields of a request or response: an ordered list whose names match in any case.
///
/// Secrets (API keys, signatures) are fields like others here; ``description`` names the fields and shows no values.
package struct HTTPClientHeaders: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field]

    package init(_ fields: [Field] = []) { self.fields = fields }

    /// Appends a field, also beside others of its name.
    package mutating func add(_ name: String, _ value: String) { fields.append(Field(name, value)) }

    /// Replaces every field of that name by one.
    package mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    /// Removes every field of that name.
    package mutating func remove(_ name: String) {
        fields.removeAll { $0.name.utf8.elementsEqual(name.utf8, by: Self.matches) }
    }

    /// The first value of that name.
    package subscript(name: String) -> String? {
        fields.first { $0.name.utf8.elementsEqual(name.utf8, by: Self.matches) }?.value
    }

    private static func matches(_ left: UInt8, _ right: UInt8) -> Bool { lower(left) == lower(right) }
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}

extension HTTPClientHeaders: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Field($0, $1) })
    }
}

extension HTTPClientHeaders: CustomStringConvertible {
    /// The names only: a value may be a secret.
    package var description: String { fields.map(\.name).joined(separator: ", ") }
}
