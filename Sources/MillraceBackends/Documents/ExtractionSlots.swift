import Millrace
import MillraceCore

/// Bounds how many documents are read at once, and how many wait, in the order of asking.
final class ExtractionSlots: Sendable {
    private struct Waiter {
        let id: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var left: Int
        var waiters: [Waiter] = []
        var nextID = 0
    }

    private let count: Int
    private let mostWaiting: Int
    private let state: Locked<State>

    init(_ count: Int, mostWaiting: Int) {
        self.count = count
        self.mostWaiting = mostWaiting
        state = Locked(State(left: count))
    }

    var load: (running: Int, waiting: Int) { state.withLock { (count - $0.left, $0.waiters.count) } }

    /// Runs `body` in a place of its own.
    /// - Throws: ``ErrorCode/limitExceeded`` when too many wait; `CancellationError`; what `body` throws.
    func with<R>(_ body: () async throws -> R) async throws -> R {
        try await take()
        defer { give() }
        return try await body()
    }

    private func take() async throws {
        try Task.checkCancellation()
        let id: Int? = try state.withLock { (state) throws(MillraceError) in
            if state.left > 0 {
                state.left -= 1
                return nil
            }
            guard state.waiters.count < mostWaiting else {
                throw MillraceError(.limitExceeded, "too many documents wait to be read: try again later", isRetryable: true)
            }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return }
        let isTaken = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let known: Bool? = state.withLock { state in
                    // A cancellation from here on finds the waiter in the list.
                    if Task.isCancelled { return false }
                    if state.left > 0 {
                        state.left -= 1
                        return true
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let left = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            left?.continuation.resume(returning: false)
        }
        guard isTaken else { throw CancellationError() }
    }

    private func give() {
        let next: Waiter? = state.withLock { state in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.left += 1
            return nil
        }
        next?.continuation.resume(returning: true)
    }
}
