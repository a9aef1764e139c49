import MillraceAWS
import MillraceCore
import MillraceHTTPClient

/// A service that answers what a test tells it, in the order of the attempts, and keeps the requests.
final class ScriptedAWSTransport: HTTPTransport {
    struct Answer: Sendable {
        var status = 200
        var headers: HTTPClientHeaders = [:]
        var body = ""
        /// How much of the request's body is read before the answer; `nil`: all.
        var pulledPieces: Int?
    }

    private struct State: Sendable {
        var requests: [HTTPClientRequest] = []
        var bodies: [[UInt8]] = []
    }

    private let state = Locked(State())
    private let answer: @Sendable (Int, HTTPClientRequest, [UInt8]) async throws -> Answer

    /// - Parameter answer: is given the number of the request, from 0, and the request with its body.
    init(_ answer: @escaping @Sendable (_ number: Int, _ request: HTTPClientRequest, _ body: [UInt8]) async throws -> Answer) {
        self.answer = answer
    }

    /// The last answer is repeated.
    convenience init(_ answers: [Answer]) { self.init { number, _, _ in answers[min(number, answers.count - 1)] } }

    var requests: [HTTPClientRequest] { state.withLock { $0.requests } }
    /// The bodies as far as they were pulled.
    var bodies: [[UInt8]] { state.withLock { $0.bodies } }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        try Task.checkCancellation()
        let number = state.withLock { state in
            state.requests.append(request)
            state.bodies.append([])
            return state.requests.count - 1
        }
        var bytes: [UInt8] = []
        switch request.body {
        case .none: break
        case .bytes(let all): bytes = all
        case .stream(_, let next):
            let early = try? await answer(number, request, []).pulledPieces
            var pulled = 0
            while pulled < early ?? .max, let piece = try await next() {
                bytes += piece
                pulled += 1
            }
        }
        let received = bytes
        state.withLock { $0.bodies[number] = received }
        return try await body(Response(try await answer(number, request, bytes)))
    }

    private final class Response: HTTPResponseStream {
        let status: Int
        let headers: HTTPClientHeaders
        private var pieces: ArraySlice<UInt8>

        init(_ answer: Answer) {
            status = answer.status
            headers = answer.headers
            pieces = Array(answer.body.utf8)[...]
        }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            guard !pieces.isEmpty else { return false }
            try Array(pieces.prefix(1000)).withUnsafeBytes(take)
            pieces = pieces.dropFirst(1000)
            return true
        }
    }
}

/// A wall clock that a test sets, and waits that end at once and are counted.
final class ManualWallClock: Sendable {
    private let state: Locked<(wall: Timestamp, waits: [Duration])>

    init(_ wall: Timestamp) { state = Locked((wall, [])) }

    var waits: [Duration] { state.withLock { $0.waits } }
    func set(_ wall: Timestamp) { state.withLock { $0.wall = wall } }

    var policyClock: HTTPPolicyClock {
        HTTPPolicyClock(
            now: { [state] in state.withLock { $0.wall.microseconds * 1000 } }, wall: { [state] in state.withLock { $0.wall } },
            sleep: { [state] duration in
                try Task.checkCancellation()
                state.withLock { $0.waits.append(duration) }
            })
    }
}

/// Hands out credentials in their order, the next after each refusal; the last ones stay.
final class ScriptedCredentials: AWSCredentialProvider {
    private let state: Locked<(all: [AWSCredentials], refused: [AWSCredentials])>

    init(_ names: String...) {
        state = Locked(
            (
                names.map {
                    AWSCredentials(accessKeyID: $0, secretAccessKey: "secret", sessionToken: "token of \($0)", origin: "the test")
                },
                []
            ))
    }

    var refused: [String] { state.withLock { $0.refused.map(\.accessKeyID) } }

    func credentials() async throws -> AWSCredentials { state.withLock { $0.all[0] } }

    func refused(_ credentials: AWSCredentials) async {
        state.withLock { state in
            state.refused.append(credentials)
            if state.all.count > 1, state.all[0] == credentials { state.all.removeFirst() }
        }
    }
}
