public import MillraceCore

/// A version of a secret with its value, as Secrets Manager gave it. It prints without the value.
public struct SecretsManagerValue: Equatable, Sendable {
    /// What a secret holds.
    public enum Content: Equatable, Sendable {
        /// `SecretString`
        case text(String)
        /// `SecretBinary`
        case binary([UInt8])
    }

    /// The secret's ARN.
    public let arn: String
    /// The secret's name.
    public let name: String
    /// The version's id.
    public let versionID: String
    /// The labels of the version, such as `AWSCURRENT`.
    public let stages: [String]
    /// The value itself.
    public let content: Content
    /// When the version was made.
    public let createdAt: Timestamp?

    init(arn: String, name: String, versionID: String, stages: [String], content: Content, createdAt: Timestamp?) {
        self.arn = arn
        self.name = name
        self.versionID = versionID
        self.stages = stages
        self.content = content
        self.createdAt = createdAt
    }
}

extension SecretsManagerValue: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name and the version, such as `app/key (version 7c5b…): ********`.
    public var description: String { "\(name) (version \(versionID)): ********" }
    /// As ``description``.
    public var debugDescription: String { description }
    /// Nothing: `dump` must not show the value either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension SecretsManagerValue.Content: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `********`
    public var description: String { "********" }
    /// `********`
    public var debugDescription: String { description }
    /// Nothing: `dump` must not show the value either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
