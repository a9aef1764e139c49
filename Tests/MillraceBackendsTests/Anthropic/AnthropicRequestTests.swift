import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct AnthropicRequestTests {
    private static func ask(_ text: String = "Hello") -> [ModelRequest.Turn] { [.init(role: .user, parts: [.text(text)])] }

    private func body(_ request: ModelRequest, _ options: (inout AnthropicOptions) -> Void = { _ in }) throws -> JSONValue {
        var chosen = AnthropicOptions()
        options(&chosen)
        return .object(try AnthropicStreams.request(request, chosen).body)
    }

    private func refusal(_ request: ModelRequest, _ options: (inout AnthropicOptions) -> Void = { _ in }) -> MillraceError? {
        do {
            _ = try body(request, options)
            return nil
        } catch { return error as? MillraceError }
    }

    @Test func plainRequest_isTheLeastTheAPITakes() throws {
        #expect(
            try body(ModelRequest(turns: Self.ask())) == [
                "model": "claude-test", "stream": true, "max_tokens": 16_384,
                "messages": [["role": "user", "content": [["type": "text", "text": "Hello"]]]],
            ])
    }

    @Test func everySetting_hasItsMember() throws {
        let tool = ToolDefinition(name: "clock", description: "Tells the time.", inputSchema: ["type": "object"])
        let request = ModelRequest(
            system: "Be brief.", turns: Self.ask(), tools: [tool, ToolDefinition(name: "bare", description: "", inputSchema: [:])],
            maxTokens: 99, temperature: 0.25, stopSequences: ["END"], extra: ["tool_choice": ["type": "any"], "top_k": 5])
        let body = try body(request) { $0.effort = "low" }
        #expect(body["system"] == "Be brief.")
        #expect(
            body["tools"] == [
                ["name": "clock", "description": "Tells the time.", "input_schema": ["type": "object"]],
                ["name": "bare", "input_schema": [:]],
            ])
        #expect(body["max_tokens"] == 99)
        #expect(body["temperature"] == 0.25)
        #expect(body["stop_sequences"] == ["END"])
        #expect(body["tool_choice"] == ["type": "any"])
        #expect(body["top_k"] == 5)
        #expect(body["output_config"] == ["effort": "low"])
    }

    @Test(arguments: ["", " \n"]) func blankInstructions_areLeftOut(system: String) throws {
        #expect(try body(ModelRequest(system: system, turns: Self.ask()))["system"] == nil)
    }

    @Test(arguments: ["stream", "messages", "model"]) func extra_mayNotReplaceTheRequestItself(name: String) throws {
        let error = try #require(refusal(ModelRequest(turns: Self.ask(), extra: [name: false])))
        #expect(error.code == .invalidInput && error.details["field"] == .string("extra.\(name)"))
    }

    @Test func extraMaxTokens_standsAboveTheRequest() throws {
        #expect(try body(ModelRequest(turns: Self.ask(), maxTokens: 5, extra: ["max_tokens": 7]))["max_tokens"] == 7)
    }

    // MARK: Structured output

    @Test func outputSchema_isTheAPIsFormat_andEndsCitations() throws {
        let schema: JSONValue = ["type": "object", "additionalProperties": false]
        let request = ModelRequest(
            turns: Self.ask(), documents: AnthropicStreams.documents, outputSchema: schema, extra: ["output_config": ["effort": "high"]])
        let body = try body(request) { $0.effort = "low" }
        #expect(body["output_config"] == ["effort": "high", "format": ["type": "json_schema", "schema": schema]])
        #expect(body["messages"]?[0]?["content"]?[0]?["citations"] == nil)
    }

    @Test func outputSchemaThatIsNull_isNone() throws {
        let encoded = try MessagesRequest(
            ModelRequest(turns: Self.ask(), outputSchema: .some(.null)), model: "claude-test", options: AnthropicOptions())
        #expect(encoded.body["output_config"] == nil)
    }

    @Test func outputSchemaByTool_forcesIt() throws {
        let schema: JSONValue = ["type": "object"]
        let request = ModelRequest(turns: Self.ask(), outputSchema: schema)
        let alone = try body(request) { $0.structuredOutput = .forcedTool }
        #expect(alone["tool_choice"] == ["type": "tool", "name": "structured_answer", "disable_parallel_tool_use": true])
        #expect(alone["tools"]?[0]?["input_schema"] == schema)
        #expect(alone["output_config"] == nil)

        var withTools = request
        withTools.tools = [ToolDefinition(name: "clock", description: "", inputSchema: [:])]
        let beside = try body(withTools) { $0.structuredOutput = .forcedTool }
        #expect(beside["tool_choice"] == ["type": "any"])
        #expect(beside["tools"]?.array?.map { $0["name"]?.string } == ["clock", "structured_answer"])

        withTools.tools[0].name = "structured_answer"
        #expect(refusal(withTools) { $0.structuredOutput = .forcedTool }?.code == .invalidInput)
        #expect(
            refusal(request) {
                $0.structuredOutput = .forcedTool
                $0.thinking = .budget(tokens: 2_000)
            }?.details["field"] == "tool_choice")
    }

    // MARK: Reasoning

    @Test func thinking_isSentAsTheOptionSays() throws {
        let request = ModelRequest(turns: Self.ask())
        #expect(try body(request)["thinking"] == nil)
        #expect(try body(request) { $0.thinking = .disabled }["thinking"] == ["type": "disabled"])
        let adaptive = try body(request) {
            $0.thinking = .adaptive
            $0.showsReasoning = true
        }
        #expect(adaptive["thinking"] == ["type": "adaptive", "display": "summarized"])
        let budget = try body(request) { $0.thinking = .budget(tokens: 2_000) }
        #expect(budget["thinking"] == ["type": "enabled", "budget_tokens": 2_000])
        // What the answer itself may have stays what it was.
        #expect(budget["max_tokens"] == 18_384)
    }

    @Test func extraThinking_replacesTheOption() throws {
        let request = ModelRequest(turns: Self.ask(), extra: ["thinking": ["type": "disabled"]])
        let body = try body(request) { $0.thinking = .budget(tokens: 2_000) }
        #expect(body["thinking"] == ["type": "disabled"])
        #expect(body["max_tokens"] == 16_384)
    }

    @Test func impossibleReasoning_isRefusedByItsSetting() {
        func field(_ request: ModelRequest, betas: [String] = []) -> JSONValue? {
            refusal(request) {
                $0.thinking = .budget(tokens: 2_000)
                $0.betas = betas
            }?.details["field"]
        }
        #expect(field(ModelRequest(turns: Self.ask(), temperature: 0.2)) == "temperature")
        #expect(field(ModelRequest(turns: Self.ask(), temperature: 1)) == nil)
        #expect(field(ModelRequest(turns: Self.ask(), maxTokens: 2_000)) == "max_tokens")
        #expect(field(ModelRequest(turns: Self.ask(), maxTokens: 2_001)) == nil)
        #expect(field(ModelRequest(turns: Self.ask(), maxTokens: 2_000), betas: ["interleaved-thinking-2025-05-14"]) == nil)
        #expect(field(ModelRequest(turns: Self.ask(), extra: ["tool_choice": ["type": "tool", "name": "x"]])) == "tool_choice")
        #expect(field(ModelRequest(turns: Self.ask(), extra: ["tool_choice": ["type": "auto"]])) == nil)
        let small = ModelRequest(turns: Self.ask(), extra: ["thinking": ["type": "enabled", "budget_tokens": 1_023]])
        #expect(field(small) == "thinking.budget_tokens")
        #expect(refusal(ModelRequest(turns: Self.ask(), temperature: 0)) { $0.thinking = .adaptive }?.details["field"] == "temperature")
    }

    // MARK: Caching and counting

    @Test func caching_marksInstructionsAndTheLastDocument() throws {
        let request = ModelRequest(system: "Be brief.", turns: Self.ask(), documents: AnthropicStreams.documents)
        let body = try body(request) { $0.promptCaching = .fiveMinutes }
        #expect(body["system"] == [["type": "text", "text": "Be brief.", "cache_control": ["type": "ephemeral"]]])
        let blocks = try #require(body["messages"]?[0]?["content"]?.array)
        #expect(blocks.map { $0["cache_control"] } == [nil, ["type": "ephemeral"], nil])
        let hour = try self.body(request) { $0.promptCaching = .oneHour }
        #expect(hour["system"]?[0]?["cache_control"] == ["type": "ephemeral", "ttl": "1h"])
    }

    @Test func cachingWithoutInstructions_marksTheLastTool() throws {
        let tool = ToolDefinition(name: "clock", description: "", inputSchema: [:])
        let body = try body(ModelRequest(turns: Self.ask(), tools: [tool, tool])) { $0.promptCaching = .fiveMinutes }
        #expect(body["tools"]?.array?.map { $0["cache_control"] } == [nil, ["type": "ephemeral"]])
    }

    @Test func tokenCount_hasOnlyWhatTheAPICounts() throws {
        let request = ModelRequest(
            system: "s", turns: Self.ask(), maxTokens: 5, temperature: 1, stopSequences: ["x"], outputSchema: [:],
            extra: ["metadata": ["user_id": "u"], "tool_choice": ["type": "auto"]])
        let counted = try AnthropicStreams.request(request).tokenCountBody
        #expect(counted.keys.sorted() == ["messages", "model", "output_config", "system", "tool_choice"])
    }
}
