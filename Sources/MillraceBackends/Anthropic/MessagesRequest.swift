import Millrace
import MillraceCore

/// A ``ModelRequest`` as the body of `POST /v1/messages`, and what is needed to read the answer.
struct MessagesRequest: Equatable, Sendable {
    /// A document of the request, in the order in which citations number them.
    struct Document: Equatable, Sendable {
        var id: String
        var title: String?
        var pointer: String?
    }

    /// The body's members.
    private(set) var body: [String: JSONValue]
    /// All document blocks, in the order in which they stand in the body.
    let documents: [Document]
    /// The tool whose input is the answer's text, where an output schema is enforced by one.
    let answerTool: String?

    /// What ``ModelRequest/extra`` may not replace: the decoder relies on the first, the others are the request itself.
    static let reserved: Set<String> = ["stream", "messages", "model"]
    /// The tool by which ``AnthropicOptions/StructuredOutput/forcedTool`` has the model answer.
    static let answerToolName = "structured_answer"
    /// The least reasoning budget that the API takes, in tokens.
    private static let leastBudget = 1_024
    /// What `POST /v1/messages/count_tokens` takes of the body; it refuses members that it does not know.
    private static let counted: Set<String> = [
        "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed", "mcp_servers",
        "context_management",
    ]

    /// - Throws: ``ErrorCode/invalidInput`` for what the API is known to refuse, naming the field.
    init(_ request: ModelRequest, model: String, options: AnthropicOptions) throws(MillraceError) {
        for name in request.extra.keys.sorted() where Self.reserved.contains(name) {
            throw Self.wrong("extra.\(name)", "is Millrace's own to set: leave it out")
        }
        let schema = request.outputSchema.flatMap { $0.isNull ? Optional.none : $0 }
        // Structured outputs and citations exclude each other: the API answers 400 to both.
        let cites = options.citesDocuments && (schema == nil || options.structuredOutput == .forcedTool)
        let conversation = try MessagesConversation(request, options: options, cites: cites)
        documents = conversation.documents

        body = ["model": .string(model), "messages": .array(conversation.messages), "stream": true]
        if let temperature = request.temperature { body["temperature"] = .double(temperature) }
        if !request.stopSequences.isEmpty { body["stop_sequences"] = .array(request.stopSequences.map { .string($0) }) }
        if let thinking = Self.thinking(options) { body["thinking"] = thinking }
        var outputConfig: [String: JSONValue] = [:]
        if let effort = options.effort { outputConfig["effort"] = .string(effort) }

        var tools = request.tools.map { Self.tool($0) }
        var answerTool: String?
        if let schema {
            switch options.structuredOutput {
            case .jsonSchema: outputConfig["format"] = ["type": "json_schema", "schema": schema]
            case .forcedTool:
                guard !request.tools.contains(where: { $0.name == Self.answerToolName }) else {
                    throw Self.wrong("tools", "has a tool called '\(Self.answerToolName)', which is kept for answers by schema: rename it")
                }
                answerTool = Self.answerToolName
                // With other tools beside it the model must be able to call those first.
                body["tool_choice"] =
                    tools.isEmpty
                    ? ["type": "tool", "name": .string(Self.answerToolName), "disable_parallel_tool_use": true] : ["type": "any"]
                tools.append(
                    Self.tool(
                        ToolDefinition(
                            name: Self.answerToolName, description: "Gives the answer. Call it once, with the whole answer.",
                            inputSchema: schema)))
            }
        }
        self.answerTool = answerTool

        let system = request.system.flatMap { MessagesConversation.isBlank($0) ? nil : $0 }
        if let cache = Self.cacheControl(options.promptCaching) {
            // A mark covers all that stands before it: tools, then the instructions.
            if let system {
                body["system"] = [["type": "text", "text": .string(system), "cache_control": cache]]
            } else if case .object(var last)? = tools.last {
                last["cache_control"] = cache
                tools[tools.count - 1] = .object(last)
            }
        } else if let system {
            body["system"] = .string(system)
        }
        if !tools.isEmpty { body["tools"] = .array(tools) }
        if !outputConfig.isEmpty { body["output_config"] = .object(outputConfig) }

        for (name, value) in request.extra {
            if name == "output_config", case .object(let theirs) = value, case .object(let ours)? = body[name] {
                body[name] = .object(ours.merging(theirs) { _, theirs in theirs })
            } else {
                body[name] = value
            }
        }
        if request.extra["max_tokens"] == nil {
            let budget = body["thinking"]?["budget_tokens"]?.integer ?? 0
            body["max_tokens"] = .integer(request.maxTokens ?? options.defaultMaxTokens + max(budget, 0))
        }
        try checkThinking(betas: options.betas)
    }

    /// The body for `POST /v1/messages/count_tokens`.
    var tokenCountBody: [String: JSONValue] { body.filter { Self.counted.contains($0.key) } }

    /// The mark that has the provider cache what stands before it.
    static func cacheControl(_ caching: AnthropicOptions.PromptCaching) -> JSONValue? {
        switch caching {
        case .off: nil
        case .fiveMinutes: ["type": "ephemeral"]
        case .oneHour: ["type": "ephemeral", "ttl": "1h"]
        }
    }

    private static func thinking(_ options: AnthropicOptions) -> JSONValue? {
        var members: [String: JSONValue]
        switch options.thinking {
        case .modelDefault: return nil
        case .disabled: return ["type": "disabled"]
        case .adaptive: members = ["type": "adaptive"]
        case .budget(let tokens): members = ["type": "enabled", "budget_tokens": .integer(tokens)]
        }
        if let shows = options.showsReasoning { members["display"] = shows ? "summarized" : "omitted" }
        return .object(members)
    }

    private static func tool(_ tool: ToolDefinition) -> JSONValue {
        var members: [String: JSONValue] = ["name": .string(tool.name), "input_schema": tool.inputSchema]
        if !tool.description.isEmpty { members["description"] = .string(tool.description) }
        return .object(members)
    }

    /// The bounds that the documentation of extended thinking names: refused here, the reason names the setting to change.
    private func checkThinking(betas: [String]) throws(MillraceError) {
        let kind = body["thinking"]?["type"]?.string
        guard kind == "enabled" || kind == "adaptive" else { return }
        if let temperature = body["temperature"]?.double, temperature != 1 {
            throw Self.wrong("temperature", "is \(temperature), but a model that reasons takes none: leave it out, or turn reasoning off")
        }
        guard kind == "enabled" else { return }
        let choice = body["tool_choice"]?["type"]?.string
        guard choice != "any", choice != "tool" else {
            throw Self.wrong("tool_choice", "forces a tool, which a model with a reasoning budget cannot do: turn the budget off")
        }
        guard let budget = body["thinking"]?["budget_tokens"]?.integer, budget >= Self.leastBudget else {
            throw Self.wrong("thinking.budget_tokens", "must be \(Self.leastBudget) or more")
        }
        // With interleaved thinking the budget is for all of a turn's answers together and may be larger than one of them.
        if let most = body["max_tokens"]?.integer, budget >= most, !betas.contains(where: { $0.hasPrefix("interleaved-thinking") }) {
            throw Self.wrong("max_tokens", "is \(most), and must be more than the reasoning budget of \(budget)")
        }
    }

    static func wrong(_ field: String, _ problem: String) -> MillraceError {
        MillraceError(.invalidInput, "\(field) \(problem)", details: ["field": .string(field)])
    }
}
