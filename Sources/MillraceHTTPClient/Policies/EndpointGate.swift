import MillraceCore

/// Lets requests through to their endpoints: the shell around ``EndpointTable`` that waiters suspend in. Shared by all loops and threads.
final class EndpointGate: Sendable {
    private enum Decision {
        case admitted
        case cancelled
        case expired
    }

    private enum Waiter {
        /// In the queue, but its task does not sleep yet.
        case arriving
        case suspended(UnsafeContinuation<Decision, Never>)
        /// Out of the queue before its task could sleep.
        case decided(Decision)
    }

    private struct State {
        var table: EndpointTable
        var waiters: [EndpointTable.Place: Waiter] = [:]

        /// Takes the continuation of a waiter that has left the queue, or leaves the decision for it.
        mutating func decide(_ place: EndpointTable.Place, _ decision: Decision) -> UnsafeContinuation<Decision, Never>? {
            if case .suspended(let continuation) = waiters[place] {
                waiters[place] = nil
                return continuation
            }
            waiters[place] = .decided(decision)
            return nil
        }
    }

    private let state: Locked<State>
    private let longestWait: Duration
    private let clock: HTTPPolicyClock
    private let logger: Logger

    init(_ settings: HTTPPolicySettings, clock: HTTPPolicyClock, logger: Logger) {
        state = Locked(State(table: EndpointTable(settings)))
        longestWait = settings.limit.longestWait
        self.clock = clock
        self.logger = logger
    }

    // MARK: Entering

    /// Waits for a permit of the URL's endpoint, to be given back with ``end(_:)``.
    /// - Parameters:
    ///   - isRetry: whether the same request was sent before.
    ///   - longest: how long the request may wait at most, beside the settings' longest wait.
    /// - Throws: `CancellationError`; ``MillraceError`` with ``ErrorCode/circuitOpen``, ``ErrorCode/limitExceeded`` or
    ///   ``ErrorCode/invalidInput``.
    func enter(_ url: String, isRetry: Bool, within longest: Duration?) async throws -> EndpointTable.Permit {
        let alias = Self.alias(of: url)
        let now = clock.now()
        var arrival = EndpointTable.Arrival.unknown
        if let alias { arrival = update { register($0.table.requestArrived(alias: alias, isRetry: isRetry, now: now), &$0) } }
        if case .unknown = arrival {
            let name = try Self.endpoint(of: url)
            arrival = update { register($0.table.requestArrived(at: name, alias: alias, isRetry: isRetry, now: now), &$0) }
        }
        guard case .queued(let place, let endpoint) = arrival else { return try permit(arrival) }
        try await wait(at: place, endpoint, within: min(longest ?? longestWait, longestWait))
        let turn = clock.now()
        let (entered, next) = update { state in
            let entered = state.table.waiterEntered(place, now: turn)
            guard case .refused = entered else { return (entered, nil as UnsafeContinuation<Decision, Never>?) }
            return (entered, state.table.permitReturned(of: place).flatMap { state.decide($0, .admitted) })
        }
        next?.resume(returning: .admitted)
        return try permit(entered)
    }

    private func register(_ arrival: EndpointTable.Arrival, _ state: inout State) -> EndpointTable.Arrival {
        if case .queued(let place, _) = arrival { state.waiters[place] = .arriving }
        return arrival
    }

    private func permit(_ arrival: EndpointTable.Arrival) throws(MillraceError) -> EndpointTable.Permit {
        switch arrival {
        case .admitted(let permit): return permit
        case .refused(.circuitOpen(let endpoint, let wait)):
            let milliseconds = wait / 1_000_000 + (wait % 1_000_000 > 0 ? 1 : 0)
            throw Self.error(
                .circuitOpen, "a service has failed too often and is left alone for a while; try again later", endpoint,
                details: ["retry_after_ms": .integer(Int(milliseconds))])
        case .refused(.queueFull(let endpoint)):
            throw Self.error(.limitExceeded, "too many requests wait for the same service; try again later", endpoint)
        case .refused(.tooManyEndpoints):
            throw MillraceError(
                .limitExceeded, "requests to too many different services are under way; try again later", isRetryable: true)
        case .queued, .unknown: throw MillraceError(.internal, "a request was neither admitted nor refused")
        }
    }

    /// The endpoint is the operator's business: it is in the cause, which is logged and never sent.
    private static func error(_ code: ErrorCode, _ message: String, _ endpoint: String, details: [String: JSONValue] = [:]) -> MillraceError
    {
        var error = MillraceError(code, message, details: details, isRetryable: true)
        error.cause = endpoint
        return error
    }

    // MARK: Waiting

    private func wait(at place: EndpointTable.Place, _ endpoint: String, within longest: Duration) async throws {
        // Only who has to wait pays for a task that watches the time.
        let decision = await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                guard (try? await clock.sleep(longest)) != nil else { return }
                leave(place, .expired)
            }
            let decision = await suspend(at: place)
            group.cancelAll()
            return decision
        }
        switch decision {
        case .admitted: return
        case .cancelled: throw CancellationError()
        case .expired:
            throw Self.error(
                .limitExceeded, "a request to a busy service did not get its turn in time; try again later", endpoint)
        }
    }

    private func suspend(at place: EndpointTable.Place) async -> Decision {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let decision: Decision? = state.withLock { state in
                    guard case .decided(let decision) = state.waiters[place] else {
                        state.waiters[place] = .suspended(continuation)
                        return nil
                    }
                    state.waiters[place] = nil
                    return decision
                }
                if let decision { continuation.resume(returning: decision) }
            }
        } onCancel: {
            leave(place, .cancelled)
        }
    }

    /// Takes a waiter out of the queue. One that has got its permit meanwhile keeps it: its task sees the cancellation in the exchange.
    private func leave(_ place: EndpointTable.Place, _ decision: Decision) {
        let continuation = state.withLock { state in state.table.waiterLeft(place) ? state.decide(place, decision) : nil }
        continuation?.resume(returning: decision)
    }

    // MARK: Outcomes

    /// Gives back a permit, to the first waiter if there is one.
    func end(_ permit: EndpointTable.Permit) {
        let next = state.withLock { state in state.table.exchangeEnded(permit).flatMap { state.decide($0, .admitted) } }
        next?.resume(returning: .admitted)
    }

    /// The endpoint has answered, and not with an error of its own.
    func succeeded(_ permit: inout EndpointTable.Permit) { update { $0.table.exchangeSucceeded(&permit) } }

    /// The endpoint has failed.
    func failed(_ permit: inout EndpointTable.Permit) {
        let now = clock.now()
        update { $0.table.exchangeFailed(&permit, now: now) }
    }

    /// Asks whether a request may be sent again after a wait; takes that retry from the budget.
    func retryWanted(_ permit: EndpointTable.Permit, afterNanoseconds wait: Int64) -> EndpointTable.RetryDenial? {
        let now = clock.now()
        return state.withLock { $0.table.retryWanted(permit, afterNanoseconds: wait, now: now) }
    }

    /// Permits in use and waiters of an endpoint, such as `https://api.example.com:443`; `nil` when nothing is known of it.
    func load(of endpoint: String) -> (inUse: Int, waiting: Int)? { state.withLock { $0.table.load(of: endpoint) } }

    /// The state of the circuit of the URL's endpoint; closed when nothing is known of it.
    func circuit(of url: String) -> CircuitBreaker.State {
        guard let name = try? Self.endpoint(of: url) else { return .closed }
        return state.withLock { $0.table.circuit(of: name) }
    }

    /// Changes the state, and says outside the lock what it did to circuits.
    private func update<R>(_ body: (inout State) -> R) -> R {
        let (result, changes) = state.withLock { (body(&$0), $0.table.takeChanges()) }
        for change in changes {
            switch change.state {
            case .open: logger.warning("circuit opened: the service is left alone", ["endpoint": .string(change.endpoint)])
            case .halfOpen: logger.info("circuit half open: the service is probed", ["endpoint": .string(change.endpoint)])
            case .closed: logger.info("circuit closed: the service works again", ["endpoint": .string(change.endpoint)])
            }
        }
        return result
    }

    /// Scheme, host and port.
    private static func endpoint(of url: String) throws(MillraceError) -> String {
        "\(url.prefix { $0 != ":" }.lowercased())://\(try RequestTarget(url: url).authority)"
    }

    /// How the URL begins, up to the end of its authority. `nil` for what is unusual enough to be left to the parser of URLs every time.
    private static func alias(of url: String) -> Substring? {
        let bytes = url.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else { return nil }
        let start = bytes.index(colon, offsetBy: 3)
        var end = start
        while end < bytes.endIndex {
            switch bytes[end] {
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): return end > start ? url[..<end] : nil
            case 0...0x20, UInt8(ascii: "@"), UInt8(ascii: "\\"), 0x7F...: return nil
            default: bytes.formIndex(after: &end)
            }
        }
        return end > start ? url[...] : nil
    }
}
