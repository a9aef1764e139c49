public import Millrace
import MillraceCore

/// The tools that come with Millrace.
public enum BuiltInTools {
    /// Their names.
    public static let names = [CalculateTool.name, CurrentTimeTool.name, ReadDocumentTool.name, SearchDocumentsTool.name]

    /// Makes them: `calculate`, `current_time`, `read_document` and `search_documents`.
    /// - Parameters:
    ///   - search: where collections are; without it `search_documents` cannot be used.
    ///   - embedder: the one that the collections were ingested with (default: none, passages are found by words).
    ///   - content: the files that people upload.
    ///   - documents: reads documents; without it `read_document` cannot be used.
    ///   - unavailable: why `search` or `documents` is missing, by these names.
    ///   - settings: which collection is searched (default: as ``ChatSettings`` says).
    public static func registry(
        search: (any SearchEngine)? = nil, embedder: (any Embedder)? = nil, content: ContentStore? = nil,
        documents: (any DocumentExtractor)? = nil, unavailable: [String: String] = [:],
        settings: LiveSettings<ChatSettings> = LiveSettings()
    ) throws -> ToolRegistry {
        var registry = ToolRegistry()
        try registry.register(CalculateTool.make())
        try registry.register(CurrentTimeTool.make())
        if let documents {
            try registry.register(ReadDocumentTool(content: content, extractor: documents).make())
        } else {
            registry.omit(ReadDocumentTool.name, reason: unavailable["documents"] ?? "nothing reads documents")
        }
        if let search {
            try registry.register(SearchCollectionTool(search: search, embedder: embedder, settings: settings).make())
        } else {
            registry.omit(SearchDocumentsTool.name, reason: unavailable["search"] ?? "there is no search engine")
        }
        return registry
    }
}
