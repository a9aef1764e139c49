import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// Tool arguments as they stream, also unchecked by the server (`eager_input_streaming`), where they may be anything.
@Suite struct AnthropicToolInputTests {
    private func stream(_ pieces: [String], tool: String = "make_file", stopReason: String = "tool_use") -> [JSONValue] {
        let deltas = pieces.map { piece -> JSONValue in
            ["type": "content_block_delta", "index": 0, "delta": ["type": "input_json_delta", "partial_json": .string(piece)]]
        }
        let start: JSONValue = ["type": "tool_use", "id": "toolu_1", "name": .string(tool), "input": [:]]
        return [
            ["type": "message_start", "message": ["model": "m", "usage": ["input_tokens": 5, "output_tokens": 1]]],
            ["type": "content_block_start", "index": 0, "content_block": start],
        ] + deltas + [
            ["type": "content_block_stop", "index": 0],
            ["type": "message_delta", "delta": ["stop_reason": .string(stopReason)], "usage": ["output_tokens": 70]],
            ["type": "message_stop"],
        ]
    }

    @Test func input_isTheSameForEverySplit() throws {
        let json = #"{"name":"poem 🎉.txt","lines":["a\u00e9","\ud83c\udf89"],"n":1.5}"#
        let call = ToolCall(
            id: "toolu_1", name: "make_file", arguments: ["name": "poem 🎉.txt", "lines": ["aé", "🎉"], "n": 1.5])
        let characters = Array(json)
        for cut in 0...characters.count {
            let decoded = try AnthropicDecoded(stream([String(characters[..<cut]), String(characters[cut...])]))
            #expect(decoded.toolCalls == [call])
        }
        #expect(try AnthropicDecoded(stream(characters.map { String($0) })).toolCalls == [call])
    }

    @Test(arguments: [[], [""], [" ", "\n"]])
    func emptyInput_isAnEmptyObject(pieces: [String]) throws {
        #expect(try AnthropicDecoded(stream(pieces)).toolCalls == [ToolCall(id: "toolu_1", name: "make_file", arguments: [:])])
    }

    @Test(arguments: [[#"{"name": "poem"#], ["{\"a\":", "}"], [#"{"a":1}{"#], [#"["a"]"#], ["null"], ["{'a':1}"]])
    func brokenInput_isAModelErrorThatNamesTheTool(pieces: [String]) throws {
        let decoded = try AnthropicDecoded(stream(pieces))
        let error = try #require(decoded.error)
        #expect(error.code == .modelError && error.isRetryable)
        #expect(error.message.contains("'make_file'"))
        #expect(decoded.toolCalls.isEmpty)
        #expect(decoded.consumed == Usage(promptTokens: 5, completionTokens: 70))
    }

    @Test(arguments: ["max_tokens", "model_context_window_exceeded"])
    func inputCutByALimit_saysWhatToDo(stopReason: String) throws {
        let error = try #require(try AnthropicDecoded(stream([#"{"name": "po"#], stopReason: stopReason)).error)
        #expect(error.code == .modelError && !error.isRetryable)
        #expect(error.message.contains("'make_file'") && error.message.contains("allow more tokens"))
    }

    @Test func inputCutByARefusal_isNoCall() throws {
        let decoded = try AnthropicDecoded(stream([#"{"name": "po"#], stopReason: "refusal"))
        #expect(decoded.response?.stopReason == .contentFilter)
        #expect(decoded.toolCalls.isEmpty)
    }

    // MARK: Answers by schema through a tool

    private func answerRequest() throws -> MessagesRequest {
        var options = AnthropicOptions()
        options.structuredOutput = .forcedTool
        let request = ModelRequest(turns: [.init(role: .user, parts: [.text("?")])], outputSchema: ["type": "object"])
        return try AnthropicStreams.request(request, options)
    }

    @Test func answerTool_streamsAsText() throws {
        let events = stream([#"{"a":"#, "", #"[1]}"#], tool: MessagesRequest.answerToolName)
        let decoded = try AnthropicDecoded(events, request: answerRequest())
        #expect(decoded.events.dropFirst().dropLast() == [.text(#"{"a":"#), .text("[1]}")])
        #expect(decoded.response?.stopReason == .endTurn)
        // The same tool, where it was not ours, is a tool like others.
        #expect(try AnthropicDecoded(events).toolCalls.count == 1)
    }

    @Test func answerToolWithoutInput_isAnEmptyObject() throws {
        #expect(try AnthropicDecoded(stream([], tool: MessagesRequest.answerToolName), request: answerRequest()).text == "{}")
    }

    @Test func answerToolCutByALimit_isACutText() throws {
        let events = stream([#"{"a":"#], tool: MessagesRequest.answerToolName, stopReason: "max_tokens")
        let decoded = try AnthropicDecoded(events, request: answerRequest())
        #expect(decoded.text == #"{"a":"#)
        #expect(decoded.response?.stopReason == .maxTokens)
    }

    @Test func answerToolWithBrokenInput_isAModelError() throws {
        let decoded = try AnthropicDecoded(stream([#"{"a":"#], tool: MessagesRequest.answerToolName), request: answerRequest())
        #expect(decoded.error?.code == .modelError)
    }
}
