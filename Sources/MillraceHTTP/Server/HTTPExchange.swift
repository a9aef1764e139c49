import MillraceCore
package import MillraceEventLoop

/// One request as a responder gets it.
package struct HTTPRequest: Sendable {
    /// The head.
    package let head: HTTPRequestHead
    /// The client's id for the request where it sent a well-formed `X-Request-Id`, otherwise one of ours. The response says it.
    package let id: HTTPRequestID
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
    func reply(to request: consuming HTTPRequest) -> HTTPReply
    /// A request that never reached ``reply(to:)``, because it is malformed, too large or too slow.
    func refusal(_ status: HTTPStatus, reason: String, requestID: HTTPRequestID) -> HTTPResponse
    /// The access log of one loop.
    func makeAccessLog() -> any HTTPAccessLog
}

/// Says what was asked and answered. Confined to a loop.
package protocol HTTPAccessLog: AnyObject {
    /// A response has left, or its connection has.
    func append(_ record: HTTPAccessRecord)
    /// The loop's turn ends: what was appended in it is handed on together.
    func flush()
}

/// What the access log says of one request.
package struct HTTPAccessRecord {
    /// What was asked for.
    package enum Target {
        case head(HTTPRequestHead)
        /// What is left of the head behind a stream, which may have lasted for hours.
        case kept(method: HTTPMethod, path: String)
    }
    package var requestID: HTTPRequestID
    package var peer: String
    /// `nil` for a request whose head never was complete.
    package var target: Target?
    package var statusCode: Int
    /// Bytes sent, heads and framing included.
    package var bytesSent: Int
    /// When its head was complete, in nanoseconds of the monotonic clock.
    package var startedAt: Int64
    /// When its response had left.
    package var endedAt: Int64
    /// Whether the client got the whole response.
    package var isComplete: Bool

    package init(
        requestID: HTTPRequestID, peer: String, target: Target?, statusCode: Int, bytesSent: Int, startedAt: Int64, endedAt: Int64,
        isComplete: Bool
    ) {
        self.requestID = requestID
        self.peer = peer
        self.target = target
        self.statusCode = statusCode
        self.bytesSent = bytesSent
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.isComplete = isComplete
    }

    package var nanoseconds: Int64 { endedAt - startedAt }
}
