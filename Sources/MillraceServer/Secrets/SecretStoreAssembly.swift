package import Millrace
package import MillraceAWS
package import MillraceBackends
package import MillraceCore

/// The store of secrets that the settings name.
package enum SecretStoreAssembly {
    /// Makes the client of Secrets Manager, with the settings' region and credentials.
    package typealias SecretsManagerFactory = @Sendable (ServerSettings) throws -> SecretsManagerClient

    /// The client that the settings of AWS describe, for the command line.
    package static let secretsManager: SecretsManagerFactory = { settings in
        let transport = try ModelAssembly.transport(settings.http, logger: .silent)
        let aws = AWSAssembly(
            settings.aws, transport: transport, plain: try ModelAssembly.client(settings.http),
            blocking: try BlockingExecutor(name: "aws", threads: 1))
        return SecretsManagerClient(try aws.client(.secretsManager))
    }

    /// A store, with what its kind can do beside the seam.
    package enum Assembled: Sendable {
        case file(FileSecretStore)
        case secretsManager(SecretsManagerStore)

        package var store: any SecretStore {
            switch self {
            case .file(let store): store
            case .secretsManager(let store): store
            }
        }
    }

    /// Makes the store; nothing is read or called yet.
    /// - Parameter secretsManager: called for the type `secretsmanager` only.
    /// - Throws: ``ErrorCode/configuration`` for settings that name no place; what `secretsManager` throws.
    package static func make(
        _ settings: ServerSettings, logger: Logger = .silent, secretsManager: SecretsManagerFactory
    ) throws -> Assembled {
        switch settings.secrets.type {
        case .file: .file(try file(settings))
        case .secretsManager:
            .secretsManager(
                SecretsManagerStore(
                    try secretsManager(settings), namePrefix: settings.secrets.namePrefix,
                    cacheDuration: .seconds(settings.secrets.cacheSeconds), staleDuration: .seconds(settings.secrets.staleSeconds),
                    logger: logger))
        }
    }

    private static func file(_ settings: ServerSettings) throws -> FileSecretStore {
        let secrets = settings.secrets
        func place(_ given: String?, _ key: String, _ name: String) throws(MillraceError) -> String {
            if let given { return given }
            guard settings.dataDirectory != ":memory:" else {
                throw MillraceError(
                    .configuration, "there is no data directory that could hold secrets (\(name)): name a file with \(key)")
            }
            return settings.dataDirectory + "/" + name
        }
        let keys: SecretKeySource
        if let key = secrets.key {
            keys = try .text(key.value, origin: SettingTable.secretsKeyVariable)
        } else {
            keys = .file(try place(secrets.keyFile, "secrets.keyFile", "secrets.key"))
        }
        return try FileSecretStore(path: try place(secrets.path, "secrets.path", "secrets.enc"), keys: keys)
    }
}
