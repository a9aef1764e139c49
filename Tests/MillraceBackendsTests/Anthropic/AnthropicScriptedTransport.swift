import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// A transport that plays written responses, one an exchange, and keeps what it was asked.
final class AnthropicScriptedTransport: HTTPTransport {
    /// How a response's body ends.
    enum End: Sendable {
        case whole
        case failure(MillraceError)
        /// Nothing more comes, ever; only cancellation ends the exchange.
        case silence
    }

    struct Response: Sendable {
        var status = 200
        var headers: HTTPClientHeaders = ["Content-Type": "text/event-stream; charset=utf-8", "request-id": "req_head"]
        var chunks: [[UInt8]] = []
        var end = End.whole
    }

    private struct State {
        var responses: [Response]
        var requests: [HTTPClientRequest] = []
        var unread = 0
    }
    private let state: Locked<State>

    init(_ responses: [Response]) { state = Locked(State(responses: responses)) }

    var requests: [HTTPClientRequest] { state.withLock { $0.requests } }
    /// How many chunks of the last response were not read.
    var unread: Int { state.withLock { $0.unread } }

    /// The JSON of a request's body.
    func json(_ number: Int = 0) throws -> JSONValue {
        guard case .bytes(let bytes) = requests[number].body else { return .null }
        return try JSONValue(parsing: bytes)
    }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        try Task.checkCancellation()
        let response = try state.withLock { state in
            state.requests.append(request)
            guard !state.responses.isEmpty else { throw MillraceError(.unreachable, "connection refused", isRetryable: true) }
            return state.responses.removeFirst()
        }
        let stream = Stream(response)
        defer { state.withLock { $0.unread = stream.chunks.count } }
        return try await body(stream)
    }

    private final class Stream: HTTPResponseStream {
        let status: Int
        let headers: HTTPClientHeaders
        private(set) var chunks: ArraySlice<[UInt8]>
        private let end: End

        init(_ response: Response) {
            status = response.status
            headers = response.headers
            chunks = response.chunks[...]
            end = response.end
        }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            try Task.checkCancellation()
            if let chunk = chunks.popFirst() {
                try chunk.withUnsafeBytes(take)
                return true
            }
            switch end {
            case .whole: return false
            case .failure(let error): throw error
            case .silence:
                // Ends when the task is cancelled, by nothing else.
                let (silence, continuation) = AsyncStream<Void>.makeStream()
                for await _ in silence {}
                continuation.finish()
                throw CancellationError()
            }
        }
    }
}
