import Millrace
import MillraceCore

/// What a ``SecretsManagerStore`` knows of its secrets, and what it does about each question. A value without clock or I/O.
struct SecretCache {
    struct Settings: Equatable, Sendable {
        /// How long a value is given out before it is asked for again.
        var fresh: Int64
        /// How long it is known that there is no such secret.
        var absent: Int64
        /// How long after that a value is given out while the service fails.
        var stale: Int64
        /// How long the service is left alone after a failure, where there is a stale value.
        var pause: Int64
        /// The most names that something is known of.
        var capacity: Int
    }

    /// What to do about a question.
    enum Action: Equatable {
        case give(Secret)
        /// There is no such secret.
        case refuse
        /// Ask the service; all who are told the same number share one answer.
        case ask(UInt64)
    }

    private enum Knowledge {
        case value(Secret)
        case absent
    }

    private struct Entry {
        var knowledge: Knowledge?
        /// Until when it is given out without asking.
        var freshUntil: Int64 = .min
        /// Until when it is given out where asking fails.
        var usableUntil: Int64 = .min
        var flight: UInt64?
        var usedAt: UInt64 = 0
    }

    private let settings: Settings
    private var entries: [String: Entry] = [:]
    private var flights: UInt64 = 0
    private var uses: UInt64 = 0

    init(_ settings: Settings) { self.settings = settings }

    var count: Int { entries.count }

    /// Somebody wants a secret.
    mutating func wanted(_ name: String, at now: Int64) -> Action {
        uses += 1
        if entries[name] == nil { makeRoom() }
        var entry = entries[name] ?? Entry()
        entry.usedAt = uses
        defer { entries[name] = entry }
        if now < entry.freshUntil {
            switch entry.knowledge {
            case .value(let secret)?: return .give(secret)
            case .absent?: return .refuse
            case nil: break
            }
        }
        if let flight = entry.flight { return .ask(flight) }
        flights += 1
        entry.flight = flights
        return .ask(flights)
    }

    /// The service has answered; `nil`: there is no such secret. An answer that was forgotten meanwhile is not kept.
    mutating func answered(_ name: String, _ flight: UInt64, _ secret: Secret?, at now: Int64) {
        guard var entry = entries[name], entry.flight == flight else { return }
        entry.flight = nil
        entry.knowledge = secret.map { .value($0) } ?? .absent
        entry.freshUntil = Self.sum(now, secret == nil ? settings.absent : settings.fresh)
        entry.usableUntil = secret == nil ? .min : Self.sum(entry.freshUntil, settings.stale)
        entries[name] = entry
    }

    /// The service has failed.
    /// - Parameter isOutage: whether it may answer otherwise some time later; a definite refusal ends what is known.
    /// - Returns: a value that is given out all the same.
    mutating func failed(_ name: String, _ flight: UInt64, isOutage: Bool, at now: Int64) -> Secret? {
        guard var entry = entries[name], entry.flight == flight else { return nil }
        entry.flight = nil
        guard isOutage, case .value(let secret)? = entry.knowledge, now < entry.usableUntil else {
            entries[name] = nil
            return nil
        }
        entry.freshUntil = min(Self.sum(now, settings.pause), entry.usableUntil)
        entries[name] = entry
        return secret
    }

    /// Whoever asked was cancelled before the service said anything.
    mutating func abandoned(_ name: String, _ flight: UInt64) {
        if entries[name]?.flight == flight { entries[name]?.flight = nil }
    }

    /// What is known of a secret, and what is being asked, does not count any more.
    mutating func forget(_ name: String) { entries[name] = nil }

    /// Drops what was not used for longest. Questions under way are no reason to keep it: their answer is handed on all the same.
    private mutating func makeRoom() {
        guard entries.count >= settings.capacity, let oldest = entries.min(by: { $0.value.usedAt < $1.value.usedAt })?.key else { return }
        entries[oldest] = nil
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
