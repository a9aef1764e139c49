public import MillraceCore

/// How a ``BedrockLanguageModel`` asks: what a request leaves open, and which of the API's ways are used.
///
/// Bedrock offers the models of many makers, and each takes a part of what the API has. The defaults suit Anthropic's Claude and Amazon's
/// Nova; what a model does not take the service refuses by name.
///
/// Source: the API reference of Bedrock Runtime, Converse and ConverseStream
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>).
public struct BedrockOptions: Equatable, Sendable {
    /// Whether and how the model reasons before it answers. Sent as Claude's `thinking`; other models have members of their own for
    /// ``BedrockOptions/additionalModelRequestFields``.
    public enum Thinking: Equatable, Sendable {
        /// Nothing is sent: what the model does by itself.
        case modelDefault
        /// No reasoning.
        case disabled
        /// The model decides how much to reason; ``BedrockOptions/effort`` guides it.
        case adaptive
        /// Up to so many tokens of reasoning (at least 1,024). They count towards the most tokens of an answer, and the temperature must
        /// be left alone.
        case budget(tokens: Int)
    }

    /// How an answer is made to follow a request's output schema.
    public enum StructuredOutput: Equatable, Sendable {
        /// By `outputConfig.textFormat`, the API's structured outputs, which newer models have. Claude cannot cite in such an answer, so
        /// documents go without citations.
        case jsonSchema
        /// By a tool whose input has the schema and which the model must call: for models with tools but without structured outputs. Its
        /// input streams as the answer's text. It excludes a reasoning budget.
        case forcedTool
    }

    /// How long the service keeps the processed tools, instructions and turns for the next call.
    public enum PromptCaching: Equatable, Sendable {
        /// Nothing is marked for caching.
        case off
        /// For the model's default time, five minutes, renewed by every use.
        case fiveMinutes
        /// An hour, at a higher price for what is written to the cache; a few models have it.
        case oneHour
    }

    /// Which of the conversation's reasoning is handed back.
    public enum ReasoningHistory: Equatable, Sendable {
        /// Only that of the tool loop in progress, which Claude asks for. A chat whose earlier answers another model wrote stays usable:
        /// reasoning is signed for one model and one conversation.
        case toolLoop
        /// All that carries a signature or is encrypted.
        case all
    }

    /// Whether a call takes the model's faster servers, where there are any.
    public enum Latency: String, Sendable {
        /// The usual ones.
        case standard
        /// The faster ones.
        case optimized
    }

    /// A guardrail of the account that checks what goes in and comes out.
    public struct Guardrail: Equatable, Sendable {
        /// How much is told of the checks.
        public enum Trace: String, Sendable {
            /// Nothing.
            case disabled
            /// What was found.
            case enabled
            /// Also what was looked for and not found.
            case enabledFull = "enabled_full"
        }

        /// When a streamed answer is checked.
        public enum StreamProcessingMode: String, Sendable {
            /// Before it is shown: a piece waits for its check.
            case sync
            /// While it is shown: pieces come at once, and what a check forbids may have been read.
            case async
        }

        /// The guardrail's id, or its ARN.
        public var identifier: String
        /// Its version: a number, or `DRAFT`.
        public var version: String
        /// How much is told of the checks, in ``ModelResponse/providerMetadata`` (default: what was found). It quotes what it found.
        public var trace = Trace.enabled
        /// When a streamed answer is checked (default: before it is shown, as the service does by itself).
        public var streamProcessingMode = StreamProcessingMode.sync
        /// Whether only what the user says in the last turn is checked on its way in: the texts and the PNG and JPEG pictures, and not the
        /// instructions, documents, tool results and turns before (default: the guardrail checks all of it).
        public var checksLastTurnOnly = false

        /// A guardrail with the defaults.
        public init(identifier: String, version: String) {
            self.identifier = identifier
            self.version = version
        }
    }

    /// Whether answers are streamed (default: they are). A few models, and a few tools of others, cannot: such an answer comes as one piece.
    public var streaming = true
    /// The most tokens of an answer where the request names none; a reasoning budget is added to it (default: the model's own bound).
    public var defaultMaxTokens: Int?
    /// The share of likely tokens that is sampled from, 0 to 1 (default: the model's own).
    public var topP: Double?
    /// Reasoning (default: as the model does by itself). A request's `extra["thinking"]` replaces it.
    public var thinking = Thinking.modelDefault
    /// `low`, `medium`, `high`, `xhigh` or `max`: how much work goes into an answer (default: the model's own).
    public var effort: String?
    /// How output schemas are enforced (default: `jsonSchema`).
    public var structuredOutput = StructuredOutput.jsonSchema
    /// Prompt caching of tools, instructions and turns (default: off). It needs a model that has it.
    public var promptCaching = PromptCaching.off
    /// Which reasoning is handed back (default: `toolLoop`).
    public var reasoningHistory = ReasoningHistory.toolLoop
    /// Whether the model cites a request's documents; `nil`, the default: where the model's id says that it is a Claude 4 or newer. Where it
    /// does, documents go as blocks of their own, and else as text in the prompt.
    public var citesDocuments: Bool?
    /// Whether the model sees images (default: it does). Where not, a picture becomes a note with its name.
    public var seesImages = true
    /// Whether the model takes files: PDF, Word, Excel, HTML, CSV, Markdown and text (default: it does). Where not, texts go into the
    /// prompt, and other files become notes with their names.
    public var readsDocuments = true
    /// The guardrail that checks requests and answers (default: none).
    public var guardrail: Guardrail?
    /// The model's own parameters beyond the API's, such as `top_k` (default: none). Those of a request's `extra` replace them.
    public var additionalModelRequestFields: [String: JSONValue] = [:]
    /// JSON Pointers (RFC 6901) to members of the model's own answer that are to be told in ``ModelResponse/providerMetadata``, at most 10
    /// (default: none).
    public var additionalModelResponseFieldPaths: [String] = []
    /// Which servers a call takes (default: the usual ones).
    public var latency: Latency?
    /// How a call is served and billed: `priority`, `default`, `flex` or `reserved` (default: the service's own).
    public var serviceTier: String?
    /// Names and values for the invocation logs, at most 16 (default: none).
    public var requestMetadata: [String: String] = [:]

    /// The defaults.
    public init() {}

    /// Whether a model cites documents: as ``citesDocuments`` says, else by the model's id.
    func citesDocuments(of model: String) -> Bool {
        if let citesDocuments { return citesDocuments }
        guard let found = model.firstRange(of: "anthropic.claude-") else { return false }
        let name = model[found.upperBound...]
        return !["3-", "v2", "instant"].contains { name.hasPrefix($0) }
    }
}
