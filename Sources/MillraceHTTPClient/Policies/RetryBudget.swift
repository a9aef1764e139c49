/// Bounds the retries of all requests to an endpoint together, so that retries cannot multiply an outage. A pure machine.
///
/// A token bucket after Finagle's `RetryBudget`: each request and each second add a part of a retry, and a retry takes a whole one. Instead of
/// letting deposits expire it bounds what can be saved up. From any moment on there are at most
/// `burst + retriesPerRequest · requests + retriesPerSecond · seconds` retries.
struct RetryBudget: Equatable, Sendable {
    /// One retry, in the unit of the balance: rates a second and nanoseconds multiply to it without rounding.
    private static let retry: Int64 = 1_000_000_000

    private let perRequest: Int64
    private let retriesPerSecond: Double
    private let most: Int64
    private var balance: Int64
    private var filledAt: Int64

    init(_ settings: HTTPPolicySettings.Budget, now: Int64) {
        perRequest = Int64(settings.retriesPerRequest * Double(Self.retry))
        retriesPerSecond = settings.retriesPerSecond
        most = Int64(settings.burst) * Self.retry
        balance = most
        filledAt = now
    }

    /// A request that is no retry has arrived.
    mutating func requestArrived() { balance = min(balance + perRequest, most) }

    /// Somebody wants to send a request again.
    /// - Returns: whether the budget has a retry left; it is taken.
    mutating func retryWanted(now: Int64) -> Bool {
        let passed = max(now &- filledAt, 0)
        filledAt = max(now, filledAt)
        balance = Int64(min(Double(balance) + Double(passed) * retriesPerSecond, Double(most)))
        guard balance >= Self.retry else { return false }
        balance -= Self.retry
        return true
    }
}
