import MillraceCore
import MillraceHTTPClient

extension OpenSearchClient {
    /// Carries out many changes, in pieces as ``bulkLimits`` say; changes that are refused for want of room are sent again after a wait.
    /// - Parameters:
    ///   - index: the index, or an alias of it.
    ///   - requiresAlias: whether the name has to be an alias' (default: no). A server makes an index that is not there out of the first
    ///     document, but no alias.
    ///   - refreshes: whether searches see the changes when the call returns (default: no).
    /// - Returns: for each change, in their order, what became of it.
    /// - Throws: ``AWSServiceError`` for a refusal of the whole request but for want of room or for its length; changes before it are done.
    public func bulk(
        _ index: String, _ operations: [OpenSearchBulkOperation], requiresAlias: Bool = false, refreshes: Bool = false
    ) async throws -> [OpenSearchBulkResult] {
        var plan = OpenSearchBulkPlan(operations, limits: bulkLimits)
        while let body = plan.body {
            var request = AWSRequest(
                "POST", Self.path(index, "/_bulk"), headers: ["Content-Type": "application/x-ndjson"], body: .bytes(body))
            if requiresAlias { request.query.append(("require_alias", "true")) }
            if refreshes { request.query.append(("refresh", "true")) }
            request.isRepeatable = plan.isRepeatable
            let wait: Duration?
            do {
                wait = plan.answered(try Self.results(try await json(request), count: plan.count))
            } catch let error as AWSServiceError where error.status == 413 || error.isThrottling || error.status == 503 {
                wait = plan.refused(error)
            }
            if let wait { try await clock.sleep(wait * Double.random(in: 0.5...1)) }
        }
        return plan.finished
    }

    private static func results(_ answer: JSONValue, count: Int) throws -> [OpenSearchBulkResult] {
        guard let items = answer["items"]?.array, items.count == count else { throw unreadable("items") }
        return items.map { item in
            // `{"index": {…}}`: the member is named after the change.
            let item = item.object?.first?.value ?? .null
            let status = item["status"]?.integer ?? 0
            return OpenSearchBulkResult(
                id: item["_id"]?.string ?? "", status: status, error: item["error"].map { OpenSearchErrorBody.error($0, status: status) })
        }
    }
}
