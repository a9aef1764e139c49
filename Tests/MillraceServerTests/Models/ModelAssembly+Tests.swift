import Millrace
import MillraceCore
import MillraceHTTPClient

@testable import MillraceServer

extension ModelAssembly {
    /// An assembly without a secret store, whose AWS is what the settings say.
    init(
        settings: ServerSettings, existing: [any LanguageModel], transport: any HTTPTransport, logger: Logger, blocking: BlockingExecutor
    ) throws {
        try self.init(
            settings: settings, existing: existing, transport: transport, logger: logger, blocking: blocking,
            aws: AWSAssembly(settings.aws, transport: transport, plain: transport, blocking: blocking), secrets: SecretResolver(nil))
    }
}
