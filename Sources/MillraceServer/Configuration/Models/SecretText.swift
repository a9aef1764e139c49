/// A secret in the settings: an API key or a header's value. It prints as asterisks; ``value`` is the only way to the text.
public struct SecretText: Equatable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The secret itself.
    public let value: String

    /// A secret.
    public init(_ value: String) { self.value = value }
    /// A secret written in code, for tests.
    public init(stringLiteral value: String) { self.init(value) }

    /// `********`
    public var description: String { SecretMask.text }
    /// `********`
    public var debugDescription: String { SecretMask.text }
    /// Nothing: `dump` must not show the secret either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
