/// A setting's value, read and in range.
package enum SettingValue: Equatable, Sendable {
    case text(String)
    case integer(Int)
    case number(Double)
    case seconds(Double)
    case bool(Bool)
    case list([String])

    /// The value as one would write it in the environment.
    package var text: String {
        switch self {
        case .text(let value): value
        case .integer(let value): String(value)
        case .number(let value), .seconds(let value): SettingKind.number(value)
        case .bool(let value): value ? "true" : "false"
        case .list(let names): names.joined(separator: ",")
        }
    }
}

/// Why a value was refused: what was expected instead.
package struct SettingRefusal: Error, Equatable, Sendable {
    package let expected: String
    package init(expected: String) { self.expected = expected }
}
