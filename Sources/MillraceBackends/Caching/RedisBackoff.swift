/// When a server that fails is tried again: after 100 ms, and after twice as long each time up to 5 s, by one caller. A value without clock.
struct RedisBackoff: Equatable, Sendable {
    static let base: Int64 = 100_000_000
    static let cap: Int64 = 5_000_000_000

    private enum State: Equatable, Sendable {
        case working
        case resting(until: Int64)
        /// One caller finds out whether it works again.
        case probing
    }

    private var state = State.working
    private var delay: Int64 = 0
    /// Counts the failures and successes that changed anything, so that callers of the same outage count once.
    private var generation = 0

    /// Whether nobody may ask now.
    func isResting(at now: Int64) -> Bool {
        switch state {
        case .working: false
        case .resting(let until): now < until
        case .probing: true
        }
    }

    /// Somebody wants to ask.
    /// - Returns: what the outcome is told with; `nil`: not now.
    mutating func begin(at now: Int64) -> Int? {
        if isResting(at: now) { return nil }
        if state != .working { state = .probing }
        return generation
    }

    mutating func succeeded(_ attempt: Int) {
        // An answer on another connection does not end an outage that was found since.
        guard attempt == generation, state != .working else { return }
        self = RedisBackoff(generation: generation + 1)
    }

    mutating func failed(_ attempt: Int, at now: Int64) {
        guard attempt == generation else { return }
        generation += 1
        delay = min(max(delay * 2, Self.base), Self.cap)
        state = .resting(until: now + delay)
    }

    init() {}
    private init(generation: Int) { self.generation = generation }
}
