public import MillraceCore
import MillraceHTTPClient

extension OpenSearchClient {
    /// What a deletion by query has done.
    public struct DeletionByQuery: Equatable, Sendable {
        /// How many documents were removed.
        public var deleted: Int
        /// How many stayed because they changed while the deletion ran.
        public var versionConflicts: Int
    }

    /// Searches.
    /// - Parameters:
    ///   - index: an index's name, a list or a pattern.
    ///   - body: the query and all that belongs to it.
    ///   - pipeline: the name of a stored search pipeline; one that is only for this search stands in the body as `search_pipeline`.
    ///   - filterPath: which members of the answer to send; `nil`: all.
    /// - Returns: the whole answer: `hits`, `aggregations` and so on.
    public func search(
        _ index: String, _ body: JSONValue, pipeline: String? = nil, filterPath: String? = nil
    ) async throws -> JSONValue {
        var query: [(name: String, value: String?)] = []
        if let pipeline { query.append(("search_pipeline", pipeline)) }
        if let filterPath { query.append(("filter_path", filterPath)) }
        return try await json(Self.reading(Self.path(index, "/_search"), query: query, body))
    }

    /// How many documents a query matches.
    public func count(_ index: String, query: JSONValue) async throws -> Int {
        let answer = try await json(Self.reading(Self.path(index, "/_count"), ["query": query]))
        guard let count = answer["count"]?.integer else { throw Self.unreadable("count") }
        return count
    }

    /// Documents by id, as they were last written whether or not searches see them; `nil` for those that are not there.
    /// - Returns: for each id, in their order, the answer's member for it: `_id`, `_source` and more.
    public func documents(_ index: String, ids: [String]) async throws -> [JSONValue?] {
        guard !ids.isEmpty else { return [] }
        let answer = try await json(Self.reading(Self.path(index, "/_mget"), ["ids": .array(ids.map { .string($0) })]))
        guard let documents = answer["docs"]?.array, documents.count == ids.count else { throw Self.unreadable("docs") }
        return try documents.map { document in
            if let error = document["error"] { throw OpenSearchErrorBody.error(error, status: Self.status(of: error)) }
            return document["found"]?.bool == true ? .some(document) : .none
        }
    }

    /// Removes the documents that a query matches, of those that searches see.
    /// - Parameters:
    ///   - proceedsOnConflict: whether a document that changes meanwhile stays and is counted; otherwise it ends the deletion with status
    ///     409 (default: yes).
    ///   - refreshes: whether searches see the deletion when the call returns (default: no).
    public func deleteByQuery(
        _ index: String, query: JSONValue, proceedsOnConflict: Bool = true, refreshes: Bool = false
    ) async throws -> DeletionByQuery {
        var request = AWSRequest.json("POST", Self.path(index, "/_delete_by_query"), ["query": query])
        request.query = [("conflicts", proceedsOnConflict ? "proceed" : "abort"), ("refresh", refreshes ? "true" : "false")]
        // It may run for long before its first byte comes.
        request.timeouts = client.endpoint.timeouts
        request.timeouts?.firstByte = .seconds(600)
        let answer = try await json(request)
        if let failure = answer["failures"]?[0] {
            throw OpenSearchErrorBody.error(failure["cause"] ?? failure, status: failure["status"]?.integer ?? 500)
        }
        guard let deleted = answer["deleted"]?.integer, 0...1 << 53 ~= deleted else { throw Self.unreadable("deleted") }
        return DeletionByQuery(deleted: deleted, versionConflicts: answer["version_conflicts"]?.integer ?? 0)
    }

    static func unreadable(_ member: String) -> MillraceError {
        MillraceError(
            .invalidJSON, "OpenSearch's answer has no '\(member)': check that the address is OpenSearch's and not a proxy's")
    }

    private static func status(of error: JSONValue) -> Int { error["type"]?.string == "index_not_found_exception" ? 404 : 500 }
}
