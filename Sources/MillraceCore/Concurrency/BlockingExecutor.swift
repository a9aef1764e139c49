/// Threads for work that blocks: SQLite reads, files, heavy computation. The named way off an event loop.
///
/// ```swift
/// let text = try await files.run { try readWholeFile(path) }
/// ```
/// The queue is bounded: when it is full, ``run(_:)`` throws ``ErrorCode/limitExceeded`` at once instead of piling work up.
public final class BlockingExecutor: Sendable {
    private struct State {
        var queue: [@Sendable () -> Void] = []
        var next = 0
        var idle = 0
        var isStopped = false
    }

    /// The executor's name, which its threads carry.
    public let name: String
    private let queueLimit: Int
    private let state = Monitor(State())
    private let threads = Locked<[NamedThread]>([])

    /// Starts the threads.
    /// - Parameters:
    ///   - name: what the threads are called (15 bytes are kept).
    ///   - threads: how many work at once.
    ///   - queueLimit: how many pieces of work may wait (default: 10,000).
    /// - Throws: ``MillraceError`` when a thread cannot be started.
    public init(name: String, threads count: Int, queueLimit: Int = 10_000) throws {
        self.name = name
        self.queueLimit = queueLimit
        for _ in 0..<max(count, 1) {
            let state = state
            let thread = try NamedThread(name: name) { Self.work(state) }
            threads.withLock { $0.append(thread) }
        }
    }

    deinit { stop() }

    /// Finishes what is queued and ends the threads. Safe to call twice. A thread of its own that calls it, as the one on which the last
    /// reference goes does, cannot wait for itself: it ends after its work.
    public func stop() {
        state.updateAndWakeAll { $0.isStopped = true }
        let joined = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in joined {
            if thread.isCurrent { thread.detach() } else { thread.join() }
        }
    }

    private static func work(_ state: Monitor<State>) {
        while true {
            let job: (@Sendable () -> Void)?? = state.wait { state in
                if state.next < state.queue.count {
                    let job = state.queue[state.next]
                    state.next += 1
                    if state.next == state.queue.count {
                        state.queue.removeAll(keepingCapacity: true)
                        state.next = 0
                    }
                    return .some(.some(job))
                }
                return state.isStopped ? .some(.none) : nil
            }
            guard case .some(.some(let body)) = job else { return }
            body()
        }
    }

    /// Runs `body` on one of the threads and returns what it returns.
    /// - Throws: what `body` throws; ``MillraceError`` with ``ErrorCode/limitExceeded`` when too much work waits, or
    ///   ``ErrorCode/serverShutdown`` after ``stop()``.
    public func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<R, any Error>) in
            let refusal = enqueue { continuation.resume(with: Result { try body() }) }
            if let refusal { continuation.resume(throwing: refusal) }
        }
    }

    /// Queues a piece of work.
    /// - Returns: why it is not taken, in which case it never runs.
    func enqueue(_ job: @escaping @Sendable () -> Void) -> MillraceError? {
        var refusal: MillraceError?
        state.update { state in
            if state.isStopped {
                refusal = MillraceError(.serverShutdown, "the executor '\(name)' has stopped")
                return false
            }
            if state.queue.count - state.next >= queueLimit {
                refusal = MillraceError(.limitExceeded, "too much work waits for '\(name)': try again later", isRetryable: true)
                return false
            }
            state.queue.append(job)
            return true
        }
        return refusal
    }
}
