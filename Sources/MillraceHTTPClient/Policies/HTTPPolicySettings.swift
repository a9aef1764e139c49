package import MillraceCore

/// What ``ResilientTransport`` allows each endpoint (scheme, host and port). Every number of its policies is here.
package struct HTTPPolicySettings: Sendable, Equatable {
    /// When a request is sent again, and after which wait.
    package struct Retry: Sendable, Equatable {
        /// How often a request is sent at most, the first time included (default: 3).
        package var attempts = 3
        /// The longest random wait before the first retry; it doubles with every further one (default: 0.5 s).
        package var base: Duration = .milliseconds(500)
        /// Where the doubling of ``base`` ends (default: 8 s).
        package var cap: Duration = .seconds(8)
        /// The longest wait that a server's `Retry-After` may ask for; a response that asks for more is handed on (default: 30 s).
        package var longestRetryAfter: Duration = .seconds(30)
        /// Statuses that are tried again.
        ///
        /// The default is what the SDKs of OpenAI and Anthropic try again (408, 409, 429 and server errors), without the server errors that a
        /// repetition cannot help, and with 425 (RFC 8470). 409 is in it because both use it for lock timeouts; a client of an API in which
        /// 409 is final takes it out.
        package var statuses: Set<Int> = [408, 409, 425, 429, 500, 502, 503, 504, 529]

        package init() {}
    }

    /// How many retries all requests to an endpoint may make together.
    package struct Budget: Sendable, Equatable {
        /// Retries that each request adds to the budget (default: 0.2, so that at most a fifth of the requests are sent again).
        package var retriesPerRequest = 0.2
        /// Retries that time adds to the budget, a second (default: 1), for endpoints with few requests.
        package var retriesPerSecond = 1.0
        /// The most retries that may be saved up, and what an endpoint starts with (default: 20).
        package var burst = 20

        package init() {}
    }

    /// When an endpoint that fails is left alone.
    package struct Breaker: Sendable, Equatable {
        /// How many of the newest outcomes count (default: 50).
        package var window = 50
        /// How many outcomes there must be before the circuit can open (default: 10).
        package var minimumCalls = 10
        /// The share of failures from which on the circuit opens, above 0 and up to 1 (default: 0.5).
        package var failureRate = 0.5
        /// How long the circuit stays open before probes are let through (default: 15 s).
        package var openWait: Duration = .seconds(15)
        /// How many probes a half-open circuit lets through (default: 3).
        package var probes = 3

        package init() {}
    }

    /// How many exchanges there may be at once.
    package struct Limit: Sendable, Equatable {
        /// Exchanges at once, counted until the response's body is read (default: 256).
        package var exchanges = 256
        /// Requests that may wait for their turn (default: 1024).
        package var queue = 1024
        /// How long one may wait (default: 30 s).
        package var longestWait: Duration = .seconds(30)

        package init() {}
    }

    package var retry = Retry()
    package var budget = Budget()
    package var breaker = Breaker()
    package var limit = Limit()
    /// Endpoints whose state is remembered; beyond it the one that was idle for longest is forgotten (default: 1024).
    package var endpoints = 1024

    package init() {}

    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` that names every number that makes no sense.
    package func validate() throws(MillraceError) {
        var problems: [String] = []
        func require(_ holds: Bool, _ problem: String) { if !holds { problems.append(problem) } }
        require(retry.attempts >= 1, "retry.attempts must be at least 1")
        require(retry.base >= .zero && retry.cap >= retry.base, "retry.base must not be negative, and not above retry.cap")
        require(retry.longestRetryAfter >= .zero, "retry.longestRetryAfter must not be negative")
        require(retry.statuses.allSatisfy { 400...599 ~= $0 }, "retry.statuses must be within 400 to 599")
        require(0...1000 ~= budget.retriesPerRequest, "budget.retriesPerRequest must be 0 to 1000")
        require(0...1_000_000 ~= budget.retriesPerSecond, "budget.retriesPerSecond must be 0 to 1000000")
        require(0...1_000_000 ~= budget.burst, "budget.burst must be 0 to 1000000")
        require(1...1_000_000 ~= breaker.window, "breaker.window must be 1 to 1000000")
        require(breaker.minimumCalls >= 1 && breaker.minimumCalls <= breaker.window, "breaker.minimumCalls must be 1 to breaker.window")
        require(breaker.failureRate > 0 && breaker.failureRate <= 1, "breaker.failureRate must be above 0 and at most 1")
        require(breaker.openWait > .zero, "breaker.openWait must be above 0")
        require(breaker.probes >= 1, "breaker.probes must be at least 1")
        require(limit.exchanges >= 1, "limit.exchanges must be at least 1")
        require(limit.queue >= 0, "limit.queue must not be negative")
        require(limit.longestWait >= .zero, "limit.longestWait must not be negative")
        require(endpoints >= 1, "endpoints must be at least 1")
        if !problems.isEmpty {
            throw MillraceError(.configuration, "the policies of outgoing requests: " + problems.joined(separator: "; "))
        }
    }
}

extension Duration {
    /// Whole nanoseconds, as many as an `Int64` holds at most (292 years).
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, more) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || more ? (seconds < 0 ? .min : .max) : sum
    }
}
