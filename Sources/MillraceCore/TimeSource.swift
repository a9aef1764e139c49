import CLinux

/// Where something that expires has the time from, so that tests can set it.
package struct TimeSource: Sendable {
    /// The monotonic clock, in nanoseconds.
    package var monotonic: @Sendable () -> Int64
    /// The wall clock, for what outlives the process.
    package var wall: @Sendable () -> Timestamp

    package init(monotonic: @escaping @Sendable () -> Int64, wall: @escaping @Sendable () -> Timestamp) {
        self.monotonic = monotonic
        self.wall = wall
    }

    /// The system's clocks.
    package static let system = TimeSource(monotonic: { cl_monotonic_ns() }, wall: { .now() })
}
