extension BlockingExecutor {
    /// As ``run(_:)``, but a cancelled caller leaves at once: work that still waits is dropped, work that has begun goes on to its end, which
    /// nobody sees. For work whose own duration is bounded.
    /// - Throws: as ``run(_:)``, and `CancellationError`.
    package func runUnlessCancelled<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        let handoff = Handoff<R>()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<R, any Error>) in
                guard handoff.wait(continuation) else { return continuation.resume(throwing: CancellationError()) }
                let refusal = enqueue {
                    if handoff.isAwaited { handoff.finish(Result { try body() }) }
                }
                if let refusal { handoff.finish(.failure(refusal)) }
            }
        } onCancel: {
            handoff.cancel()
        }
    }
}

/// Where a result meets whoever waits for it, unless that one has left.
private final class Handoff<R: Sendable>: Sendable {
    private enum State {
        case new
        case awaited(UnsafeContinuation<R, any Error>)
        case over
    }
    private let state = Locked(State.new)

    /// - Returns: `false` where the caller was cancelled before.
    func wait(_ continuation: UnsafeContinuation<R, any Error>) -> Bool {
        state.withLock { state in
            guard case .new = state else { return false }
            state = .awaited(continuation)
            return true
        }
    }

    var isAwaited: Bool { state.withLock { if case .awaited = $0 { true } else { false } } }

    func finish(_ result: Result<R, any Error>) { take()?.resume(with: result) }
    func cancel() { take()?.resume(throwing: CancellationError()) }

    private func take() -> UnsafeContinuation<R, any Error>? {
        state.withLock { state in
            defer { state = .over }
            if case .awaited(let continuation) = state { return continuation }
            return nil
        }
    }
}
