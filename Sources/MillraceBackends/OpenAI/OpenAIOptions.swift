public import MillraceCore

/// How an OpenAI-compatible server is spoken to: what differs between OpenAI's own API, vLLM, llama.cpp, Ollama, LM Studio, OpenRouter and
/// DeepSeek.
public struct OpenAIOptions: Sendable, Equatable {
    /// The member of the request that carries the most tokens to write.
    public enum MaxTokensField: String, Sendable {
        /// `max_tokens`: vLLM, llama.cpp, Ollama, LM Studio, DeepSeek; OpenAI's reasoning models refuse it.
        case maxTokens = "max_tokens"
        /// `max_completion_tokens`: OpenAI's own API, where it bounds reasoning and answer together.
        case maxCompletionTokens = "max_completion_tokens"
    }

    /// How reasoning of earlier turns is sent back.
    public enum ReasoningReplay: Sendable {
        /// It is left out. OpenAI's chat completions have no place for it, and DeepSeek's R1 refuses requests that hold it.
        case none
        /// `reasoning_content`: DeepSeek's models that think between tool calls, and llama.cpp.
        case reasoningContent
        /// `reasoning`: Ollama and newer versions of vLLM.
        case reasoning
        /// `reasoning_details` with signatures and encrypted blocks: OpenRouter.
        case reasoningDetails
    }

    /// Which member bounds the answer's tokens (default: `max_completion_tokens` at `api.openai.com`, `max_tokens` elsewhere).
    public var maxTokensField: MaxTokensField?
    /// Whether the model understands pictures (default: it does not, and a turn's picture becomes a note with its name).
    public var seesImages = false
    /// Whether the server is asked for its token counts, by `stream_options` (default: it is). A few old servers refuse the member.
    public var includesUsage = true
    /// Whether an output schema is sent as `strict` (default: where the schema allows it).
    ///
    /// OpenAI refuses `strict` for a schema whose objects have optional or additional members ("Structured model outputs", section
    /// "Supported schemas"). Servers that constrain sampling by a grammar follow any schema.
    public var strictOutput: Bool?
    /// How reasoning of earlier turns is sent back (default: it is left out).
    public var reasoningReplay = ReasoningReplay.none
    /// The organization that OpenAI bills, sent as `OpenAI-Organization` (default: the API key's own).
    public var organization: String?
    /// The project that OpenAI bills, sent as `OpenAI-Project` (default: the API key's own).
    public var project: String?
    /// More header fields for every request, such as OpenRouter's `HTTP-Referer`. Values may be secrets; they are never logged.
    public var headers: [String: String] = [:]
    /// More members for every request's body, such as `reasoning_effort` or `seed`; ``ModelRequest/extra`` is merged over them.
    public var extra: [String: JSONValue] = [:]

    /// The defaults.
    public init() {}
}
