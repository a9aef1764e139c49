public import MillraceCore
package import MillraceHTTPClient

/// A client of OpenSearch: a domain of Amazon OpenSearch Service, a collection of OpenSearch Serverless, or a cluster of one's own.
///
/// It sends what it is given and takes nothing out of the answers; an index that Millrace's search seam keeps is better used through that.
/// Source: the OpenSearch REST API reference (docs.opensearch.org), and for Serverless "Supported operations and plugins in Amazon
/// OpenSearch Serverless".
///
/// Every call throws ``AWSServiceError`` with the service `OpenSearch`, OpenSearch's own error type as its code (such as
/// `index_not_found_exception`) and `isRetryable` for the statuses 429, 502, 503 and 504; ``MillraceError`` when no answer came.
public struct OpenSearchClient: Sendable {
    /// How a bulk request is cut into pieces, and how often refused documents are sent again.
    public struct BulkLimits: Equatable, Sendable {
        /// The most bytes of one request, at least one document of any size (default: 5 MiB). Domains take 10 MiB on small instances and
        /// 100 MiB on others.
        public var bytes = 5 << 20
        /// The most documents of one request (default: 1,000).
        public var operations = 1_000
        /// How often a document is sent that OpenSearch refuses for want of room (429, 503), the first time included (default: 5).
        public var attempts = 5
        /// The longest wait before the second attempt; it doubles with each further one, up to 10 s (default: 0.5 s).
        public var backoff: Duration = .milliseconds(500)
        /// Creates the defaults.
        public init() {}
    }

    /// How bulk requests are cut and repeated.
    public var bulkLimits = BulkLimits()

    let client: AWSServiceClient
    let clock: HTTPPolicyClock

    package init(_ client: AWSServiceClient, clock: HTTPPolicyClock = .system) {
        self.client = client
        self.clock = clock
    }

    /// Whether this is a collection of OpenSearch Serverless, which has no refresh, no deletion by query and no server information.
    public var isServerless: Bool { client.service.signingName == AWSService.openSearchServerless.signingName }

    /// The server, or the collection, for messages.
    package var url: String { client.url }

    /// What the server says of itself. Serverless collections do not say it.
    public func info() async throws -> OpenSearchServerInfo {
        OpenSearchServerInfo(try await json(AWSRequest("GET", "/")))
    }

    /// How well the cluster is: `status` (`green`, `yellow`, `red`), `number_of_nodes` and more. Serverless collections do not say it.
    public func health() async throws -> JSONValue {
        try await json(AWSRequest("GET", "/_cluster/health"))
    }

    /// Sends a request and takes the answer as JSON.
    func json(_ request: AWSRequest, limit: Int = 64 << 20) async throws -> JSONValue {
        do { return try await client.json(request, limit: limit) } catch let error as AWSServiceError {
            throw OpenSearchErrorBody.error(of: error)
        }
    }

    /// A path under an index, or under several that a comma-separated list or a pattern with `*` names.
    static func path(_ index: String, _ rest: String = "") -> String { "/" + URIEncoding.encode(index) + rest }

    /// A request whose body says what is asked for: it changes nothing, so that it may be sent twice.
    static func reading(_ path: String, query: [(name: String, value: String?)] = [], _ body: JSONValue) -> AWSRequest {
        var request = AWSRequest.json("POST", path, body)
        request.query = query
        request.isRepeatable = true
        return request
    }
}
