import Foundation
import Millrace
import MillraceServer
import MillraceTaskHandlers

// The server of this example: it answers from the collection that `millrace ingest` made.
do {
    let sources = SettingsSources(environment: ProcessInfo.processInfo.environment)
    let read: @Sendable () throws -> SettingsReport = { try SettingsLoader.load(sources) }
    let report = try read()
    let server = try Server(settings: report.settings) { registry, clients in
        let search: Availability<any SearchEngine> =
            clients.search.map { .available($0) }
            ?? .missing(name: "search", reason: clients.unavailable["search"] ?? "it is not configured")
        let embedder = try clients.embedders.embedder("local")
        let prompts = try clients.prompts.folder("rag_oss", embedded: RagOssHandler.embeddedPrompts)
        let settings = try clients.settings(RagOssSettings.self)
        try registry.register("rag_oss", requiring: search, isDefault: true) { search in
            RagOssHandler(models: clients.models, search: search, embedder: embedder, settings: settings, prompts: prompts)
        }
    }
    exit(try server.run(reload: SettingsReload(report, read: read)))
} catch {
    print("rag-oss-server: \(error)")
    exit(1)
}
