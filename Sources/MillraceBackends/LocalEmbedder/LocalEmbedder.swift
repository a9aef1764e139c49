public import Millrace
public import MillraceCore

/// The embedded default embedder, `local`: texts that share words, word pairs or parts of words are close.
///
/// It has no weights and knows no meanings: each term, pair of neighbouring terms and triple of letters of a term is hashed to a place and a
/// sign of the vector (feature hashing, Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009; letters within
/// words as in Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017), counted with diminishing weight, and scaled
/// to length 1. The same text always gives the same vector, on every machine.
public struct LocalEmbedder: Embedder {
    /// Above this much text, in bytes, the work leaves the event loop.
    static let inlineBytes = 64 << 10

    /// `local`.
    public let id = "local"
    /// The length of the vectors.
    public var dimensions: Int? { length }
    private let length: Int
    private let blocking: BlockingExecutor?

    /// Creates the embedder.
    /// - Parameters:
    ///   - dimensions: the length of the vectors, from 16 (default: 512). Shorter ones let more terms fall together.
    ///   - blocking: where more than 64 KiB of text are worked on; without one that happens on the caller's executor (default: none).
    public init(dimensions: Int = 512, blocking: BlockingExecutor? = nil) {
        precondition(dimensions >= 16, "a vector of fewer than 16 numbers tells nothing apart")
        length = dimensions
        self.blocking = blocking
    }

    /// Embeds texts; what they are for makes no difference. Its usage is unknown: it has no tokens.
    /// - Throws: ``ErrorCode/invalidInput`` for an empty text, as embedding services do; `CancellationError`.
    public func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
        if let empty = texts.firstIndex(where: \.isEmpty) {
            throw MillraceError(.invalidInput, "text \(empty + 1) of \(texts.count) is empty and has no embedding")
        }
        try Task.checkCancellation()
        let vectors: [[Float]]
        if let blocking, texts.reduce(0, { $0 + $1.utf8.count }) > Self.inlineBytes {
            let embedder = self
            vectors = try await blocking.run { texts.map(embedder.vector) }
        } else {
            vectors = texts.map(vector)
        }
        return Embeddings(vectors: vectors, usage: .unknown, modelID: id)
    }

    private func vector(_ text: String) -> [Float] {
        var features = TextFeatures(length: length)
        var terms = Tokenizer.terms(text)
        // A text of nothing but common words is still told from others by them, and one without words by its characters.
        if terms.isEmpty { terms = Tokenizer.words(text).map(\.term) }
        if terms.isEmpty { terms = [text] }
        for term in terms { features.add(term: term) }
        for (left, right) in zip(terms, terms.dropFirst()) { features.add(pair: left, right) }
        return features.unitVector()
    }
}
