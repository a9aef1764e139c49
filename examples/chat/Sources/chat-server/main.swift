import Foundation
import MillraceServer
import MillraceTaskHandlers

// The server of this example. `chat` comes with Millrace; register handlers of your own in the closure.
do {
    let sources = SettingsSources(environment: ProcessInfo.processInfo.environment)
    let read: @Sendable () throws -> SettingsReport = { try SettingsLoader.load(sources) }
    let report = try read()
    let server = try Server(settings: report.settings) { registry, clients in
        let prompts = try clients.prompts.folder("chat", embedded: ChatHandler.embeddedPrompts)
        let chat = ChatHandler(
            models: clients.models, settings: try clients.settings(ChatSettings.self), content: clients.content,
            documents: clients.documents, prompts: prompts)
        try registry.register(chat, isDefault: true)
    }
    exit(try server.run(reload: SettingsReload(report, read: read)))
} catch {
    print("chat-server: \(error)")
    exit(1)
}
