import MillraceCore

/// A clock that stands still until a test moves it.
final class ManualTime: Sendable {
    private let nanoseconds = Locked<Int64>(1_000_000_000_000)

    func advance(_ duration: Duration) { nanoseconds.withLock { $0 += duration.wholeNanoseconds } }

    var source: TimeSource {
        TimeSource(
            monotonic: { [self] in nanoseconds.withLock { $0 } },
            wall: { [self] in Timestamp(microseconds: 1_790_000_000_000_000 + nanoseconds.withLock { $0 } / 1000) })
    }
}
