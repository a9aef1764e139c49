public import Millrace
package import MillraceAWS
package import MillraceCore

/// An embedding model of Amazon Bedrock: Amazon's Titan Text Embeddings and Cohere's Embed.
///
/// A list of texts becomes as many calls as the model needs, some of them at once (``BedrockEmbedderOptions/concurrency``). The first that
/// fails ends the others.
///
/// Source: `InvokeModel`, Amazon Bedrock API Reference.
public struct BedrockEmbedder: Embedder {
    /// The most characters of text a call, where a call takes several texts; the API's bound is 25,000,000 bytes.
    private static let batchCharacters = 400_000

    /// The id by which configuration names it.
    public let id: String
    /// The model's id at Bedrock.
    public let model: String
    /// How the model is asked.
    public let options: BedrockEmbedderOptions
    /// The length of the vectors.
    public var dimensions: Int? { length }

    private let client: BedrockRuntimeClient
    private let server: String
    private let family: BedrockEmbedderOptions.Family
    private let length: Int

    /// Creates an embedder.
    /// - Parameters:
    ///   - id: the id by which configuration names it (default: the model's id at Bedrock).
    ///   - model: the model's id at Bedrock, such as `amazon.titan-embed-text-v2:0` or `cohere.embed-multilingual-v3`, or an ARN.
    ///   - client: the client of a region.
    ///   - region: the region's name, for errors.
    ///   - options: how the model is asked.
    /// - Throws: ``ErrorCode/configuration`` for a model of no known kind and for dimensions or a concurrency that there are not.
    package init(
        id: String? = nil, model: String, client: BedrockRuntimeClient, region: String,
        options: BedrockEmbedderOptions = BedrockEmbedderOptions()
    ) throws(MillraceError) {
        guard let family = options.family ?? BedrockEmbedderOptions.Family(modelID: model) else {
            let known = BedrockEmbedderOptions.Family.allCases.map(\.rawValue).joined(separator: ", ")
            throw MillraceError(
                .configuration, "'\(model)' does not say which kind of embedding model it is: set family to one of \(known)")
        }
        if let dimensions = options.dimensions, !family.dimensions.contains(dimensions) {
            let known = family.dimensions.map { "\($0)" }.joined(separator: ", ")
            throw MillraceError(
                .configuration, "the embedding model '\(model)' has no vectors of \(dimensions) dimensions, but of \(known)")
        }
        guard options.concurrency >= 1 else {
            throw MillraceError(.configuration, "the embedding model '\(model)' needs a concurrency of 1 or more")
        }
        self.id = id ?? model
        self.model = model
        self.client = client
        self.options = options
        self.family = family
        length = options.dimensions ?? family.dimensions[0]
        server = "Bedrock in \(region)"
    }

    private typealias Part = (number: Int, vectors: [[Float]], usage: Usage)

    /// Embeds texts.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError`` for a refused or failed call and for an answer with another number or
    ///   length of vectors; with ``ErrorCode/invalidInput`` for an empty text, which the models refuse; `CancellationError`.
    public func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
        if let empty = texts.firstIndex(where: \.isEmpty) {
            throw MillraceError(.invalidInput, "text \(empty + 1) of \(texts.count) is empty and has no embedding")
        }
        try Task.checkCancellation()
        let ranges = EmbeddingBatches(texts, count: family.batchCount, characters: Self.batchCharacters).ranges
        var parts = [Part?](repeating: nil, count: ranges.count)
        try await withThrowingTaskGroup(of: Part.self) { group in
            var next = 0
            func startNext() {
                let number = next
                let batch = Array(texts[ranges[number]])
                next += 1
                group.addTask { try await part(number, batch, purpose) }
            }
            while next < min(options.concurrency, ranges.count) { startNext() }
            while let part = try await group.next() {
                parts[part.number] = part
                if next < ranges.count { startNext() }
            }
        }
        try Task.checkCancellation()
        var embeddings = Embeddings(vectors: [], usage: .unknown, modelID: model)
        embeddings.vectors.reserveCapacity(texts.count)
        for part in parts.compactMap({ $0 }) {
            embeddings.vectors += part.vectors
            embeddings.usage = embeddings.usage + part.usage
        }
        return embeddings
    }

    private func part(_ number: Int, _ texts: [String], _ purpose: EmbeddingPurpose) async throws -> Part {
        let call = EmbeddingInvocation(texts, for: purpose, family: family, dimensions: length, options: options)
        do {
            let answer = try await client.invokeModel(modelID: model, body: Array(call.body.text.utf8))
            let json: JSONValue
            do throws(MillraceError) { json = try JSONValue(parsing: answer.body) } catch {
                throw BedrockFailure.unreadable("answered with something other than JSON: check its endpoint's URL", server: server)
            }
            let (vectors, tokens) = try call.read(json, server: server)
            let counted = answer.inputTokens ?? tokens
            return (number, vectors, Usage(promptTokens: counted, totalTokens: counted))
        } catch {
            throw BedrockFailure.failure(error, asking: .model(model), server: server)
        }
    }
}
