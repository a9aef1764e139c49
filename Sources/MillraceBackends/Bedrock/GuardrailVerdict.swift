public import MillraceCore

/// What a ``BedrockGuardrail`` made of texts.
///
/// Source: `ApplyGuardrail`, Amazon Bedrock API Reference.
public struct GuardrailVerdict: Equatable, Sendable {
    /// What a guardrail did. An open set.
    public struct Action: RawRepresentable, Hashable, Sendable {
        /// The API's name.
        public let rawValue: String
        /// An action of that name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The texts may pass as they are.
        public static let none = Action(rawValue: "NONE")
        /// The texts are blocked, or parts of them masked; ``GuardrailVerdict/outputs`` stand in their place.
        public static let intervened = Action(rawValue: "GUARDRAIL_INTERVENED")
    }

    /// What the guardrail did.
    public var action: Action
    /// What is to be shown in place of the texts: the guardrail's message where it blocks, the texts without what is secret where it masks.
    /// Empty where it did nothing.
    public var outputs: [String]
    /// Why it did so, in the service's words, where it says it.
    public var reason: String?
    /// What each policy found, as the service gives it. It quotes what it found.
    public var assessments: [JSONValue]
    /// The units that each policy's check is billed by, such as `contentPolicyUnits`.
    public var usage: [String: Int]
    /// How much of the content was checked, as the service gives it; `null` where it does not say.
    public var coverage: JSONValue

    /// Whether the texts may not pass as they are: for every action but ``Action/none``.
    public var intervened: Bool { action != .none }

    /// Creates a verdict.
    public init(
        action: Action, outputs: [String] = [], reason: String? = nil, assessments: [JSONValue] = [], usage: [String: Int] = [:],
        coverage: JSONValue = .null
    ) {
        self.action = action
        self.outputs = outputs
        self.reason = reason
        self.assessments = assessments
        self.usage = usage
        self.coverage = coverage
    }

    /// Reads an answer of `ApplyGuardrail`; `nil` where it does not say what was done.
    init?(json: JSONValue) {
        guard let action = json["action"]?.string else { return nil }
        self.init(
            action: Action(rawValue: action), outputs: (json["outputs"]?.array ?? []).compactMap { $0["text"]?.string },
            reason: json["actionReason"]?.string, assessments: json["assessments"]?.array ?? [],
            usage: (json["usage"]?.object ?? [:]).compactMapValues(\.integer), coverage: json["guardrailCoverage"] ?? .null)
    }
}
