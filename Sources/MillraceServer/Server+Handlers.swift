import Millrace
import MillraceCore
import MillraceTaskHandlers

/// What Millrace's own handlers are made of.
extension Server {
    /// The embedder that the search settings name; `nil`: none, or it cannot be used now, and passages are found by words until it can.
    /// - Throws: ``MillraceError`` for an embedder that there is not.
    static func searchEmbedder(_ embedders: EmbedderRegistry, _ settings: ServerSettings) throws(MillraceError) -> (any Embedder)? {
        guard let id = settings.search.embedder else { return nil }
        do throws(MillraceError) { return try embedders.embedder(id) } catch {
            guard error.code == .modelUnavailable else { throw MillraceError(error.code, "search.embedder: \(error.message)") }
            return nil
        }
    }

    /// What finds passages of uploaded texts.
    static func passages(
        _ content: ContentStore?, _ backends: Backends, _ embedder: (any Embedder)?, _ settings: ServerSettings
    ) -> ContentPassages? {
        guard let content, let search = backends.search else { return nil }
        return ContentPassages(
            content: content, search: search, embedder: embedder, extractor: backends.documents, language: settings.search.language,
            byteLimit: settings.content.searchableBytes)
    }
}

/// Registers Millrace's own handlers, each unless a handler of its name is there already.
struct OwnHandlers {
    let models: LanguageModelRegistry
    let backends: Backends
    let content: ContentStore?
    let passages: ContentPassages?
    let embedder: (any Embedder)?
    let prompts: PromptLibrary
    let settings: ServerSettings
    let board: SettingsBoard
    let logger: Logger

    /// - Throws: ``MillraceError`` for templates that cannot be parsed.
    func register(in registry: inout TaskHandlerRegistry) throws {
        if registry.handler(named: "chat") == nil {
            let chat = ChatHandler(
                models: models, settings: LiveSettings(board: board), content: content, passages: passages, documents: backends.documents,
                tools: registry.tools, prompts: try prompts.folder("chat", embedded: ChatHandler.embeddedPrompts))
            try registry.register(chat, isDefault: registry.defaultName == nil)
        }
        if registry.handler(named: "rag_oss") == nil {
            let folder = try prompts.folder("rag_oss", embedded: RagOssHandler.embeddedPrompts)
            try registry.register("rag_oss", requiring: available(backends.search, "search")) { search in
                RagOssHandler(models: models, search: search, embedder: embedder, settings: LiveSettings(board: board), prompts: folder)
            }
        }
        if registry.handler(named: "document_analysis") == nil {
            let folder = try prompts.folder("document_analysis", embedded: DocumentAnalysisHandler.embeddedPrompts)
            try registry.register("document_analysis", requiring: available(backends.documents, "documents")) { documents in
                DocumentAnalysisHandler(
                    models: models, documents: documents, settings: LiveSettings(board: board), content: content,
                    spoolDirectory: settings.documents.spoolDirectory, prompts: folder)
            }
        }
        if registry.handler(named: "ingest") == nil, let ingest { try registry.register(ingest) }
    }

    private func available<Client>(_ client: Client?, _ name: String) -> Availability<Client> {
        client.map { .available($0) } ?? .missing(name: name, reason: backends.unavailable[name] ?? "it is not configured")
    }

    /// The handler `ingest`, where the settings name collections for it; the log says what it lacks.
    private var ingest: IngestHandler? {
        let live = LiveSettings<IngestSettings>(board: board)
        guard !live.current.collections.isEmpty else { return nil }
        guard let content, let search = backends.search, let extractor = backends.documents,
            // A collection has vectors of one embedder, or none.
            settings.search.embedder == nil || embedder != nil
        else {
            logger.warning(
                "the handler 'ingest' is left out: it needs objects, search, documents, and the embedder of search.embedder",
                ["unavailable": .object(backends.unavailable.mapValues { .string($0) })])
            return nil
        }
        let ingestion = Ingestion(
            search: search, extractor: extractor, embedder: embedder, language: settings.search.language, settings: settings.ingestion)
        return IngestHandler(content: content, ingestion: ingestion, settings: live)
    }
}
