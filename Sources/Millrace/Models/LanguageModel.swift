public import MillraceCore

/// A model that writes text: the seam behind which the embedded extractive model, OpenAI-compatible servers, Anthropic and Bedrock sit.
///
/// An implementation streams what the model says through `receive` and returns when the model has finished. It must honour task
/// cancellation at once (end the upstream transfer, throw `CancellationError`), report usage as a `.usage` event before it throws where
/// it knows any, and throw a ``MillraceError`` with code ``ErrorCode/modelError`` for a truncated or failed answer.
public protocol LanguageModel: Sendable {
    /// The id by which requests choose this model, such as `local`.
    var id: String { get }
    /// Whether images among a turn's parts are understood (default: they are not). Handlers leave out what a model cannot see, and say so.
    var seesImages: Bool { get }
    /// What the model can be asked besides to answer in words (default: all). A composition says what the model does that it asks first.
    var capabilities: ModelCapabilities { get }

    /// Generates one answer.
    /// - Parameters:
    ///   - request: the conversation and how to answer it.
    ///   - receive: called for every piece, in order, on the caller's executor; when it throws, generation stops with that error.
    /// - Returns: why the model stopped and what it consumed.
    func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse
}

extension LanguageModel {
    /// A model sees no images unless it says otherwise.
    public var seesImages: Bool { false }
    /// A model can do everything unless it says otherwise.
    public var capabilities: ModelCapabilities { .all }
}

/// A tool that a model may call.
public struct ToolDefinition: Equatable, Sendable {
    /// The tool's name.
    public var name: String
    /// What it does and when to use it, for the model.
    public var description: String
    /// The JSON Schema of its arguments.
    public var inputSchema: JSONValue
    /// Creates a definition.
    public init(name: String, description: String, inputSchema: JSONValue) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
    }
}

/// A text that the model is to answer from, beside the conversation.
public struct ModelDocument: Equatable, Sendable {
    /// The id by which citations name it.
    public var id: String
    /// The title to show.
    public var title: String
    /// The text.
    public var text: String
    /// Where the text stands in a larger one that the title names, such as `page 3`; `nil`: it is whole.
    public var place: String?
    /// Creates a document.
    public init(id: String, title: String, text: String, place: String? = nil) {
        self.id = id
        self.title = title
        self.text = text
        self.place = place
    }
}

/// What a model is asked.
public struct ModelRequest: Equatable, Sendable {
    /// One turn of the conversation.
    public struct Turn: Equatable, Sendable {
        /// Who speaks.
        public var role: MessageRole
        /// What is said.
        public var parts: [MessagePart]
        /// Creates a turn.
        public init(role: MessageRole, parts: [MessagePart]) {
            self.role = role
            self.parts = parts
        }
        /// The turn's text parts, joined by blank lines.
        public var text: String {
            parts.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: "\n\n")
        }
    }

    /// Instructions that stand above the conversation.
    public var system: String?
    /// The conversation, oldest first; the last turn is what to answer.
    public var turns: [Turn]
    /// Texts to answer from. A backend whose model has no such notion puts them into the prompt.
    public var documents: [ModelDocument]
    /// Tools that the model may call.
    public var tools: [ToolDefinition]
    /// The most tokens to write; `nil`: the model's own limit.
    public var maxTokens: Int?
    /// Sampling temperature; `nil`: the model's default.
    public var temperature: Double?
    /// Texts at which to stop.
    public var stopSequences: [String]
    /// A JSON Schema that the answer must follow.
    public var outputSchema: JSONValue?
    /// Settings that only one provider knows, passed through by its backend.
    public var extra: [String: JSONValue]
    /// Whether the model may take back what it has said and begin again, with ``ModelEvent/restarted(model:reason:)`` (default: no; a
    /// failure behind the first piece of an answer is then an error). ``RunContext/generate(_:with:)`` tells readers and the store.
    public var allowsRestart: Bool

    /// Creates a request.
    public init(
        system: String? = nil, turns: [Turn], documents: [ModelDocument] = [], tools: [ToolDefinition] = [], maxTokens: Int? = nil,
        temperature: Double? = nil, stopSequences: [String] = [], outputSchema: JSONValue? = nil, extra: [String: JSONValue] = [:],
        allowsRestart: Bool = false
    ) {
        self.system = system
        self.turns = turns
        self.documents = documents
        self.tools = tools
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.stopSequences = stopSequences
        self.outputSchema = outputSchema
        self.extra = extra
        self.allowsRestart = allowsRestart
    }
}

/// One piece of a model's answer as it streams.
public enum ModelEvent: Equatable, Sendable {
    /// A piece of text; pieces concatenate.
    case text(String)
    /// A piece of reasoning; texts concatenate, a signature ends its block.
    case reasoning(Reasoning)
    /// A tool call, complete with its arguments.
    case toolCall(ToolCall)
    /// A place in one of the request's documents that backs the text just before it.
    case citation(Citation)
    /// What has been consumed so far; a later report replaces an earlier one of the same call.
    case usage(Usage)
    /// The text that follows has been judged by this guardrail, which the model was asked with (``ModelGuardrail/current``). It holds until
    /// the answer ends or is begun anew, and for text only.
    indirect case judged(ModelGuardrail)
    /// Everything but usage that came before does not count: the model of that id begins the answer anew, since the one before it failed for
    /// that reason. Only for requests that allow it (``ModelRequest/allowsRestart``).
    indirect case restarted(model: String, reason: MillraceError)
}

/// Why a model stopped. An open set.
public struct StopReason: RawRepresentable, Hashable, Sendable {
    /// The reason's name.
    public let rawValue: String
    /// A reason of that name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The answer is complete.
    public static let endTurn = StopReason(rawValue: "end_turn")
    /// The model waits for the results of its tool calls.
    public static let toolUse = StopReason(rawValue: "tool_use")
    /// `maxTokens` was reached.
    public static let maxTokens = StopReason(rawValue: "max_tokens")
    /// A stop sequence was written.
    public static let stopSequence = StopReason(rawValue: "stop_sequence")
    /// A guardrail of the provider's stepped in.
    public static let guardrail = StopReason(rawValue: "guardrail_intervened")
    /// The provider filtered the answer.
    public static let contentFilter = StopReason(rawValue: "content_filter")
}

/// How a model's answer ended.
public struct ModelResponse: Equatable, Sendable {
    /// Why the model stopped.
    public var stopReason: StopReason
    /// What the call consumed.
    public var usage: Usage
    /// The model that answered, as the provider names it.
    public var modelID: String
    /// The calls behind the answer, oldest first, where a composition of models made it; the last one answered. Empty for a plain model.
    public var attempts: [ModelAttempt]
    /// What only this model's provider tells of the call, such as the assessments of its guardrail; empty where it tells nothing more. The
    /// model's type documents the names.
    public var providerMetadata: [String: JSONValue]
    /// Creates a response.
    public init(
        stopReason: StopReason, usage: Usage, modelID: String, attempts: [ModelAttempt] = [], providerMetadata: [String: JSONValue] = [:]
    ) {
        self.stopReason = stopReason
        self.usage = usage
        self.modelID = modelID
        self.attempts = attempts
        self.providerMetadata = providerMetadata
    }
}
