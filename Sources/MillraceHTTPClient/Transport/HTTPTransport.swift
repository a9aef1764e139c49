package import MillraceCore

/// Something that sends a request and lends the response: libcurl on the loop, a policy around another transport, or a recording.
package protocol HTTPTransport: Sendable {
    /// Sends a request and lends the response to `body` as soon as its head is there, whatever its status.
    ///
    /// The transfer is over when `body` returns or throws: a response that was not read to its end is cut off at once, which on HTTP/1.1
    /// closes the connection and on HTTP/2 resets the stream. Cancelling the calling task does the same within one loop turn.
    /// - Throws: what `body` throws; `CancellationError`; ``MillraceError`` with ``ErrorCode/unreachable``, ``ErrorCode/connectionLost``,
    ///   ``ErrorCode/timeout`` or ``ErrorCode/limitExceeded``, `isRetryable` where another attempt can help.
    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R
}

/// A response whose body is read as it arrives. Lent by ``HTTPTransport``; used by one task at a time.
package protocol HTTPResponseStream: AnyObject {
    /// The status code.
    var status: Int { get }
    /// The header fields of the final response.
    var headers: HTTPClientHeaders { get }

    /// Waits for more of the body and lends it to `take`, which must not keep the pointer.
    /// - Returns: `false` at the body's end, without a call of `take`.
    /// - Throws: what `take` throws, and as ``HTTPTransport/exchange(_:_:)`` for a body that breaks off, stalls or is too long.
    func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool

    /// Says that the reader has all that it wants of a response that is about to end: instead of cutting it off, the transport may read what
    /// little is left behind the reader's back, so that the connection can be used again. It does not wait.
    func discardRest()
}

extension HTTPResponseStream {
    package func discardRest() {}

    /// The rest of the body.
    /// - Parameter limit: the most bytes that are taken (default: 4 MiB, which a loop reads as JSON in some hundred milliseconds at worst).
    /// - Throws: as ``read(_:)``, and ``ErrorCode/limitExceeded``.
    package func collect(limit: Int = 4 << 20) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while try await read({ piece in
            guard bytes.count + piece.count <= limit else {
                throw MillraceError(.limitExceeded, "the response is longer than \(limit) bytes")
            }
            bytes.append(contentsOf: piece)
        }) {}
        return bytes
    }

    /// The rest of the body, but no more than `limit` bytes of it: for the texts of errors.
    package func prefix(_ limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit, try await read({ bytes.append(contentsOf: $0.prefix(limit - bytes.count)) }) {}
        return bytes
    }

    /// Reads the body as server-sent events and hands on every message, in order.
    /// - Parameter receive: returns `false` when the message was the stream's last, whatever the server still sends.
    /// - Throws: what `receive` throws, as ``read(_:)``, and ``ErrorCode/limitExceeded`` for a message over 4 MiB.
    package func forEachServerSentEvent(_ receive: (SSEMessage) async throws -> Bool) async throws {
        var parser = SSEParser(limit: 4 << 20)
        var messages: [SSEMessage] = []
        while try await read({ piece in
            do throws(SSEParser.Failure) { messages = try parser.receive(piece) } catch {
                throw MillraceError(.limitExceeded, "the stream holds a message that is too long")
            }
        }) {
            for message in messages where try await !receive(message) { return discardRest() }
        }
    }
}
