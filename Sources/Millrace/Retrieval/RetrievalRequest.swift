import MillraceCore

/// What is looked for in a collection of documents.
public struct RetrievalRequest: Equatable, Sendable {
    /// How passages are found.
    public enum Mode: String, Equatable, Sendable, CaseIterable {
        /// By words.
        case keyword
        /// By meaning.
        case semantic
        /// By both; the two lists become one.
        case hybrid
    }

    /// What is searched for by words, each for itself; empty: ``semanticQuery``. Of each the first 2 KiB count, of all the first 16.
    public var keywordQueries: [String]
    /// What is searched for by meaning: one sentence that stands for itself; `nil`: the first of ``keywordQueries``.
    public var semanticQuery: String?
    /// How passages are found (default: hybrid). Without an embedder that works, and in a collection without vectors, by words.
    public var mode: Mode
    /// How lists become one: those of the keyword queries first, then their list and the one by meaning (default: by their scores, nine
    /// parts words and one part meaning).
    public var fusion: SearchQuery.Fusion
    /// How many passages to find, 1 to 200 (default: 8). Neighbours are joined afterwards.
    public var limit: Int
    /// How many of one document at most, from 1; `nil`: any number (default: 3).
    public var passagesPerDocument: Int?
    /// Whether passages that stand one behind the other become one source (default: yes). For a model that names the places of what it
    /// quotes: no.
    public var joinsNeighbours: Bool
    /// Passages by meaning only above this similarity, `(1 + cosine) / 2` (default: 0, all).
    public var minimumSimilarity: Double
    /// Passages only whose score has at least this share of the best one's, 0 to 1 (default: 0, all).
    public var minimumScore: Double
    /// Values that a document's metadata must have, all of them (default: none).
    public var metadata: [String: String]
    /// Only documents of one of these sources, as ``CollectionPassage/source`` says; empty: of any (default).
    public var sources: [String]
    /// A further condition, in the fields of ``PassageCollection/definition(name:analysis:dimensions:)`` (default: none).
    public var filter: SearchFilter?

    /// How lists by words and by meaning become one unless it is said: by scores, four parts words and one part meaning, with which hybrid
    /// search is nowhere worse than words in `.ci/search-quality`.
    public static let defaultFusion = SearchQuery.Fusion.normalized(textWeight: 0.8, vectorWeight: 0.2)

    /// Creates a request.
    public init(
        keywordQueries: [String] = [], semanticQuery: String? = nil, mode: Mode = .hybrid,
        fusion: SearchQuery.Fusion = Self.defaultFusion, limit: Int = 8, passagesPerDocument: Int? = 3,
        joinsNeighbours: Bool = true,
        minimumSimilarity: Double = 0, minimumScore: Double = 0, metadata: [String: String] = [:], sources: [String] = [],
        filter: SearchFilter? = nil
    ) {
        self.keywordQueries = keywordQueries
        self.semanticQuery = semanticQuery
        self.mode = mode
        self.fusion = fusion
        self.limit = limit
        self.passagesPerDocument = passagesPerDocument
        self.joinsNeighbours = joinsNeighbours
        self.minimumSimilarity = minimumSimilarity
        self.minimumScore = minimumScore
        self.metadata = metadata
        self.sources = sources
        self.filter = filter
    }
}

extension RetrievalRequest {
    private static let queryBytes = 2048
    private static let queryCount = 16

    /// What is searched for by words.
    var words: [String] {
        var words: [String] = []
        for query in keywordQueries + (keywordQueries.isEmpty ? [semanticQuery].compactMap { $0 } : []) {
            let query = Self.beginning(of: query)
            if !query.isEmpty, !words.contains(query), words.count < Self.queryCount { words.append(query) }
        }
        return words
    }

    /// What is searched for by meaning.
    var meaning: String? {
        let text = Self.beginning(of: semanticQuery ?? "")
        return text.isEmpty ? words.first : text
    }

    /// All conditions as one; `nil`: there is none.
    var condition: SearchFilter? {
        var conditions = metadata.sorted { $0.key < $1.key }.map { SearchFilter.equals("metadata", .string("\($0.key)=\($0.value)")) }
        if !sources.isEmpty { conditions.append(.among("source", sources.map { .string($0) })) }
        if let filter { conditions.append(filter) }
        return conditions.isEmpty ? nil : .all(conditions)
    }

    /// - Throws: ``ErrorCode/invalidInput`` for a bound that is out of its range, and when nothing is looked for.
    func validate() throws(MillraceError) {
        guard !words.isEmpty else { throw MillraceError(.invalidInput, "there is nothing to search for: give a query with words") }
        guard (1...200).contains(limit) else {
            throw MillraceError(.invalidInput, "a retrieval finds 1 to 200 passages, not \(limit)")
        }
        guard passagesPerDocument.map({ $0 >= 1 }) ?? true else {
            throw MillraceError(.invalidInput, "a document has at least 1 passage, not \(passagesPerDocument ?? 0)")
        }
    }

    /// The text without space around it, and no more of it than counts, cut between characters.
    private static func beginning(of text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
        var (bytes, end) = (0, scalars.startIndex)
        for index in scalars.indices {
            bytes += UTF8.width(scalars[index])
            guard bytes <= queryBytes else { break }
            if !scalars[index].properties.isWhitespace { end = scalars.index(after: index) }
        }
        return String(String.UnicodeScalarView(scalars[..<end]))
    }
}
