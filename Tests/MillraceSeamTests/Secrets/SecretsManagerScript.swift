import MillraceCore
import MillraceHTTPClient

/// A Secrets Manager that answers what a test says, and remembers what it was asked.
final class SecretsManagerScript: HTTPTransport {
    struct Answer: Sendable {
        var status = 200
        var body: JSONValue = [:]

        static func error(_ code: String, status: Int = 400, message: String = "refused") -> Answer {
            Answer(status: status, body: ["__type": .string(code), "message": .string(message)])
        }
        static func value(_ text: String, version: String = "v1") -> Answer {
            Answer(body: ["Name": "n", "ARN": "a", "VersionId": .string(version), "SecretString": .string(text)])
        }
    }

    private struct State {
        var asked: [String] = []
        var bodies: [JSONValue] = []
    }

    private let state = Locked(State())
    private let answer: @Sendable (_ operation: String, _ body: JSONValue) async throws -> Answer

    init(_ answer: @escaping @Sendable (_ operation: String, _ body: JSONValue) async throws -> Answer) { self.answer = answer }

    /// The operations that were called, in order.
    var asked: [String] { state.withLock { $0.asked } }
    /// What they were called with.
    var bodies: [JSONValue] { state.withLock { $0.bodies } }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        guard case .bytes(let bytes) = request.body, let target = request.headers["X-Amz-Target"] else {
            throw MillraceError(.internal, "no call of Secrets Manager")
        }
        let json = try JSONValue(parsing: bytes)
        let operation = String(target.dropFirst("secretsmanager.".count))
        state.withLock {
            $0.asked.append(operation)
            $0.bodies.append(json)
        }
        let answer = try await answer(operation, json)
        return try await body(Response(answer))
    }

    private final class Response: HTTPResponseStream {
        let status: Int
        let headers: HTTPClientHeaders = ["x-amzn-RequestId": "id-1"]
        private var rest: [UInt8]?

        init(_ answer: Answer) {
            status = answer.status
            rest = Array(answer.body.text.utf8)
        }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            guard let bytes = rest else { return false }
            rest = nil
            try bytes.withUnsafeBytes { try take($0) }
            return true
        }
    }
}
