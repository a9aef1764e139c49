import Foundation
import Millrace
import MillraceServer
import MillraceTaskHandlers

// The server of this example. `chat` comes with Millrace; register handlers and tools of your own in the closure.
do {
    let sources = SettingsSources(environment: ProcessInfo.processInfo.environment)
    let read: @Sendable () throws -> SettingsReport = { try SettingsLoader.load(sources) }
    let report = try read()
    let server = try Server(settings: report.settings) { registry, clients in
        // A tool of this example's own. A model may call it where `chatConfig.tools` names it.
        let countWords = try Tool(
            name: "count_words", description: "Counts the words of a text.",
            arguments: [
                "type": "object", "additionalProperties": false, "required": ["text"], "properties": ["text": ["type": "string"]],
            ]
        ) { arguments, _ in
            .integer((arguments["text"]?.string ?? "").split(whereSeparator: \.isWhitespace).count)
        }
        try registry.tools.register(countWords)

        let prompts = try clients.prompts.folder("chat", embedded: ChatHandler.embeddedPrompts)
        let chat = ChatHandler(
            models: clients.models, settings: try clients.settings(ChatSettings.self), content: clients.content,
            passages: clients.passages, documents: clients.documents, tools: registry.tools, prompts: prompts)
        try registry.register(chat, isDefault: true)
    }
    exit(try server.run(reload: SettingsReload(report, read: read)))
} catch {
    print("chat-server: \(error)")
    exit(1)
}
