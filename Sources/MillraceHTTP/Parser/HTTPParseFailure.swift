/// Why a request is refused: answer with the status, then close the connection, since where the next request would start is unknown.
package struct HTTPParseFailure: Error, Equatable, Sendable {
    package let status: HTTPStatus
    /// A sentence for the client's developer; it holds nothing that the client sent.
    package let reason: String

    package init(_ status: HTTPStatus, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    static func malformed(_ reason: String) -> HTTPParseFailure { HTTPParseFailure(.badRequest, reason) }
}
