/// A secret that a backend sends: an API key or a bearer token. It prints as asterisks, wherever it is interpolated.
public struct Credential: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    private let resolve: @Sendable () async throws -> String
    private let refused: (@Sendable () async -> Void)?

    /// A secret that stays as it is.
    public init(_ value: String) {
        resolve = { value }
        refused = nil
    }

    /// A secret that is asked for at every call, so that it can change while the server runs.
    /// - Parameters:
    ///   - refused: told that the service does not take the secret any more, before it is asked for once more: what was kept is to be
    ///     forgotten (default: a refusal is final).
    ///   - resolve: gives the secret.
    public init(refused: (@Sendable () async -> Void)? = nil, resolve: @escaping @Sendable () async throws -> String) {
        self.resolve = resolve
        self.refused = refused
    }

    /// The secret itself.
    /// - Throws: what the source of the secret throws.
    package func value() async throws -> String { try await resolve() }

    /// The secret that has taken the place of a refused one; `nil`: there is no other.
    package func renewed(after old: String) async throws -> String? {
        guard let refused else { return nil }
        await refused()
        let new = try await resolve()
        return new == old ? nil : new
    }

    /// `********`
    public var description: String { "********" }
    /// `********`
    public var debugDescription: String { "********" }
}
