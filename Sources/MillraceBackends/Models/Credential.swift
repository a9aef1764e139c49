/// A secret that a backend sends: an API key or a bearer token. It prints as asterisks, wherever it is interpolated.
public struct Credential: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    private let resolve: @Sendable () async throws -> String

    /// A secret that stays as it is.
    public init(_ value: String) { resolve = { value } }

    /// A secret that is asked for at every call, so that it can change while the server runs.
    public init(resolve: @escaping @Sendable () async throws -> String) { self.resolve = resolve }

    /// The secret itself.
    /// - Throws: what the source of the secret throws.
    package func value() async throws -> String { try await resolve() }

    /// `********`
    public var description: String { "********" }
    /// `********`
    public var debugDescription: String { "********" }
}
