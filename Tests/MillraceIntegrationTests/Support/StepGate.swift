import MillraceCore

/// Lets a handler wait for the test: every ``pass()`` takes one permit.
final class StepGate: Sendable {
    private struct State {
        var permits = 0
        var next = 0
        var waiting: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        var cancelled: Set<Int> = []
    }
    private let state = Locked(State())

    /// Gives permits. Any thread may call it.
    func open(_ count: Int = 1) {
        let released = state.withLock { state in
            var released: [CheckedContinuation<Void, any Error>] = []
            for _ in 0..<count {
                if state.waiting.isEmpty { state.permits += 1 } else { released.append(state.waiting.removeFirst().continuation) }
            }
            return released
        }
        for continuation in released { continuation.resume() }
    }

    /// Waits for a permit.
    /// - Throws: `CancellationError` when the task is cancelled meanwhile.
    func pass() async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(number) != nil { return .failure(CancellationError()) }
                    if state.permits > 0 {
                        state.permits -= 1
                        return .success(())
                    }
                    state.waiting.append((number, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let index = state.waiting.firstIndex(where: { $0.number == number }) else {
                    state.cancelled.insert(number)
                    return nil
                }
                return state.waiting.remove(at: index).continuation
            }
            waiter?.resume(throwing: CancellationError())
        }
    }
}

/// What handlers tell the test.
final class Notes: Sendable {
    private let state = Monitor<[String]>([])

    func note(_ text: String) { state.updateAndWakeAll { $0.append(text) } }

    var all: [String] {
        var copy: [String] = []
        state.update { notes in
            copy = notes
            return false
        }
        return copy
    }

    /// Blocks until `text` was noted `count` times; false when that did not happen in time.
    func wait(_ text: String, count: Int = 1) -> Bool {
        state.wait(nanoseconds: 20_000_000_000) { notes in notes.count { $0 == text } >= count ? true : nil } ?? false
    }
}
