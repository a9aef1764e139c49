import MillraceCore
package import MillraceEventLoop

/// One request as a responder gets it.
package struct HTTPRequest: Sendable {
    /// The head.
    package let head: HTTPRequestHead
    /// The client's id for the request where it sent a well-formed `X-Request-Id`, otherwise one of ours.
    package let id: String
    /// The peer's numeric address.
    package let peer: String
    /// The loop that the connection lives on.
    package let loop: EventLoop
    /// The body.
    package let body: HTTPRequestBody
}

/// What is sent back.
package struct HTTPResponse: @unchecked Sendable {  // Sendable: made and used up on one loop, as its body source is.
    package enum Body {
        case empty
        case bytes([UInt8])
        /// Pieces as the client takes them: chunked, or with a `Content-Length` where the number of bytes is known. A source that produces
        /// another number is a defect, and the connection closes.
        case stream(any HTTPBodySource, length: Int? = nil)
    }
    package var status: HTTPStatus
    package var headers: HTTPHeaders
    package var body: Body
    /// Whether the connection closes behind the response.
    package var closesConnection = false

    package init(_ status: HTTPStatus, headers: HTTPHeaders = HTTPHeaders(), body: Body = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// How a request is answered.
package enum HTTPReply {
    /// At once, without a task.
    case now(HTTPResponse)
    /// By a task on the connection's loop, which is cancelled when the client leaves. `bodyLimit` bounds the request's body, in bytes.
    case later(bodyLimit: Int, @Sendable () async -> HTTPResponse)
}

/// Answers requests; called on the connection's loop.
package protocol HTTPResponder: Sendable {
    /// A head is complete: says how the request is answered.
    func reply(to request: HTTPRequest) -> HTTPReply
    /// A request that never reached ``reply(to:)``, because it is malformed, too large or too slow.
    func refusal(_ status: HTTPStatus, reason: String, requestID: String) -> HTTPResponse
    /// A response has left, or its connection has.
    func finished(_ record: HTTPAccessRecord)
}

/// What the access log says of one request.
package struct HTTPAccessRecord {
    /// What was asked for.
    package struct Target {
        package let method: HTTPMethod
        package let path: String
        init(_ head: HTTPRequestHead) {
            method = head.method
            path = head.rawPath
        }
    }
    package var requestID: String
    package var peer: String
    /// `nil` for a request whose head never was complete.
    package var target: Target?
    package var status: HTTPStatus
    /// Bytes sent, heads and framing included.
    package var bytesSent: Int
    package var nanoseconds: Int64
    /// Whether the client got the whole response.
    package var isComplete: Bool
}
