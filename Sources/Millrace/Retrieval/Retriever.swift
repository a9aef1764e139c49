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
    /// The length of the embedder's vectors, once it is known: an embedder that does not say it is asked once.
    private let knownDimensions = Locked<Int?>(nil)

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
    /// An embedder that fails does not fail the retrieval: passages are found by words then, and the results have a notice.
    /// - Parameter report: told what each call of the embedder has consumed.
    /// - Throws: ``ErrorCode/notFound`` for a collection that there is not; ``ErrorCode/conflict`` for one that was ingested in another
    ///   way,
    ///   such as with another embedder; ``ErrorCode/invalidInput`` for a request without words or with a bound out of its range; what the
    ///   engine throws.
    public func retrieve(_ request: RetrievalRequest, report: (Usage) -> Void = { _ in }) async throws -> RetrievalResults {
        try request.validate()
        guard let definition = try await search.definition(of: collection) else {
            throw MillraceError(
                .notFound,
                "there is no collection '\(collection)': fill it with `millrace ingest PATH --index \(collection)`, or choose another")
        }
        var notices: [RetrievalNotice] = []
        var vector = request.mode == .keyword ? nil : try await self.vector(of: request.meaning, request.mode, &notices, report)
        let index = try await open(definition, vector?.count, request, &notices, report)
        if vector != nil, index.definition.vectorDimensions == nil {
            vector = nil
            let message = "The collection '\(collection)' was ingested without an embedder: it is searched by words"
            notices.append(RetrievalNotice(reason: .noVectors, message: message))
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

    /// What the query means; `nil`: it cannot be told.
    private func vector(
        of text: String?, _ mode: RetrievalRequest.Mode, _ notices: inout [RetrievalNotice], _ report: (Usage) -> Void
    ) async throws -> [Float]? {
        guard let text else { return nil }
        guard let embedder else {
            // Without one there is no hybrid search either, which nobody was promised.
            if mode == .semantic {
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
            knownDimensions.withLock { $0 = vector.count }
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

    // MARK: The index

    /// The collection's index: with the embedder's vectors, or without any.
    private func open(
        _ definition: SearchIndexDefinition, _ dimensions: Int?, _ request: RetrievalRequest, _ notices: inout [RetrievalNotice],
        _ report: (Usage) -> Void
    ) async throws -> any SearchIndex {
        if PassageCollection.analysis(of: definition) != nil {
            guard let length = definition.vectorDimensions else { return try await search.index(definition) }
            var known = dimensions ?? embedder?.dimensions ?? knownDimensions.withLock { $0 }
            if known == nil, notices.isEmpty, let words = request.words.first {
                // Whether the vectors are the embedder's cannot be told without their length, which it tells only with one.
                _ = try await vector(of: words, .keyword, &notices, report)
                known = knownDimensions.withLock { $0 }
            }
            if known == length { return try await search.index(definition) }
        }
        let failure = notices.first { $0.reason == .embedderFailed }
        throw MillraceError(
            .conflict,
            "the collection '\(collection)' was ingested in another way than it is searched: "
                + (failure.map { $0.message } ?? "set search.embedder to the embedder that it was ingested with, or ingest it anew"))
    }
}
