import MillraceCore

/// When credentials are renewed, and what callers get meanwhile. A value: it has no clock and asks nobody.
///
/// - Until 15 minutes before they expire, credentials are used as they are.
/// - From then on (**advisory**) one caller asks for new ones; the others use the old ones, and so does the one when asking fails. The next
///   attempt is a minute later.
/// - In the last 10 minutes (**mandatory**) all wait for new ones, and get the error where there are none.
///
/// Credentials that had less than an hour to live when they were found have both windows shortened in proportion (a quarter and a sixth of
/// that time): those of 15 minutes would be asked for at every call otherwise.
///
/// Where the source is statically stable (the instance metadata service), expired credentials are used when there are no others, and the
/// next attempt is 5 minutes later, as AWS asks of its SDKs (they wait 5 to 10, at random). A service that refused them makes the attempt
/// due.
struct CredentialRefresh {
    /// What a source gave.
    struct Found: Equatable, Sendable {
        var credentials: AWSCredentials
        var isStaticallyStable: Bool
    }

    enum Answer: Equatable {
        case use(AWSCredentials)
        /// Wait for the flight of that number.
        case wait(Int, startsIt: Bool)
    }

    enum Outcome: Equatable {
        case use(AWSCredentials)
        /// Nobody waits for this flight any more, or it was given up.
        case ignore
        /// The error of the flight, or that what it found has expired.
        case fail(hasExpired: Bool)
    }

    private(set) var current: Found?
    private var foundAt = Timestamp(microseconds: 0)
    private var flight: Int?
    private var flights = 0
    private var isRefused = false
    /// No advisory attempt before this.
    private var nextAttempt: Timestamp?
    /// Statically stable credentials count until then, whatever their expiry.
    private var heldUntil: Timestamp?

    /// Somebody wants credentials.
    mutating func asked(at now: Timestamp) -> Answer {
        if let current, !isRefused {
            if let heldUntil, now < heldUntil { return .use(current.credentials) }
            let left = secondsLeft(of: current, at: now)
            if left > advisorySeconds { return .use(current.credentials) }
            if left > mandatorySeconds, flight != nil || nextAttempt.map({ now < $0 }) == true { return .use(current.credentials) }
        }
        if let flight { return .wait(flight, startsIt: false) }
        flights += 1
        flight = flights
        return .wait(flights, startsIt: true)
    }

    /// A flight has brought credentials.
    mutating func arrived(_ found: Found, flight number: Int, at now: Timestamp) -> Outcome {
        guard flight == number else { return .ignore }
        flight = nil
        guard secondsLeft(of: found, at: now) > 0 else {
            guard found.isStaticallyStable else { return keepCurrent(at: now) ?? .fail(hasExpired: true) }
            accept(found, at: now)
            heldUntil = now.adding(seconds: Self.holdSeconds)
            return .use(found.credentials)
        }
        accept(found, at: now)
        return .use(found.credentials)
    }

    /// A flight has failed.
    mutating func failed(flight number: Int, at now: Timestamp) -> Outcome {
        guard flight == number else { return .ignore }
        flight = nil
        return keepCurrent(at: now) ?? .fail(hasExpired: false)
    }

    /// Nobody waits for a flight any more: the next who asks starts another.
    mutating func abandoned(flight number: Int) {
        if flight == number { flight = nil }
    }

    /// A service has refused credentials. Those that were replaced meanwhile say nothing of the present ones.
    mutating func refused(_ credentials: AWSCredentials) {
        guard let current, current.credentials.accessKeyID == credentials.accessKeyID,
            current.credentials.sessionToken == credentials.sessionToken
        else { return }
        isRefused = true
    }

    private mutating func accept(_ found: Found, at now: Timestamp) {
        current = found
        foundAt = now
        isRefused = false
        nextAttempt = nil
        heldUntil = nil
    }

    /// The credentials there are, where they may go on.
    private mutating func keepCurrent(at now: Timestamp) -> Outcome? {
        guard let current, !isRefused else { return nil }
        if secondsLeft(of: current, at: now) > mandatorySeconds {
            nextAttempt = now.adding(seconds: Self.retrySeconds)
        } else if current.isStaticallyStable {
            heldUntil = now.adding(seconds: Self.holdSeconds)
        } else {
            return nil
        }
        return .use(current.credentials)
    }

    private func secondsLeft(of found: Found, at now: Timestamp) -> Int64 {
        guard let expiration = found.credentials.expiration else { return .max }
        return (expiration.microseconds - now.microseconds) / 1_000_000
    }

    private var advisorySeconds: Int64 { min(Self.advisoryLimit, lifetime / 4) }
    private var mandatorySeconds: Int64 { min(Self.mandatoryLimit, lifetime / 6) }
    /// How long the present credentials had to live when they were found.
    private var lifetime: Int64 { current.map { secondsLeft(of: $0, at: foundAt) } ?? 0 }

    static let advisoryLimit: Int64 = 15 * 60
    static let mandatoryLimit: Int64 = 10 * 60
    static let retrySeconds: Int64 = 60
    static let holdSeconds: Int64 = 5 * 60
}

extension Timestamp {
    func adding(seconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds + seconds * 1_000_000) }
}
