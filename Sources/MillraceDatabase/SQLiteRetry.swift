/// For how long and how often a failing store is tried again.
///
/// The patience counts from the first failure after a success: groups that queued up while the store failed do not each wait it out again.
struct SQLiteRetry {
    private static let shortestPause: Int64 = 2_000_000
    private static let longestPause: Int64 = 250_000_000

    private let patience: Int64
    private var failingSince: Int64?
    private var pause = shortestPause

    /// - Parameter patience: in nanoseconds.
    init(patience: Int64) { self.patience = patience }

    /// A commit went through, or nothing waited for one: the next failure starts anew.
    mutating func reset() {
        guard failingSince != nil else { return }
        self = SQLiteRetry(patience: patience)
    }

    /// An attempt failed; gives the pause before the next in nanoseconds, or `nil` when the patience is over.
    mutating func failed(at now: Int64) -> Int64? {
        let start = failingSince ?? now
        failingSince = start
        let left = patience - (now - start)
        guard left > 0 else { return nil }
        defer { pause = min(pause * 2, Self.longestPause) }
        return min(pause, left)
    }
}
