/// A secret in the settings: an API key or a header's value. It prints as asterisks; ``value`` is the only way to the text.
public struct SecretText: Equatable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The secret itself.
    public let value: String

    /// Where it was found, for advice: `the variable NAME`, `the file PATH`; `nil`: in code.
    package let origin: String?

    /// A secret.
    public init(_ value: String) { self.init(value, origin: nil) }

    package init(_ value: String, origin: String?) {
        self.value = value
        self.origin = origin
    }

    /// A secret written in code, for tests.
    public init(stringLiteral value: String) { self.init(value) }

    /// Whether the secrets are the same, wherever they were found.
    public static func == (left: SecretText, right: SecretText) -> Bool { left.value == right.value }

    /// `********`
    public var description: String { SecretMask.text }
    /// `********`
    public var debugDescription: String { SecretMask.text }
    /// Nothing: `dump` must not show the secret either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
