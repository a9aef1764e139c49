import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts

/// The stores that the conformance suite holds to the seam's promises.
enum SecretStoreKind: String, CaseIterable, Sendable {
    case file
    case secretsManager

    /// Runs `body` with an empty store of its own; not at all where its counterpart is missing.
    func withStore(_ body: (any SecretStore) async throws -> Void) async throws {
        switch self {
        case .file:
            let directory = try TemporaryDirectory()
            let store = try FileSecretStore(path: directory.path + "/s.enc", keys: .file(directory.path + "/s.key"))
            _ = try await store.makeKeyIfMissing()
            try await body(store)
        case .secretsManager:
            guard let server = try SecretsManagerServer.running() else { return }
            try await body(
                SecretsManagerStore(server.client, namePrefix: Identifier.make(prefix: "test") + "/", deletion: .immediate))
        }
    }
}
