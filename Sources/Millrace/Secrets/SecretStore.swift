public import MillraceCore

/// Where secrets are kept by name: the seam behind which an encrypted file and AWS Secrets Manager sit.
///
/// Methods throw ``ErrorCode/invalidInput`` for a name or value that is none, ``ErrorCode/notFound``, ``ErrorCode/storageUnavailable`` when the
/// store fails or refuses (`isRetryable` where another attempt can help), and `CancellationError`. No error and no log line holds a secret.
public protocol SecretStore: Sendable {
    /// The current value of a secret. It may come from a cache; a rotation is seen within the cache's time (5 minutes unless configured).
    /// - Parameter name: 1 to 512 characters: ASCII letters, digits and `/_+=.@-`, such as `app/document-analysis/api-key`.
    func secret(_ name: String) async throws -> Secret

    /// Stores a value as the current one of a secret, which is made if need be.
    /// - Parameter value: 1 to 65,536 bytes of UTF-8.
    /// - Returns: the new version's id.
    @discardableResult
    func set(_ name: String, _ value: String) async throws -> String

    /// Removes a secret; one that is not there is removed already.
    func remove(_ name: String) async throws

    /// The names of all secrets with what is known of them, in the order of the names' bytes, never a value.
    func list() async throws -> [SecretDescription]

    /// Asks again at the next ``secret(_:)``, as after a refusal of a key that may have been rotated.
    func forget(_ name: String) async
}

extension SecretStore {
    /// The value that a `…SecretName` setting names: a whole secret, or with `#member` a member of one that is a JSON object.
    /// - Throws: as ``secret(_:)``, and ``ErrorCode/notFound`` where there is no such member.
    public func value(of reference: String) async throws -> String {
        guard let mark = reference.firstIndex(of: "#") else { return try await secret(reference).value }
        return try await secret(String(reference[..<mark])).member(String(reference[reference.index(after: mark)...]))
    }
}

/// A secret's value. It prints as asterisks.
public struct Secret: Equatable, Sendable {
    /// The value itself.
    public let value: String
    /// The version's id.
    public let version: String
    /// Creates a secret.
    public init(value: String, version: String) {
        self.value = value
        self.version = version
    }

    /// A member of a secret that is a JSON object: a string as it is, any other value as JSON.
    /// - Throws: ``ErrorCode/notFound`` where there is no such member, or the secret is no JSON object.
    public func member(_ key: String) throws(MillraceError) -> String {
        guard case .object(let members)? = try? JSONValue(parsing: value) else {
            throw MillraceError(.notFound, "the secret is no JSON object, so it has no member '\(key)'")
        }
        guard let member = members[key] else { throw MillraceError(.notFound, "the secret has no member '\(key)'") }
        return member.string ?? member.text
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `********`
    public var description: String { "********" }
    /// `********`
    public var debugDescription: String { description }
    /// Nothing: `dump` must not show the secret either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What is known of a secret beside its value.
public struct SecretDescription: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// When its value last changed.
    public var changedAt: Timestamp?
    /// The current version's id, where the list knows it.
    public var version: String?
    /// Creates a description.
    public init(name: String, changedAt: Timestamp?, version: String?) {
        self.name = name
        self.changedAt = changedAt
        self.version = version
    }
}
