import MillraceCore

/// The `Date` header's value, formatted once a second for all connections of a loop. Confined to its loop.
final class HTTPDateCache {
    private var cached = HTTPDate(epochSeconds: 0)
    private var validUntil = Int64.min

    /// The date as of `now`, in nanoseconds of the monotonic clock.
    func date(now: Int64) -> HTTPDate {
        if now >= validUntil {
            let time = Timestamp.now().microseconds
            cached = HTTPDate(epochSeconds: time / 1_000_000)
            validUntil = now + (1_000_000 - time % 1_000_000) * 1000
        }
        return cached
    }
}
