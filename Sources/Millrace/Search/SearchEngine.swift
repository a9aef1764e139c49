public import MillraceCore

/// Where documents are found by words and by meaning: the seam behind which SQLite and OpenSearch sit. It holds indexes by name.
///
/// An engine has no owners: what belongs to somebody is in documents with a field that says so, and whoever searches for them filters by it.
///
/// Methods throw ``ErrorCode/invalidInput`` for what makes no sense by itself or in the index's definition, ``ErrorCode/notFound`` for an
/// index that was dropped, ``ErrorCode/storageUnavailable`` (retryable) or ``ErrorCode/storageFull`` when the engine fails,
/// `CancellationError` when the task is cancelled.
public protocol SearchEngine: Sendable {
    /// The index of the definition's name, which is made if need be.
    /// - Throws: ``ErrorCode/conflict`` when there is one of that name with another definition; ``ErrorCode/invalidInput`` for a definition
    ///   that breaks one of its rules.
    func index(_ definition: SearchIndexDefinition) async throws -> any SearchIndex
    /// The definition of the index of a name; `nil`: there is none. Nothing is made.
    /// - Throws: ``ErrorCode/conflict`` when it was defined by a later version, or by others.
    func definition(of name: String) async throws -> SearchIndexDefinition?
    /// The names of all indexes, in the order of their bytes.
    func names() async throws -> [String]
    /// Removes an index with its documents; one that is not there is removed already.
    func drop(_ name: String) async throws
}

/// One index: documents that share a definition.
public protocol SearchIndex: Sendable {
    /// What its documents look like.
    var definition: SearchIndexDefinition { get }

    /// Stores documents, in place of those with their ids; of two with one id the later stays. ``documents(ids:)`` gives them at once,
    /// searches, counts and deletions by a filter see them after ``refresh()``, or earlier.
    /// - Returns: what could not be stored, with the reason, in the order of the documents; the others are stored, and a document that
    ///   could not be replaced stays as it was.
    func write(_ documents: [SearchDocument]) async throws -> [SearchWriteFailure]

    /// Removes documents by id; those that are not there are removed already.
    func delete(ids: [String]) async throws

    /// Removes the documents that a filter matches.
    /// - Returns: how many there were.
    @discardableResult
    func delete(where filter: SearchFilter) async throws -> Int

    /// The documents of these ids that are there, with their vectors, in the order of the ids; a repeated id counts at its first place.
    ///
    /// A vector may come back changed by a rounding of its numbers, a field whose value is `null` may come back without it.
    func documents(ids: [String]) async throws -> [SearchDocument]

    /// Finds documents, the best first; equal scores in the order of their ids' bytes.
    func search(_ query: SearchQuery) async throws -> SearchResults

    /// How many documents a filter matches; `nil`: how many there are.
    func count(where filter: SearchFilter?) async throws -> Int

    /// Returns when searches see all that was written and deleted before.
    func refresh() async throws
}

/// What the documents of an index look like.
public struct SearchIndexDefinition: Equatable, Sendable {
    /// A field that is searched by words. A document has a string there, or nothing (`null`).
    public struct TextField: Equatable, Sendable {
        /// How words are made out of text. What is neither letter nor digit stands between words; words are in lower case.
        ///
        /// The analyses of languages leave out a language's commonest words (``stopWords``) and take endings off the others, so that a word
        /// is found in its other forms: English by M. F. Porter's "An algorithm for suffix stripping" (1980) as Lucene has it, the others by
        /// Snowball (snowballstem.org). All lose accents, those of languages behind the endings, which accents tell apart.
        public enum Analysis: String, Equatable, Sendable, CaseIterable {
            /// Words as they stand: no language.
            case standard
            /// The languages.
            case english, danish, dutch, finnish, french, german, hungarian, italian
            /// Bokmål.
            case norwegian
            case portuguese, romanian, russian, spanish, swedish
        }
        /// The field's name: 1 to 128 ASCII letters, digits, `-` and `_`, a letter first.
        public var name: String
        /// How words are made out of it (default: english).
        public var analysis: Analysis
        /// How much a match in it counts beside the others where a query does not say, above 0 (default: 1).
        public var boost: Double
        /// Creates a field.
        public init(_ name: String, analysis: Analysis = .english, boost: Double = 1) {
            self.name = name
            self.analysis = analysis
            self.boost = boost
        }
    }

    /// What a field that is filtered by holds. A document may also have a list of such values there, or nothing (`null`, an empty list).
    public enum FieldKind: String, Equatable, Sendable, CaseIterable {
        /// Text of at most 8,192 bytes that is compared whole, by its bytes.
        case keyword
        /// A whole number of 64 bits (``JSONValue/integer(_:)``).
        case integer
        /// A finite number.
        case double
        /// True or false.
        case boolean
    }

    /// 1 to 128 lower-case ASCII letters, digits, `-` and `_`, a letter first.
    public var name: String
    /// The fields that are searched by words, at most 64.
    public var textFields: [TextField]
    /// The fields that are filtered by, by name, at most 128; their names follow the rule of the text fields', and are others. Further
    /// members of a document are kept, and neither searched nor filtered by.
    public var filterFields: [String: FieldKind]
    /// The length of the documents' vectors, 1 to 16,000; `nil`: they have none.
    public var vectorDimensions: Int?

    /// Creates a definition.
    public init(name: String, textFields: [TextField], filterFields: [String: FieldKind] = [:], vectorDimensions: Int? = nil) {
        self.name = name
        self.textFields = textFields
        self.filterFields = filterFields
        self.vectorDimensions = vectorDimensions
    }
}

/// A document of an index.
public struct SearchDocument: Equatable, Sendable {
    /// 1 to 512 bytes of UTF-8. Ids are the same when their bytes are.
    public var id: String
    /// Texts, values to filter by, and whatever else is to be found with the document; at most 4 MiB as JSON.
    public var fields: [String: JSONValue]
    /// What it means, as an ``Embedder`` says: as many finite numbers as the definition says, not all zero. Without one the document is not
    /// found by meaning.
    public var vector: [Float]?
    /// Creates a document.
    public init(id: String, fields: [String: JSONValue], vector: [Float]? = nil) {
        self.id = id
        self.fields = fields
        self.vector = vector
    }
}

/// A document that could not be stored.
public struct SearchWriteFailure: Equatable, Sendable {
    /// The document's id.
    public var id: String
    /// Why, for people.
    public var reason: String
    /// Whether the same document may be stored later.
    public var isRetryable: Bool
    /// Creates a failure.
    public init(id: String, reason: String, isRetryable: Bool) {
        self.id = id
        self.reason = reason
        self.isRetryable = isRetryable
    }
}
