import MillraceCore

/// Finds passages in a collection that was filled by `millrace ingest`.
///
/// ```swift
/// let retriever = Retriever(search: search, collection: "manuals", embedder: embedder)
/// let results = try await retriever.retrieve(RetrievalRequest(keywordQueries: [request.text]), report: context.report)
/// let sources = RetrievedSources(results)
/// ```
/// A collection is an index of the search engine, of the name that `--index` gives, laid out by ``PassageCollection``. It has vectors if it
/// was ingested with an embedder; that must be the one given here, since vectors of different models cannot be compared.
///
/// Collections have no owners: what is in one is found by everybody who can use the handler that searches it.
public struct Retriever: Sendable {
    /// The collection's name.
    public var collection: String
    private let search: any SearchEngine
    private let embedder: (any Embedder)?

    /// How many passages each list has for one that is wanted: some are left out as copies, or as too many of one document.
    private static let depth = 5

    /// Creates a retriever.
    /// - Parameters:
    ///   - search: where collections are.
    ///   - collection: the collection's name.
    ///   - embedder: the one that the collection was ingested with (default: none, passages are found by words).
    public init(search: any SearchEngine, collection: String, embedder: (any Embedder)? = nil) {
        self.search = search
        self.collection = collection
        self.embedder = embedder
    }

    /// Finds passages.
    ///
    /// An embedder that fails, or whose vectors have another length than the collection's, does not fail the retrieval: passages are found by
    /// words then, and the results have a notice.
    /// - Parameter report: told what each call of the embedder has consumed.
    /// - Throws: ``ErrorCode/notFound`` for a collection that there is not; ``ErrorCode/conflict`` for an index that is none;
    ///   ``ErrorCode/invalidInput`` for a request without words or with a bound out of its range; what the engine throws.
    public func retrieve(_ request: RetrievalRequest, report: (Usage) -> Void = { _ in }) async throws -> RetrievalResults {
        try request.validate()
        guard let definition = try await search.definition(of: collection) else {
            throw MillraceError(
                .notFound,
                "there is no collection '\(collection)': fill it with `millrace ingest PATH --index \(collection)`, or choose another")
        }
        guard PassageCollection.analysis(of: definition) != nil else {
            throw MillraceError(.conflict, "the search index '\(collection)' is no collection of documents: choose another")
        }
        var notices: [RetrievalNotice] = []
        let hasVectors = definition.vectorDimensions != nil
        var vector = request.mode == .keyword ? nil : try await self.vector(of: request.meaning, request.mode, hasVectors, &notices, report)
        let index = try await search.index(definition)
        if let found = vector, let notice = mismatch(found, definition.vectorDimensions) {
            vector = nil
            notices.append(notice)
        }
        let mode: RetrievalRequest.Mode = vector == nil ? .keyword : request.mode

        var query = SearchQuery(limit: min(request.limit * Self.depth, 1_000))
        query.candidates = max(query.limit, 100)
        query.filter = request.condition
        var found: [String: SearchDocument] = [:]
        func list(_ query: SearchQuery, above least: Double = 0) async throws -> [RankFusion.Entry] {
            try await index.search(query).hits.filter { $0.score >= least }.map { hit in
                found[hit.document.id] = hit.document
                return RankFusion.Entry(id: hit.document.id, score: hit.score)
            }
        }
        let fusion = RankFusion(request.fusion)
        var ranked: [RankFusion.Entry] = []
        if mode != .semantic {
            var lists: [[RankFusion.Entry]] = []
            for words in request.words {
                query.text = .match(words, fields: PassageCollection.weights)
                lists.append(try await list(query))
            }
            ranked = fusion.fuse(lists)
        }
        if let vector {
            query.text = nil
            query.vector = vector
            let meant = try await list(query, above: request.minimumSimilarity)
            ranked = mode == .semantic ? meant : fusion.fuse(words: ranked, meaning: meant)
        }
        let selection = PassageSelection(
            limit: request.limit, passagesPerDocument: request.passagesPerDocument, minimumScore: request.minimumScore,
            joinsNeighbours: request.joinsNeighbours)
        let sources = selection.sources(
            ranked.compactMap { entry in
                found[entry.id].flatMap(PassageCollection.passage).map { .init(passage: $0, score: entry.score) }
            })
        let isEmpty = sources.isEmpty ? try await index.count(where: nil) == 0 : false
        return RetrievalResults(sources: sources, mode: mode, notices: notices, isCollectionEmpty: isEmpty)
    }

    // MARK: Vectors

    /// Why a vector cannot be compared with the collection's; `nil`: it can.
    private func mismatch(_ vector: [Float], _ length: Int?) -> RetrievalNotice? {
        guard let length else {
            let message = "The collection '\(collection)' was ingested without an embedder: it is searched by words"
            return RetrievalNotice(reason: .noVectors, message: message)
        }
        guard vector.count != length else { return nil }
        let message =
            "The collection '\(collection)' was ingested with another embedder: it has vectors of \(length) numbers, and search.embedder gives "
            + "\(vector.count). It is searched by words until it is ingested anew (millrace ingest --fresh)"
        return RetrievalNotice(reason: .otherEmbedder, message: message)
    }

    /// What the query means; `nil`: it cannot be told.
    private func vector(
        of text: String?, _ mode: RetrievalRequest.Mode, _ hasVectors: Bool, _ notices: inout [RetrievalNotice], _ report: (Usage) -> Void
    ) async throws -> [Float]? {
        guard let text else { return nil }
        guard let embedder else {
            // Where neither is one nor are there vectors, nobody was promised a hybrid search.
            if mode == .semantic || hasVectors {
                notices.append(RetrievalNotice(reason: .noEmbedder, message: "No embedder is configured: documents are searched by words"))
            }
            return nil
        }
        do {
            let embedded = try await embedder.embed([text], for: .query)
            report(embedded.usage)
            guard let vector = embedded.vectors.first else {
                throw MillraceError(.modelError, "the embedder '\(embedder.id)' gave no vector")
            }
            // A text that says nothing to the embedder has no direction to search in; its words remain.
            return vector.contains { $0 != 0 } ? vector : nil
        } catch let error as MillraceError {
            // A call that was cancelled is no failure of the embedder's.
            try Task.checkCancellation()
            let message = "The embedder '\(embedder.id)' cannot be used (\(error.message)): documents are searched by words"
            notices.append(RetrievalNotice(reason: .embedderFailed, message: message))
            return nil
        }
    }
}
