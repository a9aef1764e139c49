public import Millrace
public import MillraceCore

/// An embedder whose usage says what it cost.
///
/// A cost that the provider reported is kept. Usage that does not give the texts' tokens has no cost.
public struct PricedEmbedder: Embedder {
    private let embedder: any Embedder
    private let price: Double

    /// Puts a price on an embedder's tokens.
    /// - Parameter price: US dollars a million tokens.
    /// - Throws: ``ErrorCode/configuration`` for a price that is negative or no number.
    public init(_ embedder: any Embedder, pricePerMillionTokens price: Double) throws(MillraceError) {
        guard price.isFinite, price >= 0 else {
            throw MillraceError(.configuration, "the price of tokens is \(price): it must be 0 or more US dollars per million")
        }
        self.embedder = embedder
        self.price = price
    }

    /// The embedder's own id.
    public var id: String { embedder.id }
    /// As the embedder.
    public var dimensions: Int? { embedder.dimensions }

    /// Asks the embedder.
    /// - Throws: what the embedder throws.
    public func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
        var embeddings = try await embedder.embed(texts, for: purpose)
        guard embeddings.usage.estimatedCost == nil, let tokens = embeddings.usage.promptTokens ?? embeddings.usage.totalTokens else {
            return embeddings
        }
        embeddings.usage.estimatedCost = Double(tokens) * price / 1_000_000
        return embeddings
    }
}
