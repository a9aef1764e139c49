import Millrace
import MillraceAWS
import MillraceCore

extension OpenSearchIndex {
    func search(_ query: SearchQuery) async throws -> SearchResults {
        try query.validate(for: definition)
        let form = OpenSearchQuery(definition: definition, query: query)
        return try await OpenSearchFailure.translated(definition.name) {
            if let text = query.text, let vector = query.vector { return try await hybrid(form, text, vector) }
            let answer = try await answer(to: form.body)
            let isRanked = query.text != nil || query.vector != nil
            let hits = try answer.hits.map { try hit($0, score: isRanked ? $0["_score"]?.double ?? 0 : 1) }
            // Each segment of the index may find as many as it was asked for.
            return SearchResults(hits: hits, total: query.vector == nil ? answer.total : min(answer.total, query.candidateCount))
        }
    }

    /// First the order of both lists as one, then the documents of the page.
    private func hybrid(_ form: OpenSearchQuery, _ text: SearchQuery.Text, _ vector: [Float]) async throws -> SearchResults {
        var ranked: [(id: String, score: Double)] = []
        for hit in try await answer(to: form.hybridBody(text, vector)).hits {
            if let id = hit["_id"]?.string, let score = hit["_score"]?.double { ranked.append((id, score)) }
        }
        ranked.sort { $0.score != $1.score ? $0.score > $1.score : $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        let page = ranked.dropFirst(form.query.offset).prefix(form.query.limit)
        guard !page.isEmpty else { return SearchResults(hits: [], total: ranked.count) }
        var found: [[UInt8]: JSONValue] = [:]
        for hit in try await answer(to: form.pageBody(ids: page.map(\.id), text)).hits {
            if let id = hit["_id"]?.string { found[Array(id.utf8)] = hit }
        }
        // A document that was deleted between the two is left out.
        let hits = try page.compactMap { place in try found[Array(place.id.utf8)].map { try hit($0, score: place.score) } }
        return SearchResults(hits: hits, total: ranked.count)
    }

    private func answer(to body: JSONValue) async throws -> (hits: [JSONValue], total: Int) {
        let answer = try await client.search(name, body)
        guard let hits = answer["hits"]?["hits"]?.array, let total = answer["hits"]?["total"]?["value"]?.integer else {
            throw MillraceError(.storageUnavailable, "OpenSearch's answer to a search has no hits")
        }
        // What some shards found is not what there is.
        if answer["timed_out"]?.bool == true || (answer["_shards"]?["failed"]?.integer ?? 0) > 0 {
            let reason = answer["_shards"]?["failures"]?[0]?["reason"]?["reason"]?.string ?? "it took too long"
            throw MillraceError(.storageUnavailable, "OpenSearch searched only a part of the index: \(reason)", isRetryable: true)
        }
        return (hits, total)
    }

    private func hit(_ hit: JSONValue, score: Double) throws -> SearchResults.Hit {
        let passages = (hit["highlight"]?.object ?? [:]).map { path, passages in
            (String(path.dropFirst(OpenSearchIndexLayout.path(of: "").count)), passages.array?.compactMap(\.string) ?? [])
        }
        return SearchResults.Hit(
            document: try OpenSearchDocument(definition: definition).document(of: hit), score: score,
            highlights: Dictionary(passages) { first, _ in first })
    }
}
