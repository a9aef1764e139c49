import Millrace
import MillraceCore
import MillraceHTTPClient

/// What a fallback knows while it works its way along its models. Pure: no model, no clock.
///
/// The commit point: as soon as a piece of an answer is on its way to the receiver, another model may only begin anew where the request
/// allows it. Usage is summed over the calls, so that every report replaces the one before it.
struct FallbackMachine: Equatable, Sendable {
    /// What follows a failed call.
    enum Decision: Equatable, Sendable {
        /// The call's own error ends the answer, unchanged.
        case rethrow
        /// The next model is asked; with `restarts`, the receiver is told before that the answer begins anew.
        case askNext(restarts: Bool)
        /// All models have failed.
        case fail(MillraceError)
    }

    private let modelIDs: [String]
    private let allowsRestart: Bool
    private var current = 0
    /// What the calls before the current one consumed; `nil`: nothing was reported.
    private var spent: Usage?
    /// What the current call reported last.
    private var reported: Usage?
    private var hasContent = false
    private(set) var attempts: [ModelAttempt] = []

    init(modelIDs: [String], allowsRestart: Bool) {
        self.modelIDs = modelIDs
        self.allowsRestart = allowsRestart
    }

    /// A model has sent a piece.
    /// - Returns: what the receiver gets.
    mutating func received(_ event: ModelEvent) -> ModelEvent {
        switch event {
        case .usage(let usage):
            reported = usage
            return .usage(total(usage))
        case .restarted: hasContent = false
        // What is said of the text to come is no word of another model: it commits as the text does.
        case .text, .reasoning, .toolCall, .citation, .judged: hasContent = true
        }
        return event
    }

    /// The current model has answered.
    /// - Returns: the answer as the receiver's side sees it: usage of all calls, and the calls.
    mutating func answered(_ response: ModelResponse, after duration: Duration) -> ModelResponse {
        let own = ModelAttempt(modelID: modelIDs[current], outcome: .answered, usage: response.usage, duration: duration)
        // A composition within this one knows better which of its models answered.
        attempts += response.attempts.isEmpty ? [own] : response.attempts
        var response = response
        response.usage = total(response.usage)
        response.attempts = attempts
        return response
    }

    /// The current model has failed by itself: not by cancellation, and not since the receiver threw.
    mutating func failed(_ error: any Error, after duration: Duration) -> Decision {
        let failure = error as? MillraceError ?? MillraceError(.modelError, "the model '\(modelIDs[current])' failed", cause: error)
        let usage = reported ?? .unknown
        attempts.append(ModelAttempt(modelID: modelIDs[current], outcome: .failed(failure), usage: usage, duration: duration))
        guard Self.fallsBack(on: error), !hasContent || allowsRestart else { return .rethrow }
        guard current + 1 < modelIDs.count else { return modelIDs.count == 1 ? .rethrow : .fail(Self.summary(attempts)) }
        if let reported { spent = spent.map { $0 + reported } ?? reported }
        reported = nil
        current += 1
        defer { hasContent = false }
        return .askNext(restarts: hasContent)
    }

    private func total(_ usage: Usage) -> Usage { spent.map { $0 + usage } ?? usage }

    /// Whether another model can do better: after failures of the model, of its server and of the way to it. A request that is wrong stays
    /// wrong, and a wrong setting or credential is to be seen and not to be hidden by a second model.
    static func fallsBack(on error: any Error) -> Bool {
        guard let error = error as? MillraceError else { return !(error is CancellationError) }
        switch error.code {
        case .cancelled, .serverShutdown, .invalidInput, .configuration: return false
        case .modelError, .timeout, .limitExceeded, .unreachable, .connectionLost, .circuitOpen: return true
        default: return error.isRetryable
        }
    }

    private static func summary(_ attempts: [ModelAttempt]) -> MillraceError {
        let failures = attempts.compactMap { attempt -> (String, MillraceError)? in
            if case .failed(let error) = attempt.outcome { (attempt.modelID, error) } else { nil }
        }
        let reasons = failures.map { "'\($0.0)': \($0.1.message)" }.joined(separator: "; ")
        let causes = failures.compactMap { id, error in error.cause.map { "\(id): \($0)" } }.joined(separator: "; ")
        var error = MillraceError(
            failures.last?.1.code ?? .modelError, "none of \(attempts.count) models gave an answer: \(reasons)",
            details: ["attempts": .array(attempts.map(\.json))], isRetryable: failures.contains { $0.1.isRetryable })
        error.cause = causes.isEmpty ? nil : causes
        return error
    }
}
