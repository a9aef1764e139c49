import MillraceCore

/// A model whose citations are verified before anybody sees them: see ``CitationStream`` for how, and for what the model is to write.
///
/// ```swift
/// let citing = CitingLanguageModel(model, sources: sources)
/// let prompt = ModelRequest(system: CitingLanguageModel.instructions, turns: turns, documents: sources.documents)
/// try await context.generate(prompt, with: citing)
/// ```
public struct CitingLanguageModel: LanguageModel {
    /// What citations came to.
    public struct Tally: Equatable, Sendable {
        /// How many were verified, and sent.
        public var verified = 0
        /// How many were left out.
        public var dropped = 0
        /// None so far.
        public init() {}
    }

    /// The model's id.
    public var id: String { model.id }
    /// As the model says.
    public var seesImages: Bool { model.seesImages }
    /// As the model says.
    public var capabilities: ModelCapabilities { model.capabilities }
    /// What the citations of the last answer came to.
    public var tally: Tally { lastTally.withLock { $0 } }

    private let model: any LanguageModel
    private let sources: RetrievedSources
    private let citationsBefore: Int
    private let verbatimWords: Int
    private let lastTally = Locked(Tally())

    /// How a model is to cite: a part of a system prompt.
    public static let instructions = """
        Back every statement by a quote: directly behind the statement write <cite ref="N">QUOTE</cite>, where N is the id (or ref) of the \
        source and QUOTE a few words to a sentence of its text, copied character by character, not translated, not shortened in the middle. \
        Readers see a reference number in its place and the quote beside the text, so do not write numbers or quotes for them yourself.
        """

    /// Puts verification around a model.
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - sources: what may be cited.
    ///   - citationsBefore: how many citations the answer has already, where it takes several calls (default: 0).
    ///   - verbatimWords: how many words of a source, one behind the other, a sentence without a citation must have to get one (default: 0,
    ///     none does).
    public init(_ model: any LanguageModel, sources: RetrievedSources, citationsBefore: Int = 0, verbatimWords: Int = 0) {
        self.model = model
        self.sources = sources
        self.citationsBefore = citationsBefore
        self.verbatimWords = verbatimWords
    }

    /// Generates one answer; text and citations go on as they are verified, everything else as it comes.
    /// - Throws: what the model throws.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        let begun = CitationStream(sources, verifiedCount: citationsBefore, verbatimWords: verbatimWords)
        var stream = begun
        lastTally.withLock { $0 = Tally() }
        func pass(_ pieces: [CitationStream.Piece]) async throws {
            for piece in pieces {
                switch piece {
                case .text(let text): try await receive(.text(text))
                case .citation(let citation): try await receive(.citation(citation))
                }
            }
            lastTally.withLock {
                $0.verified = stream.verifiedCount - citationsBefore
                $0.dropped = stream.droppedCount
            }
        }
        let response = try await model.generate(request) { event in
            switch event {
            case .text(let text): try await pass(stream.receive(text))
            case .citation(let citation): try await pass(stream.receive(citation))
            case .usage, .judged: try await receive(event)
            case .reasoning, .toolCall:
                // What follows is another block: no marker goes on in it.
                try await pass(stream.finish())
                try await receive(event)
            case .restarted:
                stream = begun
                try await receive(event)
            }
        }
        try await pass(stream.finish())
        return response
    }
}
