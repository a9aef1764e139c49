import Millrace
import MillraceBackends
package import MillraceCore
import MillraceEventLoop

/// What `millrace secrets` does with the store that the settings name. Its calls block: not for a loop.
package struct SecretAdministration: Sendable {
    /// What became of a new value.
    package struct Stored: Equatable, Sendable {
        package var version: String
        /// The key file that was made for it, as there was none.
        package var newKeyFile: String?
    }

    /// A secret without its value.
    package struct Entry: Equatable, Sendable {
        package var name: String
        package var changedAt: Timestamp?
        package var version: String?

        package init(name: String, changedAt: Timestamp?, version: String?) {
            self.name = name
            self.changedAt = changedAt
            self.version = version
        }
    }

    /// What a rotation did.
    package enum Rotation: Equatable, Sendable {
        /// So many secrets are encrypted with a new key of that id.
        case key(secretCount: Int, keyID: String)
        /// Secrets Manager makes this version.
        case secret(version: String)
    }

    private let assembled: SecretStoreAssembly.Assembled

    /// - Throws: as ``SecretStoreAssembly/make(_:logger:secretsManager:)``.
    package init(_ settings: ServerSettings, secretsManager: SecretStoreAssembly.SecretsManagerFactory) throws {
        assembled = try SecretStoreAssembly.make(settings, secretsManager: secretsManager)
    }

    /// Stores a value; for the file store, a key file is made where there is none.
    package func set(_ name: String, _ value: String) throws -> Stored {
        try wait { [assembled] in
            // Before a key is made in vain.
            try SecretRules.check(name: name)
            try SecretRules.check(value: value, of: name)
            var newKeyFile: String?
            if case .file(let store) = assembled { newKeyFile = try await store.makeKeyIfMissing() }
            return Stored(version: try await assembled.store.set(name, value), newKeyFile: newKeyFile)
        }
    }

    /// The value of a secret, or of a member of one that is a JSON object.
    package func get(_ name: String, member: String?) throws -> String {
        try wait { [assembled] in
            let secret = try await assembled.store.secret(name)
            return try member.map { try secret.member($0) } ?? secret.value
        }
    }

    /// All secrets by name.
    package func list() throws -> [Entry] {
        try wait { [assembled] in
            try await assembled.store.list().map { Entry(name: $0.name, changedAt: $0.changedAt, version: $0.version) }
        }
    }

    /// Removes a secret.
    package func remove(_ name: String) throws { try wait { [assembled] in try await assembled.store.remove(name) } }

    /// Encrypts the file anew, or rotates a secret of Secrets Manager.
    /// - Throws: also ``ErrorCode/invalidInput`` for a name with the file store, and for none with Secrets Manager.
    package func rotate(_ name: String?) throws -> Rotation {
        try wait { [assembled] in
            switch (assembled, name) {
            case (.file(let store), nil):
                let rotation = try await store.rotate()
                return .key(secretCount: rotation.secretCount, keyID: rotation.keyID)
            case (.file, _?):
                throw MillraceError(
                    .invalidInput,
                    "the secrets are in a file, whose key is rotated for all of them: leave the name out, or set the secret's new value")
            case (.secretsManager(let store), let name?): return .secret(version: try await store.rotate(name))
            case (.secretsManager, nil):
                throw MillraceError(.invalidInput, "the secrets are in Secrets Manager, which rotates one at a time: name it")
            }
        }
    }

    private func wait<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) throws -> R {
        // A loop of its own: the caller's thread waits, and may be one that tasks without a loop would need.
        let group = try EventLoopGroup(count: 1)
        try group.start()
        defer { group.stop() }
        let done = Monitor<Result<R, any Error>?>(nil)
        Task(executorPreference: group.loops[0].executor) {
            let result: Result<R, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            done.update {
                $0 = result
                return true
            }
        }
        return try done.wait { $0 }.get()
    }
}
