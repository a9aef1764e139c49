import Foundation
import Millrace
import MillraceServer
import MillraceTaskHandlers

// The server of this example: it reads the documents that come with a request.
do {
    let sources = SettingsSources(environment: ProcessInfo.processInfo.environment)
    let read: @Sendable () throws -> SettingsReport = { try SettingsLoader.load(sources) }
    let report = try read()
    let server = try Server(settings: report.settings) { registry, clients in
        let documents: Availability<any DocumentExtractor> =
            clients.documents.map { .available($0) }
            ?? .missing(name: "documents", reason: clients.unavailable["documents"] ?? "it is not configured")
        let prompts = try clients.prompts.folder("document_analysis", embedded: DocumentAnalysisHandler.embeddedPrompts)
        let settings = try clients.settings(DocumentAnalysisSettings.self)
        try registry.register("document_analysis", requiring: documents, isDefault: true) { documents in
            DocumentAnalysisHandler(
                models: clients.models, documents: documents, settings: settings, content: clients.content,
                spoolDirectory: clients.spoolDirectory, prompts: prompts)
        }
    }
    exit(try server.run(reload: SettingsReload(report, read: read)))
} catch {
    print("document-analysis-server: \(error)")
    exit(1)
}
