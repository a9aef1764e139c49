import MillraceCore

/// A request's body as its handler reads it, with backpressure: while more than a bound waits here, the connection does not read.
/// Confined to the connection's loop.
package final class HTTPRequestBody: @unchecked Sendable {  // Sendable: created and used on the connection's loop only.
    private var buffered = ByteBuffer()
    private var isComplete = false
    private var failure: MillraceError?
    private var waiter: UnsafeContinuation<Void, Never>?
    /// Who is told that there is room again, or that the first byte is wanted. It lets go when the exchange ends, as the two hold each other.
    var connection: HTTPConnection?

    init() {}

    /// The body of requests that have none: nothing is ever written to it, so that a loop's connections share one.
    static func empty() -> HTTPRequestBody {
        let body = HTTPRequestBody()
        body.isComplete = true
        return body
    }

    var bufferedBytes: Int { buffered.count }

    /// The next piece, of at most `limit` bytes; `nil` at the end.
    /// - Throws: ``MillraceError`` when the rest of the body cannot be had.
    package func next(limit: Int = 64 << 10) async throws -> [UInt8]? {
        while buffered.isEmpty {
            if let failure { throw failure }
            if isComplete { return nil }
            connection?.bodyWanted(self)
            // The connection may have handed over what had come, within that call.
            if !buffered.isEmpty || isComplete || failure != nil { continue }
            await withUnsafeContinuation { waiter = $0 }
        }
        let count = min(limit, buffered.count)
        let piece = buffered.withBytes { [UInt8]($0[..<count]) }
        buffered.consume(count)
        if buffered.isEmpty, isComplete { buffered.release() }
        connection?.bodyWanted(self)
        return piece
    }

    /// All of a body that nothing was read of and that has come to its end; `nil` where it has to be waited for.
    package func takeWhole() -> [UInt8]? {
        guard isComplete, failure == nil else { return nil }
        defer { buffered.release() }
        return buffered.bytes
    }

    func receive(_ bytes: UnsafeRawBufferPointer) {
        buffered.append(bytes)
        wake()
    }

    func complete() {
        isComplete = true
        wake()
    }

    func fail(_ error: MillraceError) {
        failure = error
        buffered.release()
        wake()
    }

    private func wake() {
        let waiter = waiter
        self.waiter = nil
        waiter?.resume()
    }
}
