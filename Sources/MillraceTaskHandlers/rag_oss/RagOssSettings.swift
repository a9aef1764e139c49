public import Millrace
import MillraceCore

/// What configuration may set of ``RagOssHandler``.
public struct RagOssSettings: HandlerSettings, Equatable {
    /// How lists of passages become one.
    public enum Fusion: String, Equatable, Sendable, CaseIterable {
        /// By the places in them.
        case reciprocalRank
        /// By their scores, brought to one scale.
        case normalized
    }

    /// The collection that is searched: what `millrace ingest --index NAME` made (default: `rag_oss`).
    public var collection = "rag_oss"
    /// How passages are found (default: hybrid).
    public var mode = RetrievalRequest.Mode.hybrid
    /// How lists of passages become one (default: by their scores).
    public var fusion = Fusion.normalized
    /// How much meaning counts beside words with the fusion `normalized`, 0 to 1 (default: 0.2).
    public var semanticWeight = 0.2
    /// How many passages a search finds (default: 8).
    public var topK = 8
    /// How many of one document at most (default: 3).
    public var maxPassagesPerDocument = 3
    /// Passages whose score is below this share of the best one's are left out (default: 0).
    public var minimumScore = 0.0
    /// Passages by meaning below this similarity, `(1 + cosine) / 2`, are left out (default: 0).
    public var minimumSimilarity = 0.0
    /// Values that documents' metadata must have, each `name=value` (default: none).
    public var metadata: [String] = []
    /// How many characters of sources a model is given, those of further searches included (default: 24,000).
    public var contextCharacters = 24_000
    /// How many characters of conversation a model is given, the question included (default: 20,000).
    public var historyCharacters = 20_000
    /// Whether the model is asked what to search for (default: yes); otherwise, and where that fails, the conversation's own words are.
    public var rephrasing = true
    /// How many keyword queries a question gives at most (default: 3).
    public var keywordQueries = 3
    /// How many searches an answer may take: the first, and those that the model asks for (default: 3).
    public var maxSearches = 3
    /// How many words of a source, one behind the other, a sentence that the model has not marked must have to be cited all the same; 0: none
    /// is (default: 6).
    public var verbatimWords = 6

    /// `ragOssConfig`.
    public static let group = "ragOssConfig"
    /// The properties, in their order.
    public static let fields: [SettingField<Self>] = [
        .text("collection", \.collection, "the collection that is searched: what millrace ingest --index NAME made") { name in
            isCollection(name) ? nil : collectionRule
        },
        .choice("mode", \.mode, "how passages are found: by words, by meaning, or by both"),
        .choice("fusion", \.fusion, "how lists of passages become one: by the places in them, or by their scores brought to one scale"),
        .number("semanticWeight", \.semanticWeight, in: 0...1, "how much meaning counts beside words with the fusion normalized"),
        .integer("topK", \.topK, in: 1...100, "passages that a search finds"),
        .integer("maxPassagesPerDocument", \.maxPassagesPerDocument, in: 1...100, "passages of one document that a search finds at most"),
        .number("minimumScore", \.minimumScore, in: 0...1, "share of the best passage's score below which others are left out"),
        .number(
            "minimumSimilarity", \.minimumSimilarity, in: 0...1,
            "similarity, (1 + cosine) / 2, below which passages are not found by meaning"),
        .list("metadata", \.metadata, "values that documents' metadata must have, each name=value"),
        .integer(
            "contextCharacters", \.contextCharacters, in: 500...10_000_000,
            "characters of sources that a model is given, those of further searches included"),
        .integer(
            "historyCharacters", \.historyCharacters, in: 0...10_000_000,
            "characters of conversation that a model is given, the question included"),
        .flag("rephrasing", \.rephrasing, "whether the model is asked what to search for; otherwise the conversation's own words are"),
        .integer("keywordQueries", \.keywordQueries, in: 1...8, "keyword queries that a question gives at most"),
        .integer(
            "maxSearches", \.maxSearches, in: 1...20, "searches that an answer may take: the first, and those that the model asks for"),
        .integer(
            "verbatimWords", \.verbatimWords, in: 0...100,
            "words of a source in a row that a sentence without a citation must have to get one; 0: none does"),
    ]

    /// What a collection may be called.
    static let collectionRule = "1 to 128 lower-case letters, digits, '-' and '_', a letter first"
    static func isCollection(_ name: String) -> Bool {
        name.utf8.first.map { (0x61...0x7A).contains($0) } == true && name.utf8.count <= 128
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "-_".utf8.contains($0) }
    }

    /// Settings with their defaults.
    public init() {}

    /// What several settings together, or a member of a list, get wrong.
    public func problems() -> [String] {
        metadata.filter { !$0.contains("=") }.map { "ragOssConfig.metadata: '\($0)' is not name=value" }
    }

    /// What to retrieve for these queries.
    func request(_ plan: SearchPlan, joinsNeighbours: Bool) -> RetrievalRequest {
        let fusion: SearchQuery.Fusion =
            switch self.fusion {
            case .reciprocalRank: .reciprocalRank(constant: 60)
            case .normalized: .normalized(textWeight: 1 - semanticWeight, vectorWeight: semanticWeight)
            }
        return RetrievalRequest(
            keywordQueries: plan.keywordQueries, semanticQuery: plan.semanticQuery, mode: mode, fusion: fusion, limit: topK,
            passagesPerDocument: maxPassagesPerDocument, joinsNeighbours: joinsNeighbours, minimumSimilarity: minimumSimilarity,
            minimumScore: minimumScore,
            filter: metadata.isEmpty ? nil : .all(metadata.map { .equals("metadata", .string($0)) }))
    }
}
