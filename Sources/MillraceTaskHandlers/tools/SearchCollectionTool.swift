import Millrace
import MillraceCore

/// The tool `search_documents` of `chat`: a search in a collection that `millrace ingest` has filled.
struct SearchCollectionTool: Sendable {
    static let name = SearchDocumentsTool.name

    let search: any SearchEngine
    let embedder: (any Embedder)?
    let settings: LiveSettings<ChatSettings>

    func make() throws(MillraceError) -> Tool {
        try Tool(
            name: Self.name,
            description:
                "Searches a collection of documents for passages that answer a question. Name the titles of the documents that you use.",
            arguments: SearchDocumentsTool.schema
        ) { arguments, call in try await search(arguments, call) }
    }

    private func search(_ arguments: JSONValue, _ call: ToolInvocation) async throws -> JSONValue {
        let settings = settings.current
        let plan = try SearchDocumentsTool.plan(call.call, limit: 3)
        let retriever = Retriever(search: search, collection: settings.searchCollection, embedder: embedder)
        let found: RetrievalResults
        do {
            found = try await retriever.retrieve(
                RetrievalRequest(
                    keywordQueries: plan.keywordQueries, semanticQuery: plan.semanticQuery, limit: settings.searchResults)
            ) { call.run.report($0) }
        } catch let error as MillraceError where error.code == .notFound || error.code == .conflict {
            // The names of commands and settings are for the log, not for a model.
            throw MillraceError(error.code, "the documents cannot be searched now", cause: error)
        }
        for reference in RetrievedSources.references(of: found.sources) { try await call.run.emit(.document(reference)) }
        return .string(found.sources.isEmpty ? "Nothing was found." : RetrievedSources.prompt(for: found.sources))
    }
}
