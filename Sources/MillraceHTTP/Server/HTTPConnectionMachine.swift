/// The life of one HTTP/1.1 connection without its socket: which request and response it is at, whether it is kept alive, and until when
/// it waits for what (RFC 9112, section 9).
///
/// Pure: inputs say what has happened and when (monotonic nanoseconds); the shell asks ``deadline(_:)`` and ``afterResponse``.
package struct HTTPConnectionMachine: Equatable, Sendable {
    /// Why a connection is given up.
    package enum Timeout: Equatable, Sendable {
        /// Nothing was asked for too long: close without a word.
        case idle
        /// A head did not come in time: 408.
        case head
        /// A body comes too slowly: 408.
        case body
        /// The client does not take what is sent: close.
        case write
        /// The rest of a refused request has been dropped for long enough: close.
        case linger
    }

    /// What comes after a response.
    package enum Next: Equatable, Sendable {
        /// The next request on the same connection.
        case request
        /// Close.
        case close
        /// Stop sending, drop what still comes for a while, then close: an immediate close could destroy the answer on its way.
        case linger
    }

    private enum Phase: Equatable {
        case waiting(since: Int64)
        case head(since: Int64)
        case exchange
        case lingering(since: Int64)
    }

    private enum Body: Equatable {
        /// Being received: since when, without the times in which nobody wanted it, how many bytes came, and when the last of them.
        case receiving(since: Int64, bytes: Int, last: Int64)
        /// Nobody wants more now.
        case paused(at: Int64, since: Int64, bytes: Int)
        case complete
    }

    private var phase: Phase
    private var body = Body.complete
    private var keepsAlive = true
    private var isResponding = false
    private var wasRefused = false
    /// Since when output waits that the client has not taken; `nil` when nothing waits.
    private var stalledSince: Int64?

    package init(now: Int64) { phase = .waiting(since: now) }

    /// Whether the next request may be parsed.
    package var acceptsHead: Bool {
        switch phase {
        case .waiting, .head: true
        case .exchange, .lingering: false
        }
    }
    /// Whether nothing was asked since the last answer.
    package var isIdle: Bool { if case .waiting = phase { true } else { false } }
    /// Whether what still comes is dropped: the answer to a refused request is still leaving, or has left.
    package var dropsInput: Bool { if case .lingering = phase { true } else { wasRefused } }
    /// Whether the request's body has not ended.
    package var isReceivingBody: Bool { phase == .exchange && body != .complete }
    /// Whether a response has begun.
    package var hasResponseStarted: Bool { isResponding }

    /// Bytes of a next request have come.
    package mutating func headBegan(now: Int64) {
        if case .waiting = phase { phase = .head(since: now) }
    }

    /// A head is complete.
    package mutating func headEnded(keepsAlive: Bool, hasBody: Bool, now: Int64) {
        phase = .exchange
        self.keepsAlive = keepsAlive
        isResponding = false
        body = hasBody ? .receiving(since: now, bytes: 0, last: now) : .complete
    }

    /// Bytes of the body have come.
    package mutating func bodyReceived(_ count: Int, now: Int64) {
        if case .receiving(let since, let bytes, _) = body { body = .receiving(since: since, bytes: bytes + count, last: now) }
    }

    /// The handler has enough for now: the clock of the least rate stands still.
    package mutating func bodyPaused(now: Int64) {
        if case .receiving(let since, let bytes, _) = body { body = .paused(at: now, since: since, bytes: bytes) }
    }

    /// The handler wants more.
    package mutating func bodyResumed(now: Int64) {
        if case .paused(let at, let since, let bytes) = body { body = .receiving(since: since + (now - at), bytes: bytes, last: now) }
    }

    /// The body is complete.
    package mutating func bodyEnded() { body = .complete }

    /// A response begins. Returns whether the connection is kept alive behind it, which its head has to say.
    package mutating func responseStarted(keepsAlive wanted: Bool) -> Bool {
        phase = .exchange
        isResponding = true
        keepsAlive = keepsAlive && wanted && body == .complete
        return keepsAlive
    }

    /// Output waits, or the client has taken some (`progressed`), or all of it.
    package mutating func outputWaits(_ waits: Bool, progressed: Bool, now: Int64) {
        if !waits {
            stalledSince = nil
        } else if progressed || stalledSince == nil {
            stalledSince = now
        }
    }

    /// The whole response has left. Returns what comes next.
    package mutating func responseEnded(now: Int64) -> Next {
        isResponding = false
        stalledSince = nil
        if keepsAlive {
            phase = .waiting(since: now)
            return .request
        }
        if body != .complete || wasRefused {
            phase = .lingering(since: now)
            return .linger
        }
        return .close
    }

    /// The request was malformed, too large or too slow: its answer is the last, and what still comes is dropped.
    package mutating func refused() {
        phase = .exchange
        keepsAlive = false
        wasRefused = true
    }

    /// Until when the connection waits, and for what; `nil`: it waits for its handler, which has its own limits.
    package func deadline(_ limits: HTTPTimeouts) -> (at: Int64, timeout: Timeout)? {
        if let stalledSince { return (stalledSince + limits.writeStall, .write) }
        switch phase {
        case .waiting(let since): return (since + limits.idle, .idle)
        case .head(let since): return (since + limits.head, .head)
        case .lingering(let since): return (since + limits.linger, .linger)
        case .exchange:
            guard !isResponding, case .receiving(let since, let bytes, let last) = body else { return nil }
            // The average alone would let a body that came fast at first rest for hours on what it has earned.
            let stalled = last + limits.bodyStall
            guard limits.minBodyBytesPerSecond > 0 else { return (stalled, .body) }
            let nanoseconds = min(Double(bytes) / limits.minBodyBytesPerSecond * 1_000_000_000, 0x1p61)
            return (min(stalled, since + limits.bodyGrace + Int64(nanoseconds)), .body)
        }
    }
}
