import MillraceCore
import MillraceHTTPClient

/// Answers requests out of a script, without a network.
struct ScriptedTransport: HTTPTransport {
    struct Answer: Sendable {
        var status = 200
        var headers = HTTPClientHeaders()
        var pieces: [[UInt8]] = []
        /// What the body ends with, instead of its end.
        var failure: MillraceError?
        /// What is done behind the pieces, before the end.
        var pause: (@Sendable () async throws -> Void)?

        init(_ status: Int = 200, _ headers: HTTPClientHeaders = HTTPClientHeaders(), _ text: String = "") {
            self.status = status
            self.headers = headers
            if !text.isEmpty { pieces = [Array(text.utf8)] }
        }
    }

    private final class Response: HTTPResponseStream {
        let status: Int
        let headers: HTTPClientHeaders
        private var pieces: ArraySlice<[UInt8]>
        private let failure: MillraceError?
        private let pause: (@Sendable () async throws -> Void)?

        init(_ answer: Answer) {
            pause = answer.pause
            status = answer.status
            headers = answer.headers
            pieces = answer.pieces[...]
            failure = answer.failure
        }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            guard let piece = pieces.popFirst() else {
                try await pause?()
                if let failure { throw failure }
                return false
            }
            try piece.withUnsafeBytes(take)
            return true
        }
    }

    let log = Locked<[HTTPClientRequest]>([])
    /// How many exchanges go on.
    let open = Locked(0)
    let script: @Sendable (HTTPClientRequest) async throws -> Answer

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        log.withLock { $0.append(request) }
        open.withLock { $0 += 1 }
        defer { open.withLock { $0 -= 1 } }
        try Task.checkCancellation()
        return try await body(Response(try await script(request)))
    }

    /// The requests so far, as method and URL.
    var lines: [String] { log.withLock { $0.map { "\($0.method) \($0.url)" } } }
    var requests: [HTTPClientRequest] { log.withLock { $0 } }
}
