package import MillraceCore

/// A transport that treats endpoints with care: bounded exchanges at once, retries with backoff and a budget, and a circuit breaker.
///
/// Each endpoint (scheme, host, port) has its own state, which all loops and threads share. An exchange passes, in this order:
/// 1. the **limit**: it gets a permit, or waits for one in the order of arrival; a permit is held until the response's body is read;
/// 2. the **circuit breaker**, which learns the outcome from the response's status or the transport's error, and from a body that breaks off;
/// 3. the **attempt**. One that can help from repetition is repeated as ``HTTPPolicySettings/Retry`` says, as long as nothing of a response
///    was lent to the caller.
///
/// While a request waits for its next attempt it holds no permit: an endpoint that asks everybody to wait would otherwise fill up with
/// sleepers. The next attempt queues again, and passes the circuit breaker again.
///
/// An exchange without a retry takes three short locks, and no task beside the caller's.
package struct ResilientTransport: HTTPTransport {
    private enum Outcome<R> {
        case finished(R)
        case retry(afterNanoseconds: Int64, reason: String)
    }

    /// What the circuit of an endpoint lets through.
    package enum CircuitStatus: Equatable, Sendable {
        /// Everything.
        case closed
        /// Nothing for so long; zero when the next request is a probe.
        case open(remaining: Duration)
        /// A few probes.
        case halfOpen
    }

    private let base: any HTTPTransport
    private let settings: HTTPPolicySettings
    private let clock: HTTPPolicyClock
    private let logger: Logger
    private let generator: Locked<any RandomNumberGenerator & Sendable>
    let gate: EndpointGate

    /// - Parameters:
    ///   - base: what sends each attempt.
    ///   - settings: the numbers; see there for the defaults.
    ///   - logger: where retries and changes of circuits are logged, by endpoint: never a path, a query, a header or a body.
    ///   - clock: the time, and how to wait.
    ///   - generator: where the backoff's randomness comes from.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` for settings that make no sense.
    package init(
        _ base: any HTTPTransport, settings: HTTPPolicySettings = HTTPPolicySettings(), logger: Logger = .silent,
        clock: HTTPPolicyClock = .system, generator: sending any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) throws(MillraceError) {
        try settings.validate()
        self.base = base
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.generator = Locked(generator)
        gate = EndpointGate(settings, clock: clock, logger: logger)
    }

    /// The circuit of the URL's endpoint, without sending anything; closed when nothing was sent there yet.
    package func circuit(of url: String) -> CircuitStatus {
        switch gate.circuit(of: url) {
        case .closed: .closed
        case .open(let until): .open(remaining: .nanoseconds(max(until - clock.now(), 0)))
        case .halfOpen: .halfOpen
        }
    }

    /// - Throws: as ``HTTPTransport/exchange(_:_:)``, and ``MillraceError`` with ``ErrorCode/circuitOpen`` (`details` say `retry_after_ms`) or
    ///   ``ErrorCode/limitExceeded`` for a request that was not sent; both are retryable.
    package func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        var request = request
        let oneShot = OneShotBody(of: &request)
        var machine = RetryMachine(settings.retry, isRepeatable: request.isRepeatable)
        let deadline = request.timeouts.total.map { Self.sum(clock.now(), $0.clampedNanoseconds) }
        while true {
            let permit = try await gate.enter(request.url, isRetry: machine.attempts > 0, within: remaining(until: deadline))
            switch try await attempt(request, oneShot, permit, &machine, deadline, body) {
            case .finished(let result): return result
            case .retry(let wait, let reason):
                logger.warning(
                    "outgoing request is sent again",
                    [
                        "endpoint": .string(permit.endpoint), "attempt": .integer(machine.attempts + 1), "reason": .string(reason),
                        "wait_ms": .integer(Int(wait / 1_000_000)),
                    ])
                try await clock.sleep(.nanoseconds(wait))
            }
        }
    }

    private func attempt<R>(
        _ request: HTTPClientRequest, _ oneShot: OneShotBody?, _ permit: EndpointTable.Permit, _ machine: inout RetryMachine,
        _ deadline: Int64?,
        _ body: (any HTTPResponseStream) async throws -> R
    ) async throws -> Outcome<R> {
        var permit = permit
        defer { gate.end(permit) }
        try Task.checkCancellation()
        var request = request
        if let left = remaining(until: deadline) {
            guard left > .zero else {
                throw MillraceError(.timeout, "the time for a request was over before it could be sent", isRetryable: true)
            }
            request.timeouts.total = left
        }
        machine.attemptStarted()
        var isLent = false
        do {
            return try await base.exchange(request) { response in
                if let retry: Outcome<R> = headArrived(response, oneShot, &permit, &machine, deadline) {
                    // A refusal is short: read behind our back, it leaves its connection to the next attempt.
                    response.discardRest()
                    return retry
                }
                isLent = true
                let watched = WatchedResponse(response)
                defer { if watched.hasBroken { gate.failed(&permit) } }
                return .finished(try await body(watched))
            }
        } catch {
            guard !isLent, let failure = error as? MillraceError, oneShot?.hasFailed != true else { throw error }
            if failure.isTransportFailure { gate.failed(&permit) }
            let canResend = oneShot?.wasPulled != true
            let action = generator.withLock { machine.attemptFailed(failure, canResend: canResend, using: &$0) }
            guard let retry: Outcome<R> = outcome(action, failure.code.rawValue, permit, &machine, deadline) else { throw error }
            return retry
        }
    }

    /// Tells the policies about a response's head.
    /// - Returns: `nil` when the response is for the caller.
    private func headArrived<R>(
        _ response: any HTTPResponseStream, _ oneShot: OneShotBody?, _ permit: inout EndpointTable.Permit, _ machine: inout RetryMachine,
        _ deadline: Int64?
    ) -> Outcome<R>? {
        let status = response.status
        if status >= 500 { gate.failed(&permit) } else { gate.succeeded(&permit) }
        guard status >= 400 else { return nil }
        let headers = response.headers
        let retryAfter = RetryAfter(headers, wall: clock.wall())
        let shouldRetry: Bool? =
            switch headers["x-should-retry"] {
            case "true": true
            case "false": false
            default: nil
            }
        let canResend = oneShot?.wasPulled != true
        let action = generator.withLock {
            machine.responseArrived(status: status, retryAfter: retryAfter, shouldRetry: shouldRetry, canResend: canResend, using: &$0)
        }
        return outcome(action, "status \(status)", permit, &machine, deadline)
    }

    /// - Returns: `nil` when there is no retry, or none is allowed.
    private func outcome<R>(
        _ action: RetryMachine.Action, _ reason: String, _ permit: EndpointTable.Permit, _ machine: inout RetryMachine, _ deadline: Int64?
    ) -> Outcome<R>? {
        guard case .retry(let wait) = action else { return nil }
        let denial: String?
        if let deadline, Self.sum(clock.now(), wait) >= deadline {
            denial = "deadline"
        } else {
            denial = gate.retryWanted(permit, afterNanoseconds: wait)?.rawValue
        }
        guard let denial else { return .retry(afterNanoseconds: wait, reason: reason) }
        machine.retryDenied()
        logger.warning(
            "outgoing request is not sent again",
            [
                "endpoint": .string(permit.endpoint), "attempt": .integer(machine.attempts), "reason": .string(reason),
                "denied_by": .string(denial),
            ])
        return nil
    }

    private func remaining(until deadline: Int64?) -> Duration? {
        deadline.map { .nanoseconds(max($0 - clock.now(), 0)) }
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
