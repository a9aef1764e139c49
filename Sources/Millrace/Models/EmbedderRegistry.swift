public import MillraceCore

/// The embedders that a server offers, by id.
public struct EmbedderRegistry: Sendable {
    private let embedders: [String: any Embedder]
    /// Why embedders that are configured cannot be used, by id.
    public let unavailable: [String: String]

    /// A registry of embedders.
    /// - Throws: ``ErrorCode/conflict`` when two have one id.
    public init(_ embedders: [any Embedder] = [], unavailable: [String: String] = [:]) throws(MillraceError) {
        var byID: [String: any Embedder] = [:]
        for embedder in embedders {
            guard byID.updateValue(embedder, forKey: embedder.id) == nil else {
                throw MillraceError(.conflict, "two embedders are called '\(embedder.id)'")
            }
        }
        self.embedders = byID
        self.unavailable = unavailable
    }

    /// The ids, sorted.
    public var ids: [String] { embedders.keys.sorted() }

    /// The embedder of that id.
    /// - Throws: ``ErrorCode/configuration`` for an id that no embedder has, listing those there are; ``ErrorCode/modelUnavailable`` for one
    ///   that is configured and cannot be used.
    public func embedder(_ id: String) throws(MillraceError) -> any Embedder {
        if let embedder = embedders[id] { return embedder }
        if let reason = unavailable[id] { throw MillraceError(.modelUnavailable, "the embedder '\(id)' is not available: \(reason)") }
        throw MillraceError(.configuration, "no embedder is called '\(id)'; there are: \(ids.joined(separator: ", "))")
    }
}
