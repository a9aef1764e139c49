public import MillraceCore

/// One call of a model on the way to an answer, such as the failed first of a fallback.
public struct ModelAttempt: Equatable, Sendable {
    /// How a call ended.
    public enum Outcome: Equatable, Sendable {
        /// It gave the answer.
        case answered
        /// It failed.
        case failed(MillraceError)
    }

    /// The model's id in the registry, such as `local`.
    public var modelID: String
    /// How the call ended.
    public var outcome: Outcome
    /// What the call consumed, as far as it was reported.
    public var usage: Usage
    /// How long the call took.
    public var duration: Duration

    /// Creates a record of a call.
    public init(modelID: String, outcome: Outcome, usage: Usage, duration: Duration) {
        self.modelID = modelID
        self.outcome = outcome
        self.usage = usage
        self.duration = duration
    }

    /// The call as metadata and errors show it: `model_id`, `outcome` (`answered` or `failed`), `usage`, `milliseconds`, and of a failed one
    /// `error_type` and `message`.
    public var json: JSONValue {
        let (seconds, attoseconds) = duration.components
        var members: [String: JSONValue] = [
            "model_id": .string(modelID), "outcome": "answered", "usage": usage.json,
            "milliseconds": .integer(Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000)),
        ]
        if case .failed(let error) = outcome {
            members["outcome"] = "failed"
            members["error_type"] = .string(error.code.rawValue)
            members["message"] = .string(error.message)
        }
        return .object(members)
    }
}
