import Millrace
import MillraceCore

/// A ``ModelRequest`` as the body of `ConverseStream` or `Converse`, and what is needed to read the answer.
///
/// Source: `ConverseStream`, Amazon Bedrock API Reference.
struct ConverseRequest: Equatable, Sendable {
    /// The body's members.
    private(set) var body: [String: JSONValue]
    /// What the answer may cite.
    let sources: ConverseSources
    /// The tool whose input is the answer's text, where an output schema is enforced by one.
    let answerTool: String?

    /// What ``ModelRequest/extra`` may not hold: it is the request itself.
    static let reserved: Set<String> = ["messages", "modelId"]
    /// Members of the body that are objects and are merged with ours.
    private static let merged: Set<String> = ["inferenceConfig", "outputConfig", "additionalModelRequestFields"]
    /// Members of the body that replace ours.
    private static let replaced: Set<String> = [
        "system", "toolConfig", "guardrailConfig", "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata",
        "performanceConfig", "serviceTier",
    ]
    private static let inferenceMembers: Set<String> = ["maxTokens", "temperature", "topP", "stopSequences"]
    /// The tool by which ``BedrockOptions/StructuredOutput/forcedTool`` has the model answer.
    static let answerToolName = "structured_answer"
    /// The least reasoning budget that Claude takes, in tokens.
    private static let leastBudget = 1_024

    /// - Throws: ``ErrorCode/invalidInput`` for what the API is known to refuse, naming the field.
    init(_ request: ModelRequest, model: String, options: BedrockOptions) throws(MillraceError) {
        for name in request.extra.keys.sorted() where Self.reserved.contains(name) {
            throw Self.wrong("extra.\(name)", "is Millrace's own to set: leave it out")
        }
        let schema = request.outputSchema.flatMap { $0.isNull ? Optional.none : $0 }
        // Structured outputs and citations exclude each other.
        let cites = options.citesDocuments(of: model) && (schema == nil || options.structuredOutput == .forcedTool)
        let conversation = try ConverseConversation(request, options: options, cites: cites)
        sources = conversation.sources
        body = ["messages": .array(conversation.messages)]

        let cachePoint = Self.cachePoint(options.promptCaching)
        if let system = request.system, !MessagesConversation.isBlank(system) {
            body["system"] = .array([["text": .string(system)]] + (cachePoint.map { [$0] } ?? []))
        }
        var inference: [String: JSONValue] = [:]
        if let temperature = request.temperature { inference["temperature"] = .double(temperature) }
        if let topP = options.topP { inference["topP"] = .double(topP) }
        if !request.stopSequences.isEmpty { inference["stopSequences"] = .array(request.stopSequences.map { .string($0) }) }
        if !inference.isEmpty { body["inferenceConfig"] = .object(inference) }

        var output: [String: JSONValue] = [:]
        if let effort = options.effort { output["effort"] = .string(effort) }
        var tools = try request.tools.map { tool throws(MillraceError) in try Self.tool(tool) }
        var choice: JSONValue?
        var answerTool: String?
        if let schema {
            switch options.structuredOutput {
            case .jsonSchema:
                output["textFormat"] = ["type": "json_schema", "structure": ["jsonSchema": ["schema": .string(schema.text)]]]
            case .forcedTool:
                guard !request.tools.contains(where: { $0.name == Self.answerToolName }) else {
                    throw Self.wrong("tools", "has a tool called '\(Self.answerToolName)', which is kept for answers by schema: rename it")
                }
                answerTool = Self.answerToolName
                // With other tools beside it the model must be able to call those first.
                choice = tools.isEmpty ? ["tool": ["name": .string(Self.answerToolName)]] : ["any": [:]]
                tools.append(
                    try Self.tool(
                        ToolDefinition(
                            name: Self.answerToolName, description: "Gives the answer. Call it once, with the whole answer.",
                            inputSchema: schema)))
            }
        }
        self.answerTool = answerTool
        // The API refuses a conversation that has called tools without a definition of any.
        if tools.isEmpty {
            tools = conversation.toolNames.sorted().map { name in
                [
                    "toolSpec": [
                        "name": .string(name), "description": "Was called earlier in this conversation. It can no longer be called.",
                        "inputSchema": ["json": ["type": "object"]],
                    ]
                ]
            }
        }
        if !tools.isEmpty {
            // Nova has no cache points among tools; the one behind the instructions covers them too.
            if let cachePoint, !model.contains("amazon.nova") { tools.append(cachePoint) }
            var config: [String: JSONValue] = ["tools": .array(tools)]
            if let choice { config["toolChoice"] = choice }
            body["toolConfig"] = .object(config)
        }
        if !output.isEmpty { body["outputConfig"] = .object(output) }

        var fields = options.additionalModelRequestFields
        if let thinking = Self.thinking(options.thinking) { fields["thinking"] = thinking }
        if !fields.isEmpty { body["additionalModelRequestFields"] = .object(fields) }
        addServiceMembers(options)
        for name in request.extra.keys.sorted() { try addExtra(name, request.extra[name] ?? .null) }
        addMaxTokens(request.maxTokens, default: options.defaultMaxTokens)
        try checkInference()
        try checkThinking()
    }

    /// The body of `CountTokens`, whose `converse` takes a part of a request's members.
    var tokenCountBody: JSONValue {
        let counted: Set = ["messages", "system", "toolConfig", "additionalModelRequestFields"]
        return ["input": ["converse": .object(body.filter { counted.contains($0.key) })]]
    }

    /// The block that has the service cache what stands before it.
    static func cachePoint(_ caching: BedrockOptions.PromptCaching) -> JSONValue? {
        switch caching {
        case .off: nil
        case .fiveMinutes: ["cachePoint": ["type": "default"]]
        case .oneHour: ["cachePoint": ["type": "default", "ttl": "1h"]]
        }
    }

    private static func thinking(_ thinking: BedrockOptions.Thinking) -> JSONValue? {
        switch thinking {
        case .modelDefault: nil
        case .disabled: ["type": "disabled"]
        case .adaptive: ["type": "adaptive"]
        case .budget(let tokens): ["type": "enabled", "budget_tokens": .integer(tokens)]
        }
    }

    private static func tool(_ tool: ToolDefinition) throws(MillraceError) -> JSONValue {
        let isLetter: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard (1...64).contains(tool.name.utf8.count), tool.name.utf8.allSatisfy(isLetter) else {
            throw wrong("tools", "has a tool called '\(tool.name.prefix(100))': Bedrock takes 1 to 64 letters, digits, '_' and '-'")
        }
        guard tool.inputSchema.object != nil else {
            throw wrong("tools", "has the tool '\(tool.name)' whose input schema is no object")
        }
        var members: [String: JSONValue] = ["name": .string(tool.name), "inputSchema": ["json": tool.inputSchema]]
        if !MessagesConversation.isBlank(tool.description) { members["description"] = .string(tool.description) }
        return ["toolSpec": .object(members)]
    }

    private mutating func addServiceMembers(_ options: BedrockOptions) {
        if let guardrail = options.guardrail {
            var members: [String: JSONValue] = [
                "guardrailIdentifier": .string(guardrail.identifier), "guardrailVersion": .string(guardrail.version),
                "trace": .string(guardrail.trace.rawValue),
            ]
            if options.streaming { members["streamProcessingMode"] = .string(guardrail.streamProcessingMode.rawValue) }
            body["guardrailConfig"] = .object(members)
        }
        if !options.additionalModelResponseFieldPaths.isEmpty {
            body["additionalModelResponseFieldPaths"] = .array(options.additionalModelResponseFieldPaths.map { .string($0) })
        }
        if let latency = options.latency { body["performanceConfig"] = ["latency": .string(latency.rawValue)] }
        if let tier = options.serviceTier { body["serviceTier"] = ["type": .string(tier)] }
        if !options.requestMetadata.isEmpty { body["requestMetadata"] = .object(options.requestMetadata.mapValues { .string($0) }) }
    }

    /// A member of ``ModelRequest/extra``: one of the body's, of its inference parameters, `toolChoice`, or the model's own. `null` takes it
    /// out.
    private mutating func addExtra(_ name: String, _ value: JSONValue) throws(MillraceError) {
        if Self.merged.contains(name) {
            guard !value.isNull else {
                body[name] = nil
                return
            }
            guard case .object(let theirs) = value else { throw Self.wrong("extra.\(name)", "must be an object") }
            for (member, value) in theirs { set(member, of: name, to: value) }
        } else if Self.replaced.contains(name) {
            body[name] = value.isNull ? Optional.none : value
        } else if Self.inferenceMembers.contains(name) {
            set(name, of: "inferenceConfig", to: value)
        } else if name == "toolChoice" {
            guard body["toolConfig"] != nil else { throw Self.wrong("extra.toolChoice", "chooses among tools, and the request has none") }
            set(name, of: "toolConfig", to: value)
        } else {
            set(name, of: "additionalModelRequestFields", to: value)
        }
    }

    private mutating func set(_ member: String, of name: String, to value: JSONValue) {
        var members = body[name]?.object ?? [:]
        members[member] = value.isNull ? Optional.none : value
        body[name] = members.isEmpty ? Optional.none : .object(members)
    }

    private mutating func addMaxTokens(_ requested: Int?, default defaultMaxTokens: Int?) {
        guard body["inferenceConfig"]?["maxTokens"] == nil else { return }
        let budget = max(thinking?["budget_tokens"]?.integer ?? 0, 0)
        let sum = defaultMaxTokens.map { $0.addingReportingOverflow(budget) }
        guard let tokens = requested ?? sum.map({ $0.overflow ? .max : $0.partialValue }) else { return }
        set("maxTokens", of: "inferenceConfig", to: .integer(tokens))
    }

    private var thinking: JSONValue? { body["additionalModelRequestFields"]?["thinking"] }

    private func checkInference() throws(MillraceError) {
        let inference = body["inferenceConfig"]
        for name in ["temperature", "topP"] {
            if let value = inference?[name]?.double, !(0...1).contains(value) {
                throw Self.wrong(name, "is \(value), and Bedrock takes 0 to 1")
            }
        }
        if let tokens = inference?["maxTokens"]?.integer, tokens < 1 {
            throw Self.wrong("maxTokens", "is \(tokens), and must be 1 or more")
        }
        if let stops = inference?["stopSequences"]?.array {
            if stops.contains("") { throw Self.wrong("stopSequences", "has an empty text") }
            if stops.count > 2_500 { throw Self.wrong("stopSequences", "has \(stops.count) texts, and Bedrock takes 2500") }
        }
    }

    /// The bounds that the documentation of Claude's extended thinking names: refused here, the reason names the setting to change.
    private func checkThinking() throws(MillraceError) {
        let kind = thinking?["type"]?.string
        guard kind == "enabled" || kind == "adaptive" else { return }
        if let temperature = body["inferenceConfig"]?["temperature"]?.double, temperature != 1 {
            throw Self.wrong("temperature", "is \(temperature), but a model that reasons takes none: leave it out, or turn reasoning off")
        }
        guard kind == "enabled" else { return }
        let choice = body["toolConfig"]?["toolChoice"]
        guard choice?["any"] == nil, choice?["tool"] == nil else {
            throw Self.wrong("toolChoice", "forces a tool, which a model with a reasoning budget cannot do: turn the budget off")
        }
        guard let budget = thinking?["budget_tokens"]?.integer, budget >= Self.leastBudget else {
            throw Self.wrong("thinking.budget_tokens", "must be \(Self.leastBudget) or more")
        }
        if let most = body["inferenceConfig"]?["maxTokens"]?.integer, budget >= most {
            throw Self.wrong("maxTokens", "is \(most), and must be more than the reasoning budget of \(budget)")
        }
    }

    private static func wrong(_ field: String, _ problem: String) -> MillraceError { MessagesRequest.wrong(field, problem) }
}
