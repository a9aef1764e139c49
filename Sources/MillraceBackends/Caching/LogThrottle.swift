/// Lets one line of a kind through in a while, and counts the others. A value without clock.
struct LogThrottle: Sendable {
    /// The least time between two lines, in nanoseconds.
    let interval: Int64
    private var last: Int64?
    private var suppressed = 0

    /// - Parameter interval: in nanoseconds (default: 10 s).
    init(interval: Int64 = 10_000_000_000) { self.interval = interval }

    /// - Returns: how many lines were left out since the last one; `nil`: this one is left out, too.
    mutating func line(at now: Int64) -> Int? {
        if let last, now - last < interval {
            suppressed += 1
            return nil
        }
        last = now
        defer { suppressed = 0 }
        return suppressed
    }
}
