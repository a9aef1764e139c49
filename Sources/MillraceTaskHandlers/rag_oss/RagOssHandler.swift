public import Millrace
import MillraceCore

/// `rag_oss`: answers a question from a collection of documents, with citations that were verified.
///
/// It finds out what to search for, searches, gives what it found to the model as sources, and streams the answer. A quote reaches readers only
/// if it stands in the source that the model names (``CitationStream``). A model that calls tools may search again.
///
/// A model that follows no instructions, such as the embedded `local`, answers by quoting the sources; what to search for is then told by the
/// conversation's own words.
public struct RagOssHandler: TaskHandler {
    /// `rag_oss`.
    public let name = "rag_oss"
    /// What it does, in a sentence.
    public let description = "Answers questions from a collection of documents, with verified citations"

    private let models: LanguageModelRegistry
    private let retriever: Retriever
    private let settings: LiveSettings<RagOssSettings>
    private let prompts: PromptFolder

    /// The templates that come along, by their names in the handler's folder.
    public static let embeddedPrompts = RagOssPrompts.files

    /// Creates the handler.
    /// - Parameters:
    ///   - models: the models that requests choose from.
    ///   - search: where the collection is.
    ///   - embedder: the one that the collection was ingested with; without it passages are found by words.
    ///   - settings: what configuration may set (default: as ``RagOssSettings`` says).
    ///   - prompts: the handler's prompts (default: ``embeddedPrompts``).
    public init(
        models: LanguageModelRegistry, search: any SearchEngine, embedder: (any Embedder)? = nil,
        settings: LiveSettings<RagOssSettings> = LiveSettings(),
        prompts: PromptFolder = PromptFolder("rag_oss", RagOssHandler.embeddedPrompts)
    ) {
        self.models = models
        self.settings = settings
        self.prompts = prompts
        retriever = Retriever(search: search, collection: settings.current.collection, embedder: embedder)
    }

    /// Answers one question.
    /// - Throws: ``MillraceError`` for a request without a question, an unknown model, a collection that there is not, and an answer that was
    ///   filtered away; what the model and the search engine throw.
    public func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let settings = settings.current
        let model = try models.model(for: request)
        guard request.text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            throw MillraceError(.invalidInput, "there is no question: send a text part", details: ["field": "parts"])
        }
        let conversation = RagOssConversation(request, characters: settings.historyCharacters)
        try await tellWhatIsLeftOut(of: request, conversation, context)
        let wording = RagOssWording(prompts: prompts.current, context: context)
        let plan = try await plan(conversation, model, settings, wording)

        var retriever = retriever
        retriever.collection = settings.collection
        // A model that quotes says where: of joined passages it could only name the first one's place.
        var searches = DocumentSearches(
            retriever: retriever, settings: settings, joinsNeighbours: model.capabilities.contains(.instructions), context: context)
        try await searches.searchFirst(plan)
        guard !searches.sources.all.isEmpty else {
            try await context.emit(.status("no_sources", message: "Nothing was found"))
            let reason =
                searches.isCollectionEmpty
                ? "The collection '\(settings.collection)' has no documents yet, so I cannot answer from it."
                : "The documents do not answer this: a search for \(Self.list(plan.keywordQueries)) found nothing."
            try await context.emit(.content(reason))
            try await context.emit(.metadata(searches.facts.merging(["citations": 0]) { $1 }))
            return
        }
        let documents = RetrievedSources.references(of: searches.sources.all).count
        let message = "Reading \(Self.count(searches.sources.all.count, "source")) of \(Self.count(documents, "document"))"
        try await context.emit(.status("reading", message: message))
        try await answer(conversation, plan, &searches, request.persona, model, wording)
    }

    // MARK: What to search for

    private func tellWhatIsLeftOut(of request: TaskRequest, _ conversation: RagOssConversation, _ context: RunContext) async throws {
        if conversation.omittedMessages > 0 {
            let message = "The conversation is long: its \(conversation.omittedMessages) oldest messages are left out"
            try await context.emit(.status("history_shortened", message: message))
        }
        let attached = request.message.parts.compactMap { part -> Attachment? in
            switch part {
            case .image(let attachment), .document(let attachment): attachment
            default: nil
            }
        }
        for attachment in attached + request.context.compactMap(\.attachment) {
            let name = attachment.title ?? attachment.pointer ?? "An attachment"
            let message = "\(name) is left out: \(self.name) answers from its collection of documents"
            try await context.emit(.status("attachment_skipped", message: message))
        }
    }

    private func plan(
        _ conversation: RagOssConversation, _ model: any LanguageModel, _ settings: RagOssSettings, _ wording: RagOssWording
    ) async throws -> SearchPlan {
        let context = wording.context
        if settings.rephrasing, model.capabilities.contains(.instructions) {
            try await context.emit(.status("rephrasing", message: "Working out what to search for"))
            do {
                let rephraser = QuestionRephraser(model, limit: settings.keywordQueries, wording: wording)
                return try await rephraser.plan(conversation) { context.report($0) }
            } catch let error as MillraceError {
                try Task.checkCancellation()
                context.logger.warning("rephrasing failed", ["reason": .string(error.description)])
                try await context.emit(.status("rephrasing_failed", message: "The question is searched for in its own words"))
            }
        }
        return conversation.plan(limit: settings.keywordQueries)
    }

    // MARK: The answer

    private func answer(
        _ conversation: RagOssConversation, _ plan: SearchPlan, _ searches: inout DocumentSearches, _ persona: String?,
        _ model: any LanguageModel, _ wording: RagOssWording
    ) async throws {
        let context = wording.context
        let further = model.capabilities.isSuperset(of: [.instructions, .tools]) ? searches.remaining : 0
        var prompt = ModelRequest(
            turns: conversation.turns, documents: searches.sources.documents, tools: further > 0 ? [SearchDocumentsTool.definition] : [])
        if model.capabilities.contains(.instructions) {
            prompt.system = try wording.system(persona: persona, searches: further)
        } else {
            prompt.turns = conversation.questions(about: plan.topic)
        }
        // What a model that follows no instructions says are quotes, with their citations.
        let verbatimWords = model.capabilities.contains(.instructions) ? settings.current.verbatimWords : 0
        var citations = CitingLanguageModel.Tally()
        let outcome = try await ToolLoop.run(prompt, rounds: further) { prompt in
            let citing = CitingLanguageModel(
                model, sources: searches.sources, citationsBefore: citations.verified, verbatimWords: verbatimWords)
            let answer = try await context.generate(prompt, with: citing)
            citations.verified += citing.tally.verified
            citations.dropped += citing.tally.dropped
            return answer
        } perform: { calls, _ in
            // Searches are counted, not rounds: each says itself that there is none left.
            var results: [ToolReturn] = []
            for call in calls { results.append(try await searches.search(for: call)) }
            return results
        }
        let (text, response) = (outcome.text, outcome.response)

        let stopReason = response?.stopReason ?? .endTurn
        let isBlank = text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
        if isBlank, stopReason == .contentFilter || stopReason == .guardrail {
            throw MillraceError(
                .modelError, "the model's provider filtered the answer: put the question differently or choose another model")
        }
        if isBlank { try await context.emit(.content("I found no answer to this in the documents.")) }
        if citations.verified == 0 {
            try await context.emit(.status("unsupported", message: "Nothing in this answer is backed by a quote from the documents"))
        }
        var facts = searches.facts
        facts["model_id"] = .string(response?.modelID ?? model.id)
        facts["stop_reason"] = .string(stopReason.rawValue)
        facts["citations"] = .integer(citations.verified)
        facts["dropped_citations"] = .integer(citations.dropped)
        if let attempts = response?.attempts, !attempts.isEmpty { facts["attempts"] = .array(attempts.map(\.json)) }
        try await context.emit(.metadata(facts))
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    static func list(_ queries: [String]) -> String { queries.map { "“\($0)”" }.joined(separator: ", ") }
}
