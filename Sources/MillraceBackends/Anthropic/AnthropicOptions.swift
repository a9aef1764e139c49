/// How an ``AnthropicLanguageModel`` asks: what a request leaves open, and which of the API's ways are used.
///
/// Source: Anthropic's Messages API, version 2023-06-01 (<https://platform.claude.com/docs/en/api/messages>).
public struct AnthropicOptions: Equatable, Sendable {
    /// Whether and how the model reasons before it answers. Which of these a model takes depends on the model; the API says so in its
    /// error.
    public enum Thinking: Equatable, Sendable {
        /// Nothing is sent: what the model does by itself.
        case modelDefault
        /// No reasoning.
        case disabled
        /// The model decides how much to reason; ``AnthropicOptions/effort`` guides it.
        case adaptive
        /// Up to so many tokens of reasoning (at least 1,024), for models with a manual budget. They count towards the most tokens of an
        /// answer, and the temperature must be left alone.
        case budget(tokens: Int)
    }

    /// How an answer is made to follow a request's output schema.
    public enum StructuredOutput: Equatable, Sendable {
        /// By `output_config.format`, the API's structured outputs. The API cannot cite in such an answer, so documents go without
        /// citations.
        case jsonSchema
        /// By a tool whose input has the schema and which the model must call: for models and servers without structured outputs. Its input
        /// streams as the answer's text. It excludes a reasoning budget.
        case forcedTool
    }

    /// How long the provider keeps the processed instructions and documents for the next call.
    public enum PromptCaching: Equatable, Sendable {
        /// Nothing is marked for caching.
        case off
        /// Five minutes, renewed by every use.
        case fiveMinutes
        /// An hour, at a higher price for what is written to the cache.
        case oneHour
    }

    /// Which of the conversation's reasoning is handed back.
    public enum ReasoningHistory: Equatable, Sendable {
        /// Only that of the tool loop in progress, which the API asks for. A chat whose earlier answers another model wrote stays usable:
        /// reasoning is signed for one model and one conversation.
        case toolLoop
        /// All that carries a signature or is encrypted.
        case all
    }

    /// The most tokens of an answer where the request names none; the API demands a number (default: 16,384, which a reasoning budget is
    /// added to). Models with a smaller bound refuse it, and say which.
    public var defaultMaxTokens = 16_384
    /// Reasoning (default: as the model does by itself). A request's `extra["thinking"]` replaces it.
    public var thinking = Thinking.modelDefault
    /// Whether reasoning comes as a readable summary (`true`), or only encrypted in its signature (`false`); `nil`: the model's default.
    /// It needs ``thinking`` to be `adaptive` or a budget.
    public var showsReasoning: Bool?
    /// `low`, `medium`, `high`, `xhigh` or `max`: how much work goes into an answer; `nil`: the model's default.
    public var effort: String?
    /// How output schemas are enforced (default: `jsonSchema`).
    public var structuredOutput = StructuredOutput.jsonSchema
    /// Prompt caching of tools, instructions and documents (default: off).
    public var promptCaching = PromptCaching.off
    /// Which reasoning is handed back (default: `toolLoop`).
    public var reasoningHistory = ReasoningHistory.toolLoop
    /// Whether the model cites a request's documents (default: it does). The API takes it for all documents or none.
    public var citesDocuments = true
    /// Whether the model sees images (default: it does, as all current ones).
    public var seesImages = true
    /// Features in beta to ask for, sent as `anthropic-beta` (default: none).
    public var betas: [String] = []

    /// The defaults.
    public init() {}
}
