/// What a model answered to `InvokeModel`.
///
/// Source: `InvokeModel`, Amazon Bedrock API Reference; the counts are response headers.
public struct BedrockInvocation: Equatable, Sendable {
    /// The answer, in the model's own format.
    public var body: [UInt8]
    /// The media type of ``body``, such as `application/json`.
    public var contentType: String
    /// How many tokens the input had (`X-Amzn-Bedrock-Input-Token-Count`), where the service says it.
    public var inputTokens: Int?
    /// How many tokens the output has (`X-Amzn-Bedrock-Output-Token-Count`), where the service says it.
    public var outputTokens: Int?
    /// How many tokens of the input came from the prompt cache, where the service says it.
    public var cacheReadInputTokens: Int?
    /// How many tokens of the input were put into the prompt cache, where the service says it.
    public var cacheWriteInputTokens: Int?
    /// How long the model took, in milliseconds, where the service says it.
    public var latencyMilliseconds: Int?
    /// The latency that was served, `standard` or `optimized`, where the service says it.
    public var performanceConfigLatency: String?
    /// The tier that served the request, where the service says it.
    public var serviceTier: String?

    /// Creates an answer.
    public init(body: [UInt8], contentType: String) {
        self.body = body
        self.contentType = contentType
    }
}

/// What a request to `InvokeModel` or `InvokeModelWithResponseStream` may ask for beside its body.
///
/// Source: `InvokeModel`, Amazon Bedrock API Reference; all are request headers.
public struct BedrockInvocationOptions: Equatable, Sendable {
    /// Whether the answer shows what a guardrail did.
    public enum Trace: String, Sendable {
        /// It does, where the guardrail found something.
        case enabled = "ENABLED"
        /// It does, also for what was not detected.
        case full = "ENABLED_FULL"
        /// It does not.
        case disabled = "DISABLED"
    }

    /// The id or ARN of a guardrail; needs ``guardrailVersion`` (default: none).
    public var guardrailIdentifier: String?
    /// The guardrail's version, a number or `DRAFT`.
    public var guardrailVersion: String?
    /// Default: the service's, ``Trace/disabled``.
    public var trace: Trace?
    /// `standard` or `optimized` (default: the service's, `standard`).
    public var performanceConfigLatency: String?
    /// `default`, `priority`, `flex` or `reserved` (default: the service's).
    public var serviceTier: String?

    /// Creates options that ask for nothing.
    public init() {}
}
