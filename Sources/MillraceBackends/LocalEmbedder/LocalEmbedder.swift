public import Millrace
public import MillraceCore

/// The embedded default embedder, `local`: texts are close that are about the same, or share words, word pairs or parts of words.
///
/// A vector has two parts, each of which is scaled to a length of its own. The first 256 numbers are what the text means: the sum of its words'
/// vectors (``WordVectors``), rare words above common ones. 20,000 English words have vectors, learned from dictionaries and manuals; others
/// have one that is drawn by their letters. The last 128 numbers are what it is written with: each term, pair of neighbouring terms and
/// triple of letters of a term, hashed to a place and a sign (feature hashing, Weinberger et al., "Feature Hashing for Large Scale Multitask
/// Learning", ICML 2009; letters within words as in Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017). The same
/// text always gives the same vector, but for the last digits of numbers.
public struct LocalEmbedder: Embedder {
    /// Above this much text, in bytes, the work leaves the event loop.
    static let inlineBytes = 4 << 10

    /// `local`.
    public let id = "local"
    /// 384, the length of the vectors. It changes with how they are made: vectors of different makes cannot be compared, and collections are
    /// told apart by it.
    public var dimensions: Int? { MeaningVector.length + SpellingVector.length }
    private let blocking: BlockingExecutor?

    /// The share of meaning in how close two texts are; the rest is spelling's.
    private static let meaningShare: Float = 0.7

    /// Creates the embedder.
    /// - Parameter blocking: where more than 4 KiB of text are worked on; without one that happens on the caller's executor (default: none).
    public init(blocking: BlockingExecutor? = nil) { self.blocking = blocking }

    /// Embeds texts; what they are for makes no difference. Its usage is unknown: it has no tokens.
    /// - Throws: ``ErrorCode/invalidInput`` for an empty text, as embedding services do; ``ErrorCode/storageUnavailable`` when libstemmer lacks
    ///   Porter's stemmer; `CancellationError`.
    public func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
        if let empty = texts.firstIndex(where: \.isEmpty) {
            throw MillraceError(.invalidInput, "text \(empty + 1) of \(texts.count) is empty and has no embedding")
        }
        try Task.checkCancellation()
        let vectors: [[Float]]
        if let blocking, texts.reduce(0, { $0 + $1.utf8.count }) > Self.inlineBytes {
            vectors = try await blocking.run { try Self.vectors(texts) }
        } else {
            vectors = try Self.vectors(texts)
        }
        return Embeddings(vectors: vectors, usage: .unknown, modelID: id)
    }

    private static func vectors(_ texts: [String]) throws -> [[Float]] {
        guard !texts.isEmpty else { return [] }
        var terms = try EmbeddedTerms()
        var meanings = MeaningVector()
        return texts.map { text in
            let terms = terms.terms(of: text)
            let meaning = meanings.vector(terms)
            let spelling = SpellingVector.vector(terms)
            return meaning.map { $0 * meaningShare.squareRoot() } + spelling.map { $0 * (1 - meaningShare).squareRoot() }
        }
    }
}

extension [Float] {
    /// The vector with the length 1.
    func unit() -> [Float] {
        let length = reduce(0) { $0 + $1 * $1 }.squareRoot()
        // What it was made of may have cancelled itself out; then any direction does.
        guard length > 0 else { return [1] + dropFirst().map { _ in 0 } }
        return map { $0 / length }
    }
}
