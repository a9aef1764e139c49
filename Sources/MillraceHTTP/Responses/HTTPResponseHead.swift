package import MillraceCore

/// A response's head, ready to be written.
package struct HTTPResponseHead: Sendable {
    package var status: HTTPStatus
    /// `Content-Length`, `Transfer-Encoding`, `Connection`, `Date` and `X-Request-Id` among them are left out: ``framing``, ``keepAlive``, the
    /// date and the request's id say them, and saying them twice would let two readers disagree on where the response ends.
    package var headers: HTTPHeaders
    package var framing: HTTPFraming
    /// The version that the client spoke.
    package var version: HTTPVersion
    /// Whether the server is willing to keep the connection. See ``closesConnection``.
    package var keepAlive: Bool

    package init(
        _ status: HTTPStatus, headers: HTTPHeaders = HTTPHeaders(), framing: HTTPFraming, version: HTTPVersion = .http11,
        keepAlive: Bool = true
    ) {
        self.status = status
        self.headers = headers
        self.framing = framing
        self.version = version
        self.keepAlive = keepAlive
    }

    /// Whether the connection ends behind this response: because it should, or because nothing else ends the body.
    package var closesConnection: Bool { !keepAlive || framing.effective(status, version) == .untilClose }

    /// Whether the body is sent in chunks.
    package var isChunked: Bool { framing.effective(status, version) == .chunked }

    /// Appends status line, headers and the empty line (RFC 9112, section 4).
    /// - Parameters:
    ///   - date: what `Date` says, see ``HTTPDate``; `nil` leaves it out.
    ///   - requestID: what `X-Request-Id` says; `nil` leaves it out.
    package func write(to buffer: inout ByteBuffer, date: HTTPDate?, requestID: HTTPRequestID? = nil) {
        buffer.reserve(320)
        if status.code == 200 {
            buffer.append("HTTP/1.1 200 OK\r\n")
        } else {
            buffer.append("HTTP/1.1 ")
            buffer.append(decimal: status.code)
            buffer.append(byte: HTTPGrammar.space)
            buffer.append(status.reasonPhrase)
            buffer.append("\r\n")
        }
        // An interim response is followed by the final one, which says the rest.
        let isFinal = status.code >= 200
        if isFinal, let date { date.writeLine(to: &buffer) }
        headers.write(to: &buffer)
        if isFinal, let requestID {
            buffer.append("X-Request-Id: ")
            requestID.write(to: &buffer)
            buffer.append("\r\n")
        }
        let framing = framing.effective(status, version)
        switch framing {
        case .none, .untilClose: break
        case .chunked: buffer.append("Transfer-Encoding: chunked\r\n")
        case .length(let length):
            buffer.append("Content-Length: ")
            buffer.append(decimal: length)
            buffer.append("\r\n")
        }
        if isFinal {
            if !keepAlive || framing == .untilClose {
                buffer.append("Connection: close\r\n")
            } else if version == .http10 {
                buffer.append("Connection: keep-alive\r\n")
            }
        }
        buffer.append("\r\n")
    }
}
