import MillraceCore

@testable import MillraceHTTPClient

/// A transport that does what a test tells it, in the order of the attempts; the last step is repeated.
final class ScriptedTransport: HTTPTransport {
    enum Step: Sendable {
        case respond(Int, HTTPClientHeaders = [:], body: [Piece] = [])
        case fail(MillraceError)
        /// Until the task is cancelled.
        case hang
        /// Responds once the test opens the door, or fails when the task is cancelled before.
        case wait(Door, status: Int = 200)
        /// Reads so many pieces of the request's body, then fails.
        case pullThenFail(Int, MillraceError)
    }

    enum Piece: Sendable {
        case bytes(String)
        case fail(MillraceError)
        /// Until the task is cancelled.
        case hang
    }

    struct Log: Sendable {
        var requests: [HTTPClientRequest] = []
        var order: [String] = []
        var underWay = 0
        var mostUnderWay = 0
        var steps: [Step]
    }

    private let log: Locked<Log>
    private let changes = Condition()

    init(_ steps: Step...) { log = Locked(Log(steps: steps)) }

    var attempts: Int { log.withLock { $0.requests.count } }
    var requests: [HTTPClientRequest] { log.withLock { $0.requests } }
    var mostUnderWay: Int { log.withLock { $0.mostUnderWay } }
    var underWay: Int { log.withLock { $0.underWay } }

    func attempts(_ count: Int) async { await changes.wait { self.attempts >= count } }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        let step = log.withLock { log in
            log.requests.append(request)
            log.underWay += 1
            log.mostUnderWay = max(log.mostUnderWay, log.underWay)
            return log.steps.count > 1 ? log.steps.removeFirst() : log.steps[0]
        }
        changes.signal()
        defer { log.withLock { $0.underWay -= 1 } }
        try Task.checkCancellation()
        switch step {
        case .respond(let status, let headers, let pieces): return try await body(Response(status, headers, pieces))
        case .fail(let error): throw error
        case .hang:
            await Door().wait()
            throw CancellationError()
        case .wait(let door, let status):
            await door.wait()
            try Task.checkCancellation()
            return try await body(Response(status, [:], []))
        case .pullThenFail(let count, let error):
            if case .stream(_, let next) = request.body { for _ in 0..<count { _ = try await next() } }
            throw error
        }
    }

    private final class Response: HTTPResponseStream {
        let status: Int
        let headers: HTTPClientHeaders
        private var pieces: [Piece]

        init(_ status: Int, _ headers: HTTPClientHeaders, _ pieces: [Piece]) {
            self.status = status
            self.headers = headers
            self.pieces = pieces
        }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            guard !pieces.isEmpty else { return false }
            switch pieces.removeFirst() {
            case .bytes(let text): try Array(text.utf8).withUnsafeBytes(take)
            case .fail(let error): throw error
            case .hang:
                await Door().wait()
                throw CancellationError()
            }
            return true
        }
    }
}

/// Shut until it is opened once; lets cancelled tasks through.
final class Door: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [UnsafeContinuation<Void, Never>] = []
    }
    private let state = Locked(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        let own = Cancellation()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isOpen = state.withLock { state in
                    if !state.isOpen, own.isCancelled.withLock({ !$0 }) {
                        state.waiters.append(continuation)
                        return false
                    }
                    return true
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            // A door serves one task, or tasks that are cancelled together.
            let waiters = state.withLock { state in
                own.isCancelled.withLock { $0 = true }
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    private final class Cancellation: Sendable {
        let isCancelled = Locked(false)
    }
}
