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
            content: content, search: search, embedder: embedder, extractor: backends.documents,
            byteLimit: settings.content.searchableBytes)
    }

    /// The handler `ingest`, where the settings name collections for it; the log says what it lacks.
    static func ingestHandler(
        _ backends: Backends, _ content: ContentStore?, _ embedder: (any Embedder)?, _ settings: ServerSettings, _ board: SettingsBoard,
        _ logger: Logger
    ) -> IngestHandler? {
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
        let ingestion = Ingestion(search: search, extractor: extractor, embedder: embedder, settings: settings.ingestion)
        return IngestHandler(content: content, ingestion: ingestion, settings: live)
    }
}
