/// Decides when to connect again to a stream that broke. A pure machine.
///
/// The wait starts at the stream's own `retry:` and doubles with each attempt that brings nothing, up to 30 s; after
/// ``attemptLimit`` such attempts it gives up. An event that arrives starts the count anew.
struct ReconnectMachine: Equatable {
    enum Action: Equatable {
        case reconnect(afterMilliseconds: Int)
        case finish
        case giveUp
    }

    static let attemptLimit = 5
    static let longestWaitMilliseconds = 30_000

    private var retryMilliseconds = 2000
    private var attempts = 0
    private var isFinished = false

    /// The stream has said `retry:`.
    mutating func retryReceived(milliseconds: Int) { retryMilliseconds = min(max(milliseconds, 0), Self.longestWaitMilliseconds) }

    /// An event has arrived.
    mutating func eventReceived(isTerminal: Bool) {
        attempts = 0
        if isTerminal { isFinished = true }
    }

    /// The server has said that there is nothing more (204).
    mutating func endReported() { isFinished = true }

    /// The connection has ended or never came about.
    mutating func connectionEnded(canRetry: Bool = true) -> Action {
        if isFinished { return .finish }
        if !canRetry || attempts >= Self.attemptLimit { return .giveUp }
        let wait = min(max(retryMilliseconds, attempts > 0 ? 100 : 0) << attempts, Self.longestWaitMilliseconds)
        attempts += 1
        return .reconnect(afterMilliseconds: wait)
    }
}
