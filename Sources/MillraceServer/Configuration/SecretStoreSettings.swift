/// Where secrets are kept by name.
public struct SecretStoreSettings: Equatable, Sendable {
    /// The kinds of stores.
    public enum Kind: String, Sendable, CaseIterable {
        /// An encrypted file.
        case file
        /// AWS Secrets Manager.
        case secretsManager = "secretsmanager"
    }

    /// What keeps them (default: file).
    public var type = Kind.file
    /// The encrypted file; `nil`: `secrets.enc` in the data directory.
    public var path: String?
    /// The file with the file's keys; `nil`: `secrets.key` in the data directory.
    public var keyFile: String?
    /// The keys themselves instead of a file: 32 random bytes each in base64 or hexadecimal digits, newest first (default: none).
    public var key: SecretText?
    /// What stands before every name in Secrets Manager (default: nothing).
    public var namePrefix = ""
    /// How long a value from Secrets Manager is given out before it is fetched again, in seconds (default: 300).
    public var cacheSeconds = 300.0
    /// How long after that it is still given out while Secrets Manager fails, in seconds (default: 3,600).
    public var staleSeconds = 3600.0

    /// Settings with their defaults.
    public init() {}
}
