import MillraceCore

/// What texts are embedded for: some models place questions and passages differently.
public enum EmbeddingPurpose: Sendable, Equatable {
    /// A text that is to be found.
    case document
    /// A text that is searched with.
    case query
}

/// Vectors for texts, and what they cost.
public struct Embeddings: Sendable, Equatable {
    /// One vector a text, in the order of the texts.
    public var vectors: [[Float]]
    /// What the call consumed.
    public var usage: Usage
    /// The model that answered, as its provider names it.
    public var modelID: String
    /// Creates a result.
    public init(vectors: [[Float]], usage: Usage, modelID: String) {
        self.vectors = vectors
        self.usage = usage
        self.modelID = modelID
    }
}

/// A model that turns texts into vectors whose closeness is closeness of meaning: the seam behind which the embedded one and the embedding
/// services sit.
public protocol Embedder: Sendable {
    /// The id by which configuration names it.
    var id: String { get }
    /// The length of its vectors; `nil` while it is not known without asking.
    var dimensions: Int? { get }

    /// Embeds texts, in as many calls as the service's bounds ask for.
    /// - Returns: a vector for each text, in order; no texts give no vectors, without a call.
    /// - Throws: ``MillraceError`` with code ``ErrorCode/modelError``; `CancellationError` when the task is cancelled.
    func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings
}
