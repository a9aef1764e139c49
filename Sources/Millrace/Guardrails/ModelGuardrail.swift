/// A guardrail of Amazon Bedrock's that the models of a run apply to their own calls, where they can: what is stored for the handler, with
/// `inline`.
///
/// It is there while a handler runs, in the tasks that it makes as well, however it asks a model. A model that applies it says so with
/// ``ModelEvent/judged(_:)``; what other models say is judged like a handler's own words.
public struct ModelGuardrail: Equatable, Sendable {
    /// Its id or ARN.
    public var identifier: String
    /// A number, or `DRAFT`.
    public var version: String
    /// Whether text comes before it is judged.
    public var isAsync: Bool

    /// Creates a guardrail.
    public init(identifier: String, version: String, isAsync: Bool) {
        self.identifier = identifier
        self.version = version
        self.isAsync = isAsync
    }

    /// The guardrail of the run that the current task belongs to; `nil`: there is none.
    @TaskLocal public static var current: ModelGuardrail?
}

extension ModelResponse {
    /// Where ``providerMetadata`` says what a run's guardrail did to the answer.
    package static let handlersGuardrail = "handler_guardrail"
    package static let guardrailBlocked = "blocked"

    /// Whether the run's guardrail has blocked the question or the answer.
    var isBlockedByHandlersGuardrail: Bool { providerMetadata[Self.handlersGuardrail]?.string == Self.guardrailBlocked }
}
