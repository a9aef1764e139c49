import Millrace
import MillraceAWS
import MillraceCore
import MillraceHTTPClient

/// One index of ``OpenSearchEngine``.
struct OpenSearchIndex: SearchIndex {
    let engine: OpenSearchEngine
    let definition: SearchIndexDefinition
    /// The index's name in OpenSearch.
    let name: String

    var client: OpenSearchClient { engine.client }

    /// The alias that documents are written to. Written to the index itself, a document would bring back an index that was dropped, with
    /// mappings that are guessed from it.
    static func writeAlias(of name: String) -> String { "\(name).documents" }

    func write(_ documents: [SearchDocument]) async throws -> [SearchWriteFailure] {
        let form = OpenSearchDocument(definition: definition)
        var failures: [Int: SearchWriteFailure] = [:]
        var operations: [OpenSearchBulkOperation] = []
        var places: [Int] = []
        for (place, document) in documents.enumerated() {
            let byteCount = JSONValue.object(document.fields).text.utf8.count
            if let problem = definition.problem(of: document, byteCount: byteCount) {
                failures[place] = SearchWriteFailure(id: document.id, reason: problem, isRetryable: false)
            } else {
                operations.append(.index(id: document.id, form.source(of: document)))
                places.append(place)
            }
        }
        for (place, result) in zip(places, try await bulk(operations)) {
            guard let error = result.error else { continue }
            failures[place] = SearchWriteFailure(
                id: documents[place].id, reason: error.message.isEmpty ? error.code : error.message, isRetryable: error.isRetryable)
        }
        return failures.sorted { $0.key < $1.key }.map(\.value)
    }

    func delete(ids: [String]) async throws {
        let ids = ids.filter { (1...SearchIndexDefinition.longestID).contains($0.utf8.count) }
        let results = try await bulk(ids.map { .delete(id: $0) })
        guard let error = results.lazy.compactMap(\.error).first else { return }
        throw OpenSearchFailure.error(error, index: definition.name)
    }

    private func bulk(_ operations: [OpenSearchBulkOperation]) async throws -> [OpenSearchBulkResult] {
        guard !operations.isEmpty else { return [] }
        return try await OpenSearchFailure.translated(definition.name) {
            if client.isServerless, try await !client.indexExists(name) { throw OpenSearchFailure.noIndex(definition.name) }
            let target = client.isServerless ? name : Self.writeAlias(of: name)
            let results = try await client.bulk(target, operations, requiresAlias: !client.isServerless)
            for error in results.lazy.compactMap(\.error) {
                if error.code == "index_not_found_exception" { throw OpenSearchFailure.noIndex(definition.name) }
                if OpenSearchFailure.isFull(error) { throw OpenSearchFailure.full(error) }
            }
            return results
        }
    }

    func delete(where filter: SearchFilter) async throws -> Int {
        try filter.validate(for: definition)
        let query = OpenSearchQuery.filter(filter)
        return try await OpenSearchFailure.translated(definition.name) {
            if client.isServerless { return try await deleteOneByOne(query) }
            var deleted = 0
            // A document that changes while it is to be deleted is looked at once more.
            for _ in 0..<Self.deletionAttempts {
                try await client.refresh(name)
                let deletion = try await client.deleteByQuery(name, query: query, refreshes: true)
                deleted += deletion.deleted
                if deletion.versionConflicts == 0 { return deleted }
            }
            throw MillraceError(
                .storageUnavailable, "documents that were to be deleted changed again and again: try again later", isRetryable: true)
        }
    }

    /// A collection has no deletion by query.
    private func deleteOneByOne(_ query: JSONValue) async throws -> Int {
        var deleted = 0
        var after: JSONValue?
        while true {
            var body: [String: JSONValue] = ["size": .integer(Self.page), "query": query, "sort": [["id": "asc"]], "_source": false]
            body["search_after"] = after
            let hits = try await client.search(name, .object(body))["hits"]?["hits"]?.array ?? []
            guard let last = hits.last else { return deleted }
            try await delete(ids: hits.compactMap { $0["_id"]?.string })
            deleted += hits.count
            // Without a new place to go on from, the same page would be read for ever.
            guard let next = last["sort"], next != after else {
                throw MillraceError(.storageUnavailable, "OpenSearch's answer to a sorted search does not say where to go on")
            }
            after = next
        }
    }

    func documents(ids: [String]) async throws -> [SearchDocument] {
        // Ids are the same when their bytes are; strings are the same already when they look alike.
        var seen: Set<[UInt8]> = []
        let ids = ids.filter { (1...SearchIndexDefinition.longestID).contains($0.utf8.count) && seen.insert(Array($0.utf8)).inserted }
        let form = OpenSearchDocument(definition: definition)
        return try await OpenSearchFailure.translated(definition.name) {
            var documents: [SearchDocument] = []
            for start in stride(from: 0, to: ids.count, by: Self.page) {
                let part = Array(ids[start..<min(start + Self.page, ids.count)])
                documents += try await client.documents(name, ids: part).compactMap { try $0.map(form.document(of:)) }
            }
            return documents
        }
    }

    func count(where filter: SearchFilter?) async throws -> Int {
        try filter?.validate(for: definition)
        let query = filter.map(OpenSearchQuery.filter) ?? OpenSearchQuery.everything
        return try await OpenSearchFailure.translated(definition.name) { try await client.count(name, query: query) }
    }

    func refresh() async throws {
        try await OpenSearchFailure.translated(definition.name) {
            if client.isServerless {
                guard try await client.indexExists(name) else { throw OpenSearchFailure.noIndex(definition.name) }
                return try await engine.clock.sleep(engine.settings.serverlessRefreshWait)
            }
            try await client.refresh(name)
        }
    }

    private static let page = 500
    private static let deletionAttempts = 5
}
