public import Millrace
public import MillraceCore

/// How an embeddings server is spoken to.
public struct OpenAIEmbedderOptions: Sendable, Equatable {
    /// How vectors travel.
    public enum EncodingFormat: String, Sendable {
        /// As decimal numbers; every server knows it.
        case float
        /// As base64 of 32-bit floats: a quarter of the bytes and a fraction of the work. OpenAI, vLLM, Ollama and llama.cpp know it.
        case base64
    }

    /// The vectors' length: asked of the server, and checked (default: the model's own).
    public var dimensions: Int?
    /// Whether the length is asked of the server. Without, it is only checked, for models that refuse the member (default: it is).
    public var sendsDimensions = true
    /// How vectors travel (default: base64, which OpenAI's own clients ask for too). An answer in the other form is understood too.
    public var encodingFormat = EncodingFormat.base64
    /// The most texts a request, from 1; OpenAI takes 2048 (default: 256).
    public var batchCount = 256
    /// The most characters of text a request; a longer text goes alone. OpenAI takes 300,000 tokens (default: 200,000).
    public var batchCharacters = 200_000
    /// What stands before a text that is to be found, such as `search_document: ` for nomic and `passage: ` for e5 (default: nothing).
    public var documentPrefix = ""
    /// What stands before a text that is searched with, such as `search_query: ` for nomic and `query: ` for e5 (default: nothing).
    public var queryPrefix = ""
    /// More header fields for every request. Values may be secrets; they are never logged.
    public var headers: [String: String] = [:]
    /// More members for every request's body; they may not replace `model` and `input`.
    public var extra: [String: JSONValue] = [:]

    /// The defaults.
    public init() {}
}

/// An embedding model behind OpenAI's API: `POST /embeddings` at OpenAI, vLLM, llama.cpp, Ollama, LM Studio and others.
public struct OpenAIEmbedder: Embedder {
    /// The most bytes that an answer may have: 2048 vectors of 3072 numbers stay below it.
    private static let answerByteLimit = 256 << 20

    /// The id by which configuration names it.
    public let id: String
    /// The model's name at the server, such as `text-embedding-3-small`.
    public let model: String
    /// How the server is spoken to.
    public let options: OpenAIEmbedderOptions
    private let server: OpenAIServer

    /// The length of the vectors, where the options give it.
    public var dimensions: Int? { options.dimensions }

    /// Creates an embedder.
    /// - Parameters:
    ///   - id: the id by which configuration names it (default: the model's name at the server).
    ///   - model: the model's name at the server.
    ///   - endpoint: where the API is, such as `https://api.openai.com/v1`.
    ///   - options: how the server is spoken to.
    package init(id: String? = nil, model: String, endpoint: ModelEndpoint, options: OpenAIEmbedderOptions = OpenAIEmbedderOptions()) {
        self.id = id ?? model
        self.model = model
        self.options = options
        server = OpenAIServer(endpoint, headers: options.headers)
    }

    /// Creates an embedder in code; a server's configuration makes them under `embedders:`.
    /// - Parameters:
    ///   - id: the id by which configuration names it (default: the model's name at the server).
    ///   - model: the model's name at the server.
    ///   - url: the API's base (default: OpenAI's own).
    ///   - apiKey: the key; `nil` for servers that ask for none.
    ///   - options: how the server is spoken to.
    public init(
        id: String? = nil, model: String, url: String = "https://api.openai.com/v1", apiKey: Credential? = nil,
        options: OpenAIEmbedderOptions = OpenAIEmbedderOptions()
    ) {
        self.init(id: id, model: model, endpoint: ModelEndpoint(url: url, credential: apiKey), options: options)
    }

    /// The ids of the models that the server offers.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError``: unreachable, refused, or no list of models.
    public func listModels() async throws -> [String] { try await server.listModels() }

    /// Embeds texts, one request after another, each within the options' bounds.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError`` for a refused or failed call and for an answer with another number or
    ///   length of vectors; with ``ErrorCode/invalidInput`` for an empty text, which the API refuses; `CancellationError`.
    public func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
        if let empty = texts.firstIndex(where: \.isEmpty) {
            throw MillraceError(.invalidInput, "text \(empty + 1) of \(texts.count) is empty and has no embedding")
        }
        for name in ["model", "input"] where options.extra[name] != nil {
            throw MillraceError(
                .invalidInput, "extra may not hold '\(name)': Millrace sets it itself", details: ["field": .string("extra.\(name)")])
        }
        let prefix = purpose == .query ? options.queryPrefix : options.documentPrefix
        let inputs = prefix.isEmpty ? texts : texts.map { prefix + $0 }
        var embeddings = Embeddings(vectors: [], usage: .unknown, modelID: model)
        embeddings.vectors.reserveCapacity(texts.count)
        let batches = EmbeddingBatches(inputs, count: max(1, options.batchCount), characters: options.batchCharacters)
        for range in batches.ranges {
            try Task.checkCancellation()
            let known = options.dimensions ?? embeddings.vectors.first?.count
            let answer = try await server.call("/embeddings", body(Array(inputs[range]))) { response in
                let json = try await server.json(response, limit: Self.answerByteLimit)
                return try EmbeddingsAnswer(json, count: range.count, dimensions: known, server: server.name)
            }
            embeddings.vectors += answer.vectors
            embeddings.usage = embeddings.usage + answer.usage
            embeddings.modelID = answer.modelID ?? model
        }
        return embeddings
    }

    private func body(_ inputs: [String]) -> JSONValue {
        var body: [String: JSONValue] = [
            "model": .string(model), "input": .array(inputs.map { .string($0) }),
            "encoding_format": .string(options.encodingFormat.rawValue),
        ]
        if let dimensions = options.dimensions, options.sendsDimensions { body["dimensions"] = .integer(dimensions) }
        for (name, value) in options.extra { body[name] = value.isNull ? Optional.none : value }
        return .object(body)
    }
}
