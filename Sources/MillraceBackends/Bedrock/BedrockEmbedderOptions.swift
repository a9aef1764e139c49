/// How an embedding model of Bedrock is asked.
public struct BedrockEmbedderOptions: Sendable, Equatable {
    /// The kinds of models, which are spoken to differently.
    public enum Family: String, Sendable, CaseIterable {
        /// Amazon Titan Text Embeddings V2: one text a call, 256, 512 or 1,024 dimensions.
        case titanV2 = "titan-v2"
        /// Amazon Titan Embeddings G1: one text a call, 1,536 dimensions.
        case titanV1 = "titan-v1"
        /// Cohere Embed 3: up to 96 texts of 2,048 characters a call, 1,024 dimensions.
        case cohereV3 = "cohere-v3"
        /// Cohere Embed 4: up to 96 texts a call, 256, 512, 1,024 or 1,536 dimensions.
        case cohereV4 = "cohere-v4"
    }

    /// Where a text that is too long for the model is cut.
    public enum Truncation: String, Sendable {
        /// Nowhere: it is refused.
        case none
        /// At its start.
        case start
        /// At its end.
        case end
    }

    /// The kind of model (default: by its id; an ARN of a provisioned model does not say it).
    public var family: Family?
    /// The vectors' length (default: the model's own, which is its longest).
    public var dimensions: Int?
    /// Whether vectors have the length 1 (default: they have). For Titan V2; the vectors of the others always have, but for Titan G1's.
    public var normalizes = true
    /// Where too long texts are cut (default: nowhere). For Cohere's models; Titan refuses them.
    public var truncation = Truncation.none
    /// How many calls run at once for one list of texts, from 1 (default: 4). Titan takes one text a call.
    public var concurrency = 4

    /// The defaults.
    public init() {}
}

extension BedrockEmbedderOptions.Family {
    /// The kind of a model by its id; `nil` where the id does not say it.
    init?(modelID: String) {
        if modelID.contains("amazon.titan-embed-text-v2") {
            self = .titanV2
        } else if modelID.contains("amazon.titan-embed-text-v1") || modelID.contains("amazon.titan-embed-g1-text") {
            self = .titanV1
        } else if modelID.contains("cohere.embed-v4") {
            self = .cohereV4
        } else if modelID.contains("cohere.embed-english-v3") || modelID.contains("cohere.embed-multilingual-v3") {
            self = .cohereV3
        } else {
            return nil
        }
    }

    /// The lengths of vectors that the models have, their own first.
    var dimensions: [Int] {
        switch self {
        case .titanV2: [1_024, 512, 256]
        case .titanV1: [1_536]
        case .cohereV3: [1_024]
        case .cohereV4: [1_536, 1_024, 512, 256]
        }
    }

    /// The most texts a call.
    var batchCount: Int {
        switch self {
        case .titanV1, .titanV2: 1
        case .cohereV3, .cohereV4: 96
        }
    }
}
