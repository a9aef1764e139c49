import MillraceCore
import MillraceHTTPClient

/// A transport that answers from a script, in the pieces that the script names, and keeps the requests.
final class ScriptedTransport: HTTPTransport {
    struct Answer: Sendable {
        var status = 200
        var headers: HTTPClientHeaders = [:]
        var pieces: [[UInt8]] = []
        /// Thrown instead of a response's head.
        var headError: MillraceError?
        /// Thrown behind the pieces instead of the body's end.
        var endError: MillraceError?

        init(_ pieces: [String] = [], status: Int = 200, headers: HTTPClientHeaders = [:]) {
            self.pieces = pieces.map { Array($0.utf8) }
            self.status = status
            self.headers = headers
        }
    }

    let requests = Locked<[HTTPClientRequest]>([])
    private let answers: Locked<[Answer]>

    /// - Parameter answers: one a request, in order; the last one answers all that follow.
    init(_ answers: [Answer]) { self.answers = Locked(answers) }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        try Task.checkCancellation()
        if case .stream(_, let next) = request.body { while try await next() != nil {} }
        requests.withLock { $0.append(request) }
        let answer = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        if let error = answer.headError { throw error }
        return try await body(Stream(answer))
    }

    private final class Stream: HTTPResponseStream {
        let answer: Answer
        var next = 0
        var status: Int { answer.status }
        var headers: HTTPClientHeaders { answer.headers }
        init(_ answer: Answer) { self.answer = answer }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            try Task.checkCancellation()
            guard next < answer.pieces.count else {
                if let error = answer.endError { throw error }
                return false
            }
            next += 1
            try answer.pieces[next - 1].withUnsafeBytes(take)
            return true
        }
    }
}

extension HTTPTransport {
    /// What a reader saw of an exchange.
    func observe(_ request: HTTPClientRequest, leavingAfter most: Int = .max) async -> Observation {
        var seen = Observation()
        do {
            try await exchange(request) { response in
                seen.status = response.status
                seen.headers = response.headers
                while seen.pieces.count < most {
                    guard try await response.read({ seen.pieces.append(Array($0)) }) else {
                        seen.isComplete = true
                        break
                    }
                }
            }
        } catch { seen.error = error as? MillraceError ?? MillraceError(.cancelled, "\(error)") }
        return seen
    }
}

struct Observation: Equatable, Sendable {
    var status: Int?
    var headers: HTTPClientHeaders = [:]
    var pieces: [[UInt8]] = []
    var isComplete = false
    var error: MillraceError?
}
