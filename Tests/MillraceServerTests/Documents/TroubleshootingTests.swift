import Millrace
import MillraceBackends
import MillraceCore
import MillraceTaskHandlers
import Testing

@testable import MillraceServer

/// Each message that `Docs/troubleshooting.md` quotes is produced here, by the code that a user would meet it in.
@Suite struct TroubleshootingTests {
    private static func guide() throws -> String {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        return String(decoding: try BoundedFile.read("\(folder)/Docs/troubleshooting.md", limit: 1 << 20), as: UTF8.self)
    }

    /// The messages of the tables: the first cell of each row.
    private static func messages() throws -> [String] {
        try guide().split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            String(row.split(separator: "`", omittingEmptySubsequences: false)[1])
        }
    }

    private static func error(_ body: () async throws -> Void) async -> String {
        do { try await body() } catch { return (error as? MillraceError)?.message ?? "\(error)" }
        return "no error"
    }

    private static func configuration(_ yaml: String) -> String {
        let report = inspect(yaml: yaml)
        return (report.problems.map(\.description) + report.warnings.map(\.description)).joined(separator: "\n")
    }

    /// A document of one page, which is damaged where its text is `damaged`.
    private struct OnePageExtractor: DocumentExtractor {
        private final class Page: ExtractedDocument {
            let type = DocumentType.pdf
            var summary: DocumentSummary?
            private var text: String?
            init(_ text: String) { self.text = text }
            func next() async throws -> DocumentPiece? {
                if text == "damaged" { throw MillraceError(.documentDamaged, "it is damaged") }
                return text.take().map { DocumentPiece(text: $0, position: DocumentPosition(page: 1)) }
            }
        }

        func extract<R>(
            _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
            _ read: (any ExtractedDocument) async throws -> R
        ) async throws -> R {
            try await read(Page(String(decoding: try await next() ?? [], as: UTF8.self)))
        }
    }

    private static func run(_ handler: some TaskHandler, _ documents: [String] = []) async -> String {
        let recorder = RunRecorder()
        var parts: [MessagePart] = [.text("Summarise this")]
        for text in documents { parts.append(.document(Attachment(data: Array(text.utf8), mimeType: "application/pdf", title: "a.pdf"))) }
        let message = Message(id: "m_1", chatID: "c_1", parentID: nil, role: .user, parts: parts, createdAt: .now())
        let request = TaskRequest(responseID: "r_1", requestID: "q_1", chatID: "c_1", task: handler.name, message: message)
        let error = await error { try await handler.handle(request, recorder.context) }
        return error + "\n" + recorder.text
    }

    private static func produced() async throws -> [String] {
        let files = TemporaryDirectory()
        var texts = [
            configuration("documentAnalysisConfig: {maxDocumentSizeMB: 3}\n"),
            configuration("documentAnalysisConfig: {maxDocumentSizeMb: 0}\n"),
            configuration("env: prodd\ndev: {log: {level: info}}\nprod: {log: {level: error}}\n"),
        ]
        var calling = ServerSettings()
        calling.handlerValues = ["chatConfig": ["tools": .list(["calculator"])]]
        texts.append(await error { [calling] in try Server(settings: calling, logger: .silent).stop() })
        texts.append(await error { _ = try ProcessDocumentExtractor.program(nil, beside: "/nowhere/millrace-extract", path: "/nowhere") })
        let models = try LanguageModelRegistry(default: LocalLanguageModel())
        texts.append(await error { _ = try models.model("gpt") })

        let path = files.path + "/search.sqlite"
        let search = try SQLiteSearchEngine(path: path)
        texts.append(await error { _ = try SQLiteSearchEngine(path: path) })
        var settings = RagOssSettings()
        settings.collection = "manuals"
        texts.append(await run(RagOssHandler(models: models, search: search, settings: LiveSettings(settings))))
        _ = try await search.index(PassageCollection.definition(name: "manuals", dimensions: 3))
        let passage = CollectionPassage(documentID: "a", place: 0, text: "Summarise", title: "a", source: "a")
        let index = try await search.index(PassageCollection.definition(name: "manuals", dimensions: 3))
        _ = try await index.write([PassageCollection.document(passage, version: "1", vector: [1, 0, 0])])
        try await index.refresh()
        texts.append(await run(RagOssHandler(models: models, search: search, embedder: LocalEmbedder(), settings: LiveSettings(settings))))

        let ingestion = Ingestion(search: search, extractor: OnePageExtractor(), embedder: LocalEmbedder())
        texts.append(await error { _ = try await ingestion.ingest([], into: "manuals") })

        let analysis = DocumentAnalysisHandler(models: models, documents: OnePageExtractor())
        texts.append(await run(analysis))
        texts.append(await run(analysis, ["damaged", "damaged"]))
        texts.append(await run(analysis, [" "]))

        texts.append(
            await error { _ = try PromptLibrary().folder("chat", embedded: ["system.xml.j2": "Hello\n{% if %}"]) })
        texts += GuardrailPolicy.read(["rules": [["words": ["x"]]]]).problems.map { "\($0.field) \($0.message)" }
        return texts
    }

    @Test func everyMessage_isProduced() async throws {
        let produced = try await Self.produced()
        let messages = try Self.messages()
        #expect(messages.count >= 12)
        for message in messages {
            #expect(produced.contains { $0.contains(message) }, "nothing says '\(message)':\n\(produced.joined(separator: "\n"))")
        }
    }
}
