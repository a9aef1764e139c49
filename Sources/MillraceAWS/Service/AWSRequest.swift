package import MillraceCore
package import MillraceHTTPClient

/// A request to a service, before it has a host and a signature.
package struct AWSRequest: Sendable {
    package var method: String
    /// Percent-encoded, with its leading slash.
    package var path: String
    /// Names and values, not encoded. A `nil` value sends the name alone.
    package var query: [(name: String, value: String?)]
    package var headers: HTTPClientHeaders
    package var body: HTTPClientRequest.Body
    /// What the signature says of the body; `nil`: the hash of `.bytes`. Of a stream to S3 it says nothing (`UNSIGNED-PAYLOAD`) over TLS, and
    /// signs each chunk without TLS, for which the length must be known. Other services take no streams unless a hash is given.
    package var payload: SigV4Signer.Payload?
    package var timeouts: HTTPClientTimeouts?
    /// The most bytes that the response's body may have (default: 64 MiB).
    package var responseByteLimit = 64 << 20
    /// Whether the request may be sent twice; `nil`: as the method says.
    package var isRepeatable: Bool?

    package init(
        _ method: String, _ path: String, query: [(name: String, value: String?)] = [], headers: HTTPClientHeaders = HTTPClientHeaders(),
        body: HTTPClientRequest.Body = .none
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// A request with a JSON body.
    package static func json(_ method: String = "POST", _ path: String, _ body: JSONValue) -> AWSRequest {
        AWSRequest(method, path, headers: ["Content-Type": "application/json"], body: .bytes(Array(body.text.utf8)))
    }

    /// The query in its encoded form.
    var encodedQuery: String {
        query.map { URIEncoding.encode($0.name) + ($0.value.map { "=" + URIEncoding.encode($0) } ?? "") }.joined(separator: "&")
    }
}
