package import MillraceCore

/// A response's head, ready to be written.
package struct HTTPResponseHead: Sendable {
    package var status: HTTPStatus
    /// `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` among them are left out: ``framing``, ``keepAlive`` and the date say
    /// them, and saying them twice would let two readers disagree on where the response ends.
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
    /// - Parameter date: what `Date` says, see ``HTTPDate``; `nil` leaves it out.
    package func write(to buffer: inout ByteBuffer, date: HTTPDate?) {
        buffer.reserve(256)
        buffer.append("HTTP/1.1 ")
        buffer.append(decimal: status.code)
        buffer.append(byte: HTTPGrammar.space)
        buffer.append(status.reasonPhrase)
        buffer.append("\r\n")
        // An interim response is followed by the final one, which says the rest.
        if status.code >= 200, let date {
            buffer.append("Date: ")
            date.write(to: &buffer)
            buffer.append("\r\n")
        }
        for field in headers.fields where !Self.isOurs(field.name) {
            buffer.append(field.name)
            buffer.append(": ")
            buffer.append(field.value)
            buffer.append("\r\n")
        }
        switch framing.effective(status, version) {
        case .none, .untilClose: break
        case .chunked: buffer.append("Transfer-Encoding: chunked\r\n")
        case .length(let length):
            buffer.append("Content-Length: ")
            buffer.append(decimal: length)
            buffer.append("\r\n")
        }
        if status.code >= 200 {
            if closesConnection {
                buffer.append("Connection: close\r\n")
            } else if version == .http10 {
                buffer.append("Connection: keep-alive\r\n")
            }
        }
        buffer.append("\r\n")
    }

    private static func isOurs(_ name: String) -> Bool {
        let name = name.utf8
        func matches(_ literal: StaticString) -> Bool {
            zip(name, UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))  // A static string lives for ever.
                .allSatisfy { HTTPGrammar.lowercased($0) == $1 }
        }
        switch name.count {
        case 4: return matches("date")
        case 10: return matches("connection")
        case 14: return matches("content-length")
        case 17: return matches("transfer-encoding")
        default: return false
        }
    }
}
