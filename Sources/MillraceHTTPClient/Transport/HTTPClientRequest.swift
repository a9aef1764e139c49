package import MillraceCore

/// How long each part of an exchange may take. `nil`: as long as it takes.
package struct HTTPClientTimeouts: Sendable, Equatable {
    /// From the start until a connection stands, name resolution and TLS included (default: 10 s).
    package var connect: Duration? = .seconds(10)
    /// From a standing connection until the response's first byte; a model may think before it speaks (default: 120 s).
    package var firstByte: Duration? = .seconds(120)
    /// Between two reads of the response's body. Time that the reader itself takes is not counted (default: 60 s).
    package var idle: Duration? = .seconds(60)
    /// The whole exchange (default: none; the run's deadline cancels it).
    package var total: Duration?

    package init() {}
}

/// A request that a transport sends.
package struct HTTPClientRequest: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Bytes that come piece by piece until `next` returns `nil`; `length` is their number where it is known (otherwise the body goes out
        /// chunked). It is pulled as the peer takes it.
        case stream(length: Int?, next: @Sendable () async throws -> [UInt8]?)
    }

    package var method: String
    /// An absolute `http` or `https` URL without credentials in it.
    package var url: String
    package var headers: HTTPClientHeaders
    package var body: Body
    package var timeouts: HTTPClientTimeouts
    /// The most bytes of body that the response may have; more is ``ErrorCode/limitExceeded`` (default: 64 MiB).
    package var responseByteLimit: Int
    /// Whether the request may be sent again although the peer may have executed it (idempotent by method or by nature).
    package var isRepeatable: Bool
    /// Whether a proxy of the environment may be asked for a way to the peer (default: yes, but never to this machine). A metadata service
    /// of the link that this machine is on answers to this machine alone, and what it says is not for a proxy.
    package var usesProxy = true

    /// - Parameter isRepeatable: `nil`: as the method says (RFC 9110, section 9.2.2).
    package init(
        method: String = "GET", url: String, headers: HTTPClientHeaders = HTTPClientHeaders(), body: Body = .none,
        timeouts: HTTPClientTimeouts = HTTPClientTimeouts(), responseByteLimit: Int = 64 << 20, isRepeatable: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeouts = timeouts
        self.responseByteLimit = responseByteLimit
        self.isRepeatable = isRepeatable ?? ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(method)
    }

    /// A request with a JSON body.
    package static func json(
        method: String = "POST", url: String, headers: HTTPClientHeaders = HTTPClientHeaders(), _ body: JSONValue
    ) -> HTTPClientRequest {
        var headers = headers
        headers.set("Content-Type", "application/json")
        return HTTPClientRequest(method: method, url: url, headers: headers, body: .bytes(Array(body.text.utf8)))
    }
}
