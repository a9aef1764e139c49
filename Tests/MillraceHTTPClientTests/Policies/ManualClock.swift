import MillraceCore

@testable import MillraceHTTPClient

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
    private struct Sleeper {
        let deadline: Int64
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var now: Int64 = 1_000_000_000_000
        var epochSeconds: Int64 = 784_111_777
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var count = 0
        var requested: [Duration] = []
    }

    private let state = Locked(State())
    private let changes = Condition()
    private let isAutomatic: Bool

    /// - Parameter automatic: whether whoever sleeps moves the clock itself, so that nobody has to wait.
    init(automatic: Bool = false) { isAutomatic = automatic }

    var policyClock: HTTPPolicyClock {
        HTTPPolicyClock(
            now: { self.state.withLock { $0.now } },
            wall: { Timestamp(microseconds: self.state.withLock { $0.epochSeconds } * 1_000_000) },
            sleep: { try await self.sleep($0) })
    }

    /// What was asked for, in order.
    var requested: [Duration] { state.withLock { $0.requested } }
    var sleepers: Int { state.withLock { $0.sleepers.count } }

    private func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        if isAutomatic {
            state.withLock {
                $0.requested.append(duration)
                $0.now += duration.clampedNanoseconds
            }
            return
        }
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        let isOver = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Bool, Never>) in
                let isCancelled = state.withLock { state in
                    if state.cancelled.contains(id) { return true }
                    state.requested.append(duration)
                    state.sleepers[id] = Sleeper(deadline: state.now + duration.clampedNanoseconds, continuation: continuation)
                    return false
                }
                if isCancelled { continuation.resume(returning: false) }
                changes.signal()
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.cancelled.insert(id)
                return state.sleepers.removeValue(forKey: id)
            }
            sleeper?.continuation.resume(returning: false)
        }
        if !isOver { throw CancellationError() }
    }

    /// Moves the clock and wakes everybody whose time has come.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration.clampedNanoseconds
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume(returning: true) }
    }

    /// Waits until exactly so many sleep.
    func sleepers(_ count: Int) async { await changes.wait { self.sleepers == count } }
}

/// Waits for what other tasks do. Whoever changes something signals.
final class Condition: Sendable {
    private let waiters = Locked<[UnsafeContinuation<Void, Never>]>([])

    func signal() {
        let all = waiters.withLock { waiters in
            defer { waiters = [] }
            return waiters
        }
        for waiter in all { waiter.resume() }
    }

    func wait(until holds: @Sendable () -> Bool) async {
        while !holds() {
            await withUnsafeContinuation { continuation in
                waiters.withLock { $0.append(continuation) }
                // What became true since the last look was signalled to nobody.
                if holds() { signal() }
            }
        }
    }
}
