import MillraceCore
import MillraceHTTPClient

/// Answers every request with one JSON value, and keeps the URLs and headers.
final class CannedTransport: HTTPTransport {
    private let json: JSONValue
    private let kept = Locked<[HTTPClientRequest]>([])
    var requests: [HTTPClientRequest] { kept.withLock { $0 } }

    init(_ json: JSONValue) { self.json = json }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        kept.withLock { $0.append(request) }
        return try await body(Response(json))
    }

    private final class Response: HTTPResponseStream {
        let status = 200
        let headers: HTTPClientHeaders = ["Content-Type": "application/json"]
        private var rest: [UInt8]
        init(_ json: JSONValue) { rest = Array(json.text.utf8) }
        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            guard !rest.isEmpty else { return false }
            let bytes = rest
            rest = []
            try bytes.withUnsafeBytes(take)
            return true
        }
    }
}
