import Millrace
import MillraceCore

/// One call of an embedding model: the body of `InvokeModel`, and what is made of the answer.
///
/// Source: "Amazon Titan Text Embeddings models" and "Cohere Embed models", Amazon Bedrock User Guide, "Inference request parameters and
/// response fields for foundation models".
struct EmbeddingInvocation: Equatable, Sendable {
    /// Longer texts Cohere Embed 3 refuses, wherever it is told to cut them.
    private static let cohereV3CharacterLimit = 2_048

    let body: JSONValue
    private let family: BedrockEmbedderOptions.Family
    private let count: Int
    private let dimensions: Int

    /// - Parameters:
    ///   - texts: one for Titan, up to 96 for Cohere.
    ///   - dimensions: the length that every vector must have.
    init(
        _ texts: [String], for purpose: EmbeddingPurpose, family: BedrockEmbedderOptions.Family, dimensions: Int,
        options: BedrockEmbedderOptions
    ) {
        self.family = family
        self.dimensions = dimensions
        count = texts.count
        switch family {
        case .titanV1: body = ["inputText": .string(texts[0])]
        case .titanV2:
            body = [
                "inputText": .string(texts[0]), "dimensions": .integer(dimensions), "normalize": .bool(options.normalizes),
                "embeddingTypes": ["float"],
            ]
        case .cohereV3, .cohereV4:
            var texts = texts
            var truncate = "NONE"
            switch options.truncation {
            case .none: break
            case .start: truncate = family == .cohereV4 ? "LEFT" : "START"
            case .end: truncate = family == .cohereV4 ? "RIGHT" : "END"
            }
            if family == .cohereV3, options.truncation != .none { texts = texts.map { Self.cut($0, options.truncation) } }
            var members: [String: JSONValue] = [
                "texts": .array(texts.map { .string($0) }), "input_type": purpose == .query ? "search_query" : "search_document",
                "truncate": .string(truncate), "embedding_types": ["float"],
            ]
            if family == .cohereV4 { members["output_dimension"] = .integer(dimensions) }
            body = .object(members)
        }
    }

    private static func cut(_ text: String, _ truncation: BedrockEmbedderOptions.Truncation) -> String {
        guard text.unicodeScalars.count > cohereV3CharacterLimit else { return text }
        let kept =
            truncation == .start ? text.unicodeScalars.suffix(cohereV3CharacterLimit) : text.unicodeScalars.prefix(cohereV3CharacterLimit)
        return String(String.UnicodeScalarView(kept))
    }

    /// The vectors of an answer, in the order of the texts, and how many tokens the texts had, where the answer says it.
    /// - Throws: ``ErrorCode/modelError`` that says what is wrong with the answer.
    func read(_ json: JSONValue, server: String) throws(MillraceError) -> (vectors: [[Float]], tokens: Int?) {
        let lists: [JSONValue]
        switch family {
        case .titanV1, .titanV2:
            lists = (json["embedding"] ?? json["embeddingsByType"]?["float"]).map { [$0] } ?? []
        case .cohereV3, .cohereV4:
            // Without types asked for the lists stand bare.
            lists = json["embeddings"]?["float"]?.array ?? json["embeddings"]?.array ?? []
        }
        guard lists.count == count else {
            throw BedrockFailure.unreadable("answered \(count) texts with \(lists.count) embeddings", server: server)
        }
        var vectors: [[Float]] = []
        vectors.reserveCapacity(count)
        for list in lists {
            guard let numbers = list.array else {
                throw BedrockFailure.unreadable("answered with an embedding that is no list of numbers", server: server)
            }
            var vector: [Float] = []
            vector.reserveCapacity(numbers.count)
            for number in numbers {
                guard let value = number.double.map({ Float($0) }), value.isFinite else {
                    throw BedrockFailure.unreadable("answered with an embedding that is no list of numbers", server: server)
                }
                vector.append(value)
            }
            guard vector.count == dimensions else {
                throw BedrockFailure.unreadable(
                    "answered with an embedding of \(vector.count) dimensions in place of \(dimensions)", server: server)
            }
            vectors.append(vector)
        }
        let tokens = json["inputTextTokenCount"]?.integer
        return (vectors, tokens.flatMap { $0 >= 0 ? $0 : nil })
    }
}
