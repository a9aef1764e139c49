import Millrace
import MillraceCore

/// A ``ModelRequest`` as the body of `POST /chat/completions`, streamed.
///
/// Source: OpenAI's API reference, "Create chat completion". What goes where:
///
/// | of the request | in the body |
/// |---|---|
/// | `system` | the first message, role `system` |
/// | `documents` | in the last user message, in front of its text (``DocumentPrompt``) |
/// | `turns` | `messages` (``ChatCompletionMessages``) |
/// | `tools` | `tools` of type `function`; `tool_choice` and `parallel_tool_calls` come by `extra` |
/// | `maxTokens` | `max_tokens` or `max_completion_tokens`, as the options say |
/// | `temperature`, `stopSequences` | `temperature`, `stop` |
/// | `outputSchema` | `response_format` of type `json_schema` |
/// | `extra` | merged on top, after the options' `extra`; a member that is `null` is taken out |
///
/// `extra` may not replace `model`, `messages` or `stream`: such a request is refused.
struct ChatCompletionRequest {
    private static let fixed: Set<String> = ["model", "messages", "stream"]

    /// The body.
    let json: JSONValue

    /// - Parameter defaultMaxTokensField: for options that do not say.
    /// - Throws: ``ErrorCode/invalidInput`` for a request that cannot be said to the API, naming the member.
    init(
        _ request: ModelRequest, model: String, options: OpenAIOptions, defaultMaxTokensField: OpenAIOptions.MaxTokensField = .maxTokens
    ) throws(MillraceError) {
        var body: [String: JSONValue] = [
            "model": .string(model), "stream": true,
            "messages": .array(try ChatCompletionMessages(request, options: options).messages),
        ]
        if options.includesUsage { body["stream_options"] = ["include_usage": true] }
        if !request.tools.isEmpty { body["tools"] = .array(request.tools.map(Self.tool)) }
        if let most = request.maxTokens { body[(options.maxTokensField ?? defaultMaxTokensField).rawValue] = .integer(most) }
        if let temperature = request.temperature { body["temperature"] = .double(temperature) }
        let stops = request.stopSequences.filter { !$0.isEmpty }
        if !stops.isEmpty { body["stop"] = .array(stops.map { .string($0) }) }
        if let schema = request.outputSchema { body["response_format"] = Self.format(schema, strict: options.strictOutput) }
        for extra in [options.extra, request.extra] {
            for (name, value) in extra {
                guard !Self.fixed.contains(name) else {
                    throw MillraceError(
                        .invalidInput, "extra may not hold '\(name)': Millrace sets it itself", details: ["field": .string("extra.\(name)")]
                    )
                }
                body[name] = value.isNull ? Optional.none : value
            }
        }
        json = .object(body)
    }

    private static func tool(_ tool: ToolDefinition) -> JSONValue {
        [
            "type": "function",
            "function": ["name": .string(tool.name), "description": .string(tool.description), "parameters": tool.inputSchema],
        ]
    }

    private static func format(_ schema: JSONValue, strict: Bool?) -> JSONValue {
        [
            "type": "json_schema",
            "json_schema": [
                "name": .string(name(of: schema)), "strict": .bool(strict ?? StrictSchema.allows(schema)), "schema": schema,
            ],
        ]
    }

    /// The schema's title in the alphabet that the API allows (`a-z A-Z 0-9 _ -`, 64 at most), or `answer`.
    private static func name(of schema: JSONValue) -> String {
        let title = schema["title"]?.string ?? ""
        let name = String(
            title.unicodeScalars.map { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_", "-": Character(scalar)
                default: "_"
                }
            }.prefix(64))
        return name.contains { $0 != "_" } ? name : "answer"
    }
}
