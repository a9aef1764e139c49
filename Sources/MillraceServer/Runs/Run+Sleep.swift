import Millrace
import MillraceEventLoop

/// How a run's handler sleeps, and the run's deadline: one timer for both. On the run's loop but for `sleep`.
extension Run {
    /// The run's next deadline.
    final class Alarm: LoopTimer {
        private unowned let run: Run
        init(of run: Run) {
            self.run = run
            super.init()
        }
        override func fire() { run.alarmFired() }
    }

    func sleep(nanoseconds: Int64) async throws { try await loop.sleep(nanoseconds: nanoseconds) }

    /// Whether the caller is the handler's own task on its loop, not a task that the handler has made.
    var isHandlersTask: Bool {
        guard loop.isCurrent, let ownTask else { return false }
        return EventLoop.currentTask == ownTask
    }

    /// The run's cancellation wakes its task itself: a cancellation handler's frames and records would cost more than the sleep, in time and in
    /// what an idle stream holds.
    func resume(_ continuation: UnsafeContinuation<Void, any Error>, after nanoseconds: Int64) {
        guard lifecycle.acceptsEvents else {
            continuation.resume(throwing: CancellationError())
            return
        }
        guard nanoseconds > 0 else {
            loop.resumeNextTurn(continuation)
            return
        }
        sleeping = continuation
        let (deadline, overflow) = EventLoop.clock().addingReportingOverflow(nanoseconds)
        wakesAt = overflow ? .max : deadline
        setAlarm()
    }

    /// An alarm that comes early looks again; only an earlier moment has to move it.
    func setAlarm() {
        guard let alarm else { return }
        let next = min(wakesAt, endsAt)
        if next < .max, !alarm.isSet || next < alarm.deadline { loop.set(alarm, at: next) }
    }

    fileprivate func alarmFired() {
        let now = loop.now
        if wakesAt <= now { wakeSleeper(nil) }
        if endsAt <= now {
            endsAt = .max
            perform(lifecycle.deadlinePassed(seconds: longestRunSeconds))
        }
        setAlarm()
    }

    func wakeSleeper(_ error: (any Error)?) {
        wakesAt = .max
        guard let continuation = sleeping else { return }
        sleeping = nil
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
    }
}
