public import MillraceCore

/// What is searched for: by words, by meaning, or both, among the documents that a filter leaves.
public struct SearchQuery: Equatable, Sendable {
    /// What is searched for by words: at most 8,192 bytes of text in at most 256 parts, nested at most 16 deep.
    ///
    /// Texts are plain words: no character in them is an operator. A text that has no words, or none that the fields' analysis keeps, matches
    /// nothing. `fields` maps the names of text fields to boosts above 0; empty: all text fields with their own boosts.
    public indirect enum Text: Equatable, Sendable {
        /// One of the words at least, or each of them, in any order; ranked by BM25. With `requiresAll` the words may be in different fields,
        /// and a word that one of the fields' analyses leaves out is not required.
        case match(String, fields: [String: Double] = [:], requiresAll: Bool = false)
        /// Words one behind the other in one field; which stop words stand between them may not matter.
        case phrase(String, fields: [String: Double] = [:])
        /// All of `must`, none of `mustNot`, and the better the more of `should`; without `must` at least one of `should`; without both
        /// whatever has none of `mustNot`.
        case boolean(must: [Text] = [], should: [Text] = [], mustNot: [Text] = [])
    }

    /// How the two lists of a hybrid search become one.
    public enum Fusion: Equatable, Sendable {
        /// Scores of each list, brought to 0…1 by its least and greatest, `(score - least) / (greatest - least)`, where 0 becomes 0.001, and
        /// 1 where all are equal; then their mean by the weights, where a document that a list lacks has 0 in it. Weights are finite, not
        /// below 0 and not both 0. (The normalisation processor of OpenSearch: `min_max`, `arithmetic_mean`.)
        case normalized(textWeight: Double, vectorWeight: Double)
        /// Reciprocal rank fusion: the sum of `1 / (constant + rank)`, ranks from 1 (Cormack, Clarke, Büttcher, SIGIR 2009);
        /// the constant is 1 to 10,000.
        case reciprocalRank(constant: Int)
    }

    /// What to mark in the texts of what was found: the words of the query, in whichever form they stand there, in the fields where it
    /// looked for them. The rest of a text stays as it is: whoever shows it as HTML chooses marks that HTML does not have, and escapes first.
    public struct Highlight: Equatable, Sendable {
        /// The text fields; empty: all. A field in which nothing was found has no passages.
        public var fields: [String]
        /// How many passages of each at most, in the order of the text, 1 to 100 (default: 3).
        public var fragments: Int
        /// About how long each is, in characters, 20 to 10,000 (default: 150).
        public var fragmentLength: Int
        /// What stands before a word that was found, at most 256 bytes (default: `<em>`).
        public var before: String
        /// What stands behind it, at most 256 bytes (default: `</em>`).
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
    /// What is searched for by meaning: by cosine similarity, where scores are `(1 + cosine) / 2`; as a document's vector.
    public var vector: [Float]?
    /// How the two become one list where both are given (default: normalised, equal weights).
    public var fusion: Fusion
    /// How many documents each of the two lists holds at most, and a search by meaning finds, 1 to 10,000 (default: 100); `offset + limit`
    /// where that is more.
    public var candidates: Int
    /// Which documents are looked at; `nil`: all.
    public var filter: SearchFilter?
    /// How many documents to return, 1 to 1,000 (default: 10).
    public var limit: Int
    /// How many to leave out before, from 0 (default: 0); `offset + limit` is at most 10,000.
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
///
/// Values are of the field's kind; a field of doubles takes integers too. At most 1,000 conditions with 10,000 values together, nested at
/// most 32 deep.
public indirect enum SearchFilter: Equatable, Sendable {
    /// The field has this value.
    case equals(String, JSONValue)
    /// The field has one of these values; without values nothing matches.
    case among(String, [JSONValue])
    /// The field's value is at least `from` and at most `through`, where they are given: numbers by size, keywords by
    /// their bytes; not for booleans.
    case range(String, from: JSONValue?, through: JSONValue?)
    /// The field has a value.
    case exists(String)
    /// The document has one of these ids; without ids nothing matches.
    case ids([String])
    /// Each of these holds; of none, each does.
    case all([SearchFilter])
    /// One of these holds; of none, none does.
    case any([SearchFilter])
    /// This does not hold, as for a document that lacks the field.
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
    /// How many match, exactly; of a search by meaning or by both: how many documents its lists hold.
    public var total: Int
    /// Creates results.
    public init(hits: [Hit], total: Int) {
        self.hits = hits
        self.total = total
    }
}
