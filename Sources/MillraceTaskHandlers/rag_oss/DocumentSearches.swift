import Millrace
import MillraceCore

/// The searches of one answer, as readers see them: what is searched for, what was found, and the documents that it is of.
struct DocumentSearches {
    /// What was found so far.
    private(set) var sources = RetrievedSources()
    /// Whether there is nothing at all to find.
    private(set) var isCollectionEmpty = false

    private let retriever: Retriever
    private let settings: RagOssSettings
    private let joinsNeighbours: Bool
    private let context: RunContext
    private var count = 0
    private var mode: RetrievalRequest.Mode
    /// What was told of searches that were done otherwise than they were asked for.
    private var notices: [RetrievalNotice] = []
    private var documents: Set<String> = []

    /// - Parameter joinsNeighbours: whether passages that stand one behind the other become one source.
    init(retriever: Retriever, settings: RagOssSettings, joinsNeighbours: Bool, context: RunContext) {
        self.retriever = retriever
        self.settings = settings
        self.joinsNeighbours = joinsNeighbours
        self.context = context
        mode = settings.mode
    }

    /// How many more there may be.
    var remaining: Int { max(settings.maxSearches - count, 0) }

    /// What there is to say of them, for programs.
    var facts: [String: JSONValue] {
        [
            "collection": .string(settings.collection), "mode": .string(mode.rawValue), "searches": .integer(count),
            "sources": .integer(sources.all.count),
        ]
    }

    /// The search that the handler does of its own accord.
    mutating func searchFirst(_ plan: SearchPlan) async throws {
        let call = SearchDocumentsTool.call(id: "search_1", plan, settings.mode)
        try await context.emit(.toolCall(call))
        do { _ = try await search(plan, for: call) } catch let error as MillraceError {
            try await fail(call, error)
            throw error
        }
    }

    /// A search that the model asks for. What cannot be searched for is an answer to the model, not the run's end.
    /// - Returns: what the model is told.
    mutating func search(for call: ToolCall) async throws -> ToolReturn {
        do {
            guard remaining > 0 else {
                throw MillraceError(.limitExceeded, "there is no search left: answer from the sources that you have")
            }
            let plan = try SearchDocumentsTool.plan(call, limit: settings.keywordQueries)
            let addition = try await search(plan, for: call)
            return ToolReturn(id: call.id, name: call.name, result: .string(SearchDocumentsTool.answer(addition)))
        } catch let error as MillraceError {
            let result = try await fail(call, error)
            guard error.code == .limitExceeded || error.code == .invalidInput else { throw error }
            return result
        }
    }

    /// Tells that a call has failed: one that nothing answers would stand in the chat for ever.
    @discardableResult
    private func fail(_ call: ToolCall, _ error: MillraceError) async throws -> ToolReturn {
        let result = ToolReturn(id: call.id, name: call.name, result: .string(error.message), isError: true)
        try await context.emit(.toolReturn(result))
        return result
    }

    private mutating func search(_ plan: SearchPlan, for call: ToolCall) async throws -> RetrievedSources.Addition {
        count += 1
        try await context.emit(.status("searching", message: "Searching for \(RagOssHandler.list(plan.keywordQueries))"))
        let results = try await retriever.retrieve(settings.request(plan, joinsNeighbours: joinsNeighbours)) { [context] in
            context.report($0)
        }
        mode = results.mode
        isCollectionEmpty = results.isCollectionEmpty
        for notice in results.notices where !notices.contains(notice) {
            notices.append(notice)
            try await context.emit(.status(notice.reason.rawValue, message: notice.message))
        }
        let used = sources.all.reduce(0) { $0 + $1.text.unicodeScalars.count }
        let addition = sources.add(results, characters: max(settings.contextCharacters - used, 0))
        let found = addition.new + addition.known.compactMap { sources.source($0) }
        try await context.emit(.toolReturn(ToolReturn(id: call.id, name: call.name, result: SearchDocumentsTool.result(found))))
        for reference in RetrievedSources.references(of: addition.new) where documents.insert(reference.documentID).inserted {
            try await context.emit(.document(reference))
        }
        return addition
    }
}
