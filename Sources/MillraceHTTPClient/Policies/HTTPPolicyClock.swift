package import MillraceCore
import MillraceEventLoop

/// Where ``ResilientTransport`` has the time from, and how it waits.
package struct HTTPPolicyClock: Sendable {
    /// The monotonic clock, in nanoseconds.
    package var now: @Sendable () -> Int64
    /// The wall clock, which a `Retry-After` with a date is compared with.
    package var wall: @Sendable () -> Timestamp
    /// Waits; throws `CancellationError` when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Int64, wall: @escaping @Sendable () -> Timestamp,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.wall = wall
        self.sleep = sleep
    }

    /// The system's clocks. On an event loop it waits with the loop's timers, elsewhere with Swift's.
    package static let system = HTTPPolicyClock(
        now: { EventLoop.clock() }, wall: { .now() },
        sleep: { duration in
            if let loop = EventLoop.current {
                try await loop.sleep(nanoseconds: duration.clampedNanoseconds)
            } else {
                try await Task.sleep(for: duration)
            }
        })
}
