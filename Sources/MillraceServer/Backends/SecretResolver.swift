import Millrace
import MillraceBackends
import MillraceCore

/// Finds the secrets that the settings name.
struct SecretResolver: Sendable {
    private let store: (any SecretStore)?
    private let reason: String
    private let environment: @Sendable (String) -> String?
    private let directory: String

    /// - Parameters:
    ///   - store: where stored secrets are; `nil`: there is none.
    ///   - reason: why there is none.
    ///   - directory: what relative paths of secrets' files are relative to.
    ///   - environment: looks up a variable.
    init(
        _ store: (any SecretStore)?, reason: String = "no secret store is configured", directory: String = ".",
        environment: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.store = store
        self.reason = reason
        self.directory = directory
        self.environment = environment
    }

    /// A stored secret's present value; it is asked for at every use, so that it can be rotated.
    func value(_ secret: StoredSecret) async throws -> String {
        guard let store else { throw MillraceError(.configuration, "the secret '\(secret.name)' cannot be read: \(reason)") }
        do {
            let found = try await store.secret(secret.name)
            return try secret.member.map { try found.member($0) } ?? found.value
        } catch let error as MillraceError where error.code == .notFound {
            throw MillraceError(.configuration, "the settings name the secret '\(secret)', which cannot be had: \(error.message)")
        }
    }

    /// What a reference in the settings means.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` for a variable or file that holds none.
    func credential(_ reference: String) throws(MillraceError) -> Credential {
        switch SecretReference(reference) {
        case .stored(let secret)?: return credential(of: secret)
        case let found?: return Credential(try found.resolve(in: directory, environment: environment).value)
        case nil: throw MillraceError(.configuration, "a secret is given as env:NAME, file:PATH or secret:NAME")
        }
    }

    /// The key of a model's server; `nil` where it asks for none.
    func credential(of server: ModelServerSettings) -> Credential? {
        if let key = server.apiKey { return Credential(key.value) }
        return server.storedKey.map { credential(of: $0) }
    }

    private func credential(of secret: StoredSecret) -> Credential {
        Credential(refused: { [store] in await store?.forget(secret.name) }, resolve: { try await value(secret) })
    }
}
