public import MillraceCore

/// What is searched for: by words, by meaning, or both, among the documents that a filter leaves.
public struct SearchQuery: Equatable, Sendable {
    /// What is searched for by words.
    public indirect enum Text: Equatable, Sendable {
        /// Words in any order; ranked by BM25. `fields` maps names to boosts, empty: all text fields with their own.
        case match(String, fields: [String: Double] = [:], requiresAll: Bool = false)
        /// Words one behind the other.
        case phrase(String, fields: [String: Double] = [:])
        /// All of `must`, none of `mustNot`, and the better the more of `should`; without `must` at least one of `should`.
        case boolean(must: [Text] = [], should: [Text] = [], mustNot: [Text] = [])
    }

    /// How the two lists of a hybrid search become one.
    public enum Fusion: Equatable, Sendable {
        /// Scores of each list, brought to 0…1 by its least and greatest (the least becomes 0.001, one alone 1), weighted and added.
        case normalized(textWeight: Double, vectorWeight: Double)
        /// Reciprocal rank fusion: the sum of `1 / (constant + rank)`, ranks from 1 (Cormack, Clarke, Büttcher, SIGIR 2009).
        case reciprocalRank(constant: Int)
    }

    /// What to mark in the texts of what was found.
    public struct Highlight: Equatable, Sendable {
        /// The text fields; empty: all.
        public var fields: [String]
        /// How many passages of each (default: 3).
        public var fragments: Int
        /// About how long each is, in characters (default: 150).
        public var fragmentLength: Int
        /// What stands before a word that was found (default: `<em>`).
        public var before: String
        /// What stands behind it (default: `</em>`).
        public var after: String
        /// Creates the wish.
        public init(fields: [String] = [], fragments: Int = 3, fragmentLength: Int = 150, before: String = "<em>", after: String = "</em>")
        {
            self.fields = fields
            self.fragments = fragments
            self.fragmentLength = fragmentLength
            self.before = before
            self.after = after
        }
    }

    /// What is searched for by words; `nil` beside a `vector`: by meaning only; both `nil`: everything that the filter leaves, in the
    /// order of the ids, with score 1.
    public var text: Text?
    /// What is searched for by meaning: by cosine similarity, where scores are `(1 + cosine) / 2`.
    public var vector: [Float]?
    /// How the two become one list where both are given (default: normalised, equal weights).
    public var fusion: Fusion
    /// How many documents each of the two lists holds at most (default: 100; at least `offset + limit`).
    public var candidates: Int
    /// Which documents are looked at; `nil`: all.
    public var filter: SearchFilter?
    /// How many documents to return, 1 to 1,000 (default: 10).
    public var limit: Int
    /// How many to leave out before, 0 to 10,000 (default: 0).
    public var offset: Int
    /// What to mark; `nil`: nothing.
    public var highlight: Highlight?
    /// Whether found documents come with their vectors (default: no).
    public var includesVectors: Bool

    /// Creates a query.
    public init(
        text: Text? = nil, vector: [Float]? = nil, fusion: Fusion = .normalized(textWeight: 0.5, vectorWeight: 0.5), candidates: Int = 100,
        filter: SearchFilter? = nil, limit: Int = 10, offset: Int = 0, highlight: Highlight? = nil, includesVectors: Bool = false
    ) {
        self.text = text
        self.vector = vector
        self.fusion = fusion
        self.candidates = candidates
        self.filter = filter
        self.limit = limit
        self.offset = offset
        self.highlight = highlight
        self.includesVectors = includesVectors
    }
}

/// Which documents are looked at, by the fields of ``SearchIndexDefinition/filterFields``. A field with several values matches by any.
public indirect enum SearchFilter: Equatable, Sendable {
    /// The field has this value.
    case equals(String, JSONValue)
    /// The field has one of these values.
    case among(String, [JSONValue])
    /// The field's value is at least `from` and at most `through`, where they are given: numbers by size, keywords by their bytes.
    case range(String, from: JSONValue?, through: JSONValue?)
    /// The field has a value.
    case exists(String)
    /// The document has one of these ids.
    case ids([String])
    /// Each of these holds.
    case all([SearchFilter])
    /// One of these holds.
    case any([SearchFilter])
    /// This does not hold.
    case not(SearchFilter)
}

/// What a search found.
public struct SearchResults: Equatable, Sendable {
    /// A document that was found.
    public struct Hit: Equatable, Sendable {
        /// The document; its vector only where the query asked for it.
        public var document: SearchDocument
        /// How good it is; comparable within one result.
        public var score: Double
        /// Passages with what was found marked, by field.
        public var highlights: [String: [String]]
        /// Creates a hit.
        public init(document: SearchDocument, score: Double, highlights: [String: [String]] = [:]) {
            self.document = document
            self.score = score
            self.highlights = highlights
        }
    }
    /// The documents, the best first.
    public var hits: [Hit]
    /// How many match; of a search by meaning: how many of its candidates.
    public var total: Int
    /// Creates results.
    public init(hits: [Hit], total: Int) {
        self.hits = hits
        self.total = total
    }
}
