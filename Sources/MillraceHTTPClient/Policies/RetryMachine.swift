import MillraceCore

/// Decides whether one request is sent again, and after which wait. A pure machine: one a request.
///
/// The wait is random between 0 and `min(cap, base · 2^retries)`: exponential backoff with full jitter (Marc Brooker, "Exponential Backoff And
/// Jitter", AWS Architecture Blog). What `Retry-After` asks for comes on top, so that clients that are told the same wait do not come back
/// at the same moment.
///
/// Statuses are tried again also for requests that are not repeatable, as the SDKs of model providers do: the peer says that it failed. A lost
/// connection or a timeout leaves open what the peer did, and is tried again for repeatable requests only.
struct RetryMachine: Equatable, Sendable {
    enum Action: Equatable {
        /// The caller gets the response, or the error.
        case handOn
        case retry(afterNanoseconds: Int64)
    }

    private let settings: HTTPPolicySettings.Retry
    private let isRepeatable: Bool
    /// How often the request has been sent.
    private(set) var attempts = 0
    private var isOver = false

    init(_ settings: HTTPPolicySettings.Retry, isRepeatable: Bool) {
        self.settings = settings
        self.isRepeatable = isRepeatable
    }

    /// The request goes out.
    mutating func attemptStarted() { attempts += 1 }

    /// The head of a response is there, and nothing of it has been lent yet.
    /// - Parameters:
    ///   - retryAfter: what it asks for, see ``RetryAfter``.
    ///   - shouldRetry: what `x-should-retry` says, by which OpenAI and Anthropic overrule the status of an error.
    ///   - canResend: whether the request's body can still be sent from its start.
    mutating func responseArrived(
        status: Int, retryAfter: RetryAfter?, shouldRetry: Bool?, canResend: Bool, using generator: inout some RandomNumberGenerator
    ) -> Action {
        let wants = status >= 400 && (shouldRetry ?? settings.statuses.contains(status))
        return decide(wants && canResend, atLeast: retryAfter?.nanoseconds ?? 0, using: &generator)
    }

    /// The attempt has failed without a response.
    mutating func attemptFailed(_ error: MillraceError, canResend: Bool, using generator: inout some RandomNumberGenerator) -> Action {
        let wants =
            switch error.code {
            case .unreachable: true
            case .connectionLost, .timeout: isRepeatable
            default: false
            }
        return decide(wants && error.isRetryable && canResend, atLeast: 0, using: &generator)
    }

    /// The retry that was decided does not happen: the budget or the circuit forbids it, or the time has run out.
    mutating func retryDenied() { isOver = true }

    private mutating func decide(_ wants: Bool, atLeast least: Int64, using generator: inout some RandomNumberGenerator) -> Action {
        guard wants, !isOver, attempts < settings.attempts, least <= settings.longestRetryAfter.clampedNanoseconds else {
            isOver = true
            return .handOn
        }
        let (wait, overflow) = least.addingReportingOverflow(Int64.random(in: 0...longestJitter, using: &generator))
        return .retry(afterNanoseconds: overflow ? .max : wait)
    }

    private var longestJitter: Int64 {
        let cap = settings.cap.clampedNanoseconds
        var longest = min(settings.base.clampedNanoseconds, cap)
        for _ in 1..<max(attempts, 1) where longest < cap { longest = longest > cap / 2 ? cap : longest * 2 }
        return longest
    }
}
