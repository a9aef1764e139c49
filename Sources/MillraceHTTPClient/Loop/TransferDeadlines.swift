import MillraceCore

/// When a transfer has taken too long: a value that is told what happened, and when, and says when to look again.
///
/// Times are nanoseconds of one monotonic clock.
struct TransferDeadlines: Equatable {
    /// What took too long.
    enum Expiry: Equatable {
        case connect, firstByte, idle, total
    }

    private enum Phase: Equatable {
        case connecting, waiting, receiving
    }

    private let connect: Int64?
    private let firstByte: Int64?
    private let idle: Int64?
    private let start: Int64
    private let end: Int64?
    private var phase = Phase.connecting
    private var since: Int64
    /// Whether the reader has all that came, and waits for more. It begins with a wait for the head.
    private var readerWaits = true

    init(_ timeouts: HTTPClientTimeouts, now: Int64) {
        connect = timeouts.connect?.nanoseconds
        firstByte = timeouts.firstByte?.nanoseconds
        idle = timeouts.idle?.nanoseconds
        start = now
        since = now
        end = timeouts.total.map { now &+ $0.nanoseconds }
    }

    mutating func connected(now: Int64) {
        guard phase == .connecting else { return }
        phase = .waiting
        since = now
    }

    /// A piece of the request's body went out.
    mutating func sent(now: Int64) { if phase == .waiting { since = now } }

    /// Bytes of the response arrived.
    mutating func received(now: Int64) {
        phase = .receiving
        since = now
    }

    mutating func readerBeganToWait(now: Int64) {
        readerWaits = true
        since = max(since, now)
    }

    mutating func readerEndedToWait() { readerWaits = false }

    /// When to look again; `nil`: nothing runs out.
    var next: Int64? {
        let phaseEnd: Int64? =
            switch phase {
            case .connecting: connect.map { since &+ $0 }
            case .waiting: firstByte.map { since &+ $0 }
            case .receiving: readerWaits ? idle.map { since &+ $0 } : nil
            }
        guard let phaseEnd, let end else { return phaseEnd ?? end }
        return min(phaseEnd, end)
    }

    /// What has run out at that moment.
    func expired(now: Int64) -> Expiry? {
        if let end, now >= end { return .total }
        guard let next, now >= next else { return nil }
        return switch phase {
        case .connecting: .connect
        case .waiting: .firstByte
        case .receiving: .idle
        }
    }
}

extension Duration {
    /// Whole nanoseconds, so few that a moment of the clock can be added to them.
    fileprivate var nanoseconds: Int64 { min(clampedNanoseconds, .max / 4) }
}
