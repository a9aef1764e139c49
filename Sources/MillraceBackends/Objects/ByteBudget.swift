import MillraceCore

/// Bounds what many tasks hold in memory together: who wants more than is left waits, in the order of asking.
final class ByteBudget: Sendable {
    private struct Waiter {
        let id: Int
        let count: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var left: Int
        var waiters: [Waiter] = []
        var nextID = 0

        /// Those at the front who have room now.
        mutating func admitted() -> [Waiter] {
            var admitted: [Waiter] = []
            while let first = waiters.first, first.count <= left {
                left -= first.count
                admitted.append(waiters.removeFirst())
            }
            return admitted
        }
    }

    private let limit: Int
    private let state: Locked<State>

    init(_ limit: Int) {
        self.limit = limit
        state = Locked(State(left: limit))
    }

    /// How many wait, for tests.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Runs `body` while so many bytes are its own; one that wants more than there are at all gets all.
    /// - Throws: `CancellationError` for a caller who is cancelled while it waits; what `body` throws.
    func with<R>(_ count: Int, _ body: () async throws -> R) async throws -> R {
        let count = min(max(count, 0), limit)
        guard await take(count) else { throw CancellationError() }
        defer { give(count) }
        return try await body()
    }

    private func take(_ count: Int) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let known: Bool? = state.withLock { state in
                    // A cancellation from here on finds the waiter in the list.
                    if Task.isCancelled { return false }
                    guard !state.waiters.isEmpty || count > state.left else {
                        state.left -= count
                        return true
                    }
                    state.waiters.append(Waiter(id: id, count: count, continuation: continuation))
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let (left, admitted) = state.withLock { state -> (Waiter?, [Waiter]) in
                guard let place = state.waiters.firstIndex(where: { $0.id == id }) else { return (nil, []) }
                // It may have been what the others waited for.
                return (state.waiters.remove(at: place), state.admitted())
            }
            left?.continuation.resume(returning: false)
            for waiter in admitted { waiter.continuation.resume(returning: true) }
        }
    }

    private func give(_ count: Int) {
        let admitted = state.withLock { state in
            state.left += count
            return state.admitted()
        }
        for waiter in admitted { waiter.continuation.resume(returning: true) }
    }
}
