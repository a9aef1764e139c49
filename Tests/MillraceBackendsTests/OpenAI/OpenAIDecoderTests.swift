import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// Feeds the data of a stream's events to a decoder.
private func decode(_ stream: String) throws -> OpenAIOutcome {
    var parser = SSEParser()
    return try decode(messages: try parser.receive(Array(stream.utf8)).map(\.data))
}

private func decode(messages: [String]) throws -> OpenAIOutcome {
    var outcome = OpenAIOutcome()
    var decoder = ChatCompletionDecoder(modelID: "m-1", provider: "models.test", makeID: { "made" })
    for message in messages { outcome.events += try decoder.receive(message) }
    let (calls, response) = try decoder.finish()
    outcome.events += calls.map { .toolCall($0) }
    outcome.response = response
    return outcome
}

/// One chunk with that delta, and one that ends the answer.
private func decode(delta: String..., finish: String = #""stop""#) throws -> OpenAIOutcome {
    try decode(
        messages: delta.map { #"{"choices":[{"index":0,"delta":\#($0),"finish_reason":null}]}"# }
            + [#"{"choices":[{"index":0,"delta":{},"finish_reason":\#(finish)}]}"#, "[DONE]"])
}

@Suite struct OpenAIDecoderTests {
    // MARK: Recorded streams

    @Test func openAI_textAndUsage() throws {
        let outcome = try decode(OpenAIRecordedStream.openAI.text)
        let usage = Usage(promptTokens: 19, completionTokens: 10, totalTokens: 29, cachedPromptTokens: 4)
        #expect(outcome.events == [.text("Grüße"), .text(" 😀 \"世界\"\n"), .usage(usage)])
        #expect(outcome.response == ModelResponse(stopReason: .endTurn, usage: usage, modelID: "gpt-4.1-2025-04-14"))
    }

    @Test func openAI_toolsAtOnce_comeWholeAndInOrder() throws {
        let outcome = try decode(OpenAIRecordedStream.openAITools.text)
        #expect(
            outcome.events == [
                .toolCall(ToolCall(id: "call_a", name: "get_weather", arguments: ["city": "Zürich"])),
                .toolCall(ToolCall(id: "call_b", name: "get_time", arguments: [:])),
            ])
        #expect(outcome.response?.stopReason == .toolUse)
        #expect(outcome.response?.usage == .unknown)
    }

    @Test func openAI_refusalIsTextWithItsStopReason() throws {
        let outcome = try decode(OpenAIRecordedStream.openAIRefusal.text)
        #expect(outcome.events == [.text("I'm sorry,"), .text(" I can't.")])
        #expect(outcome.response?.stopReason.rawValue == "refusal")
    }

    @Test func openAI_webSearch_citesThePage() throws {
        let outcome = try decode(OpenAIRecordedStream.openAIWebSearch.text)
        let citation = Citation(
            documentID: "https://example.com/weather", text: "", documentTitle: "Weather", documentPointer: "https://example.com/weather")
        #expect(outcome.events == [.text("It rains."), .citation(citation)])
    }

    @Test func azure_filteredAnswer() throws {
        let outcome = try decode(OpenAIRecordedStream.azure.text)
        #expect(outcome.events == [.text("Hello")])
        #expect(outcome.response == ModelResponse(stopReason: .contentFilter, usage: .unknown, modelID: "gpt-4o-2024-11-20"))
    }

    @Test func vLLM_reasoningOnce_stopSequenceAndLastUsage() throws {
        let outcome = try decode(OpenAIRecordedStream.vLLM.text)
        let last = Usage(promptTokens: 12, completionTokens: 5, totalTokens: 17, cachedPromptTokens: 8)
        #expect(
            outcome.events == [
                .reasoning(Reasoning(text: "Let me think")), .usage(Usage(promptTokens: 12, completionTokens: 3, totalTokens: 15)),
                .text("Four"), .text("."), .usage(last),
            ])
        #expect(outcome.response == ModelResponse(stopReason: .stopSequence, usage: last, modelID: "Qwen/Qwen3-8B"))
    }

    @Test func vLLM_wholeToolCall() throws {
        let outcome = try decode(OpenAIRecordedStream.vLLMOlderTools.text)
        #expect(outcome.events == [.toolCall(ToolCall(id: "chatcmpl-tool-1", name: "lookup", arguments: ["term": "lease"]))])
    }

    @Test func llamaCpp_reasoningTextAndLimit() throws {
        let outcome = try decode(OpenAIRecordedStream.llamaCpp.text)
        let usage = Usage(promptTokens: 10, completionTokens: 2, totalTokens: 12, cachedPromptTokens: 0)
        #expect(outcome.events == [.reasoning(Reasoning(text: "Hm")), .text("Ja."), .usage(usage)])
        #expect(outcome.response == ModelResponse(stopReason: .maxTokens, usage: usage, modelID: "tiny"))
    }

    @Test func ollama_callsOfOneIndexAreTwo_andAPromptOfNoTokensIsUnknown() throws {
        let outcome = try decode(OpenAIRecordedStream.ollama.text)
        #expect(
            outcome.calls == [
                ToolCall(id: "call_q1", name: "now", arguments: [:]), ToolCall(id: "call_q2", name: "now", arguments: ["zone": "CET"]),
            ])
        #expect(outcome.reasoning == "Okay")
        #expect(outcome.response?.usage == Usage(completionTokens: 42))
        #expect(outcome.response?.usage.totalTokens == nil)
    }

    @Test func openRouter_signatureCitationAndCost() throws {
        let outcome = try decode(OpenAIRecordedStream.openRouter.text)
        let usage = Usage(promptTokens: 100, completionTokens: 20, totalTokens: 120, estimatedCost: 0.00042, cachedPromptTokens: 64)
        #expect(
            outcome.events == [
                .reasoning(Reasoning(text: "Think")), .reasoning(Reasoning(signature: "c2ln")), .text("Sunny"),
                .citation(
                    Citation(documentID: "https://w.test", text: "It is sunny.", documentTitle: "W", documentPointer: "https://w.test")),
                .usage(usage),
            ])
        #expect(outcome.response?.stopReason == .endTurn)
    }

    @Test func openRouter_encryptedReasoning() throws {
        let outcome = try decode(OpenAIRecordedStream.openRouterEncrypted.text)
        #expect(
            outcome.events == [
                .reasoning(Reasoning(text: "Looked it up")), .reasoning(Reasoning(redactedContent: "Z0FB")), .text("Yes"),
            ])
    }

    @Test func deepSeek_reasoningAndCache() throws {
        let outcome = try decode(OpenAIRecordedStream.deepSeek.text)
        #expect((outcome.reasoning, outcome.text) == ("9.11", "9.8"))
        #expect(outcome.response?.usage == Usage(promptTokens: 17, completionTokens: 9, totalTokens: 26, cachedPromptTokens: 16))
    }

    @Test func mistral_contentInParts() throws {
        let outcome = try decode(OpenAIRecordedStream.mistral.text)
        #expect((outcome.reasoning, outcome.text) == ("Hm", "Yes"))
    }

    @Test func moonshot_usageWithinTheChoice() throws {
        let outcome = try decode(OpenAIRecordedStream.moonshot.text)
        #expect(outcome.response?.usage == Usage(promptTokens: 8, completionTokens: 1, totalTokens: 9))
    }

    @Test func sgLang_matchedStop() throws {
        #expect(try decode(OpenAIRecordedStream.sgLang.text).response?.stopReason == .stopSequence)
    }

    @Test func oldFunctionCall_isAToolCallWithAnIDOfOurs() throws {
        let outcome = try decode(OpenAIRecordedStream.legacyFunction.text)
        #expect(outcome.calls == [ToolCall(id: "made", name: "roll", arguments: ["n": 6])])
        #expect(outcome.response?.stopReason == .toolUse)
    }

    // MARK: Tool calls in the wild

    @Test(arguments: [
        // Without an index: a name begins a call, anything else goes on with the last.
        [
            #"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\""}}]}"#,
            #"{"tool_calls":[{"function":{"arguments":":1}"}}]}"#,
            #"{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]}"#,
        ],
        // The name and the id with every piece.
        [
            #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]}"#,
            #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}]}"#,
            #"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":""}}]}"#,
        ],
        // Pieces of two calls in turn, and in one chunk.
        [
            #"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g"}},{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]}"#,
            #"{"tool_calls":[{"index":1,"function":{"arguments":" "}},{"index":0,"function":{"arguments":"1"}}]}"#,
            #"{"tool_calls":[{"index":1,"id":"","function":{"name":"","arguments":"{}"}},{"index":0,"function":{"arguments":"}"}}]}"#,
        ],
        // Arguments as an object, and as null.
        [
            #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]}"#,
            #"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":null}}]}"#,
        ],
        // The id only later.
        [
            #"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"x\":1}"}},{"index":1,"function":{"name":"g","arguments":"null"}}]}"#,
            #"{"tool_calls":[{"index":0,"id":"a"},{"index":1,"id":"b"}]}"#,
        ],
    ])
    func toolCalls_inAnyForm(deltas: [String]) throws {
        let messages = deltas.map { #"{"choices":[{"index":0,"delta":\#($0)}]}"# } + [#"{"choices":[{"finish_reason":"stop"}]}"#]
        let outcome = try decode(messages: messages)
        #expect(outcome.calls == [ToolCall(id: "a", name: "f", arguments: ["x": 1]), ToolCall(id: "b", name: "g", arguments: [:])])
        #expect(outcome.response?.stopReason == .toolUse)
    }

    @Test func toolCallWithoutID_getsOne() throws {
        let outcome = try decode(delta: #"{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}"#)
        #expect(outcome.calls == [ToolCall(id: "made", name: "f", arguments: [:])])
    }

    @Test(arguments: [(#""tool_calls""#, "not valid JSON", true), (#""length""#, "token limit", false)])
    func brokenArguments_nameTheTool(finish: String, reason: String, isRetryable: Bool) throws {
        let error = #expect(throws: MillraceError.self) {
            try decode(
                delta: #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"search","arguments":"{\"q\": \"x"}}]}"#, finish: finish)
        }
        #expect(error?.code == .modelError)
        #expect(error?.message.contains("'search'") == true && error?.message.contains(reason) == true)
        #expect(error?.isRetryable == isRetryable)
    }

    @Test func callWithoutName_isAnError() {
        #expect(throws: MillraceError.self) {
            try decode(delta: #"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}"#)
        }
    }

    @Test func tooManyCalls_areAnError() {
        var tools = ToolCallAssembler()
        #expect(throws: MillraceError.self) {
            for index in 0...ToolCallAssembler.callLimit { try tools.receive(index: index, id: nil, name: "f", arguments: nil) }
        }
    }

    // MARK: Ends

    @Test(arguments: [
        (#""stop""#, StopReason.endTurn), (#""length""#, .maxTokens), (#""tool_calls""#, .toolUse), (#""function_call""#, .toolUse),
        (#""content_filter""#, .contentFilter), (#""eos_token""#, .endTurn), (#""something_new""#, StopReason(rawValue: "something_new")),
        ("null", .endTurn), (#""""#, .endTurn),
    ])
    func finishReasons(json: String, reason: StopReason) throws {
        #expect(try decode(delta: #"{"content":"x"}"#, finish: json).response?.stopReason == reason)
    }

    @Test func finishReasonBehindWhichMoreComes_stays() throws {
        let outcome = try decode(messages: [
            #"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"length"}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
        ])
        #expect(
            outcome.response == ModelResponse(stopReason: .maxTokens, usage: Usage(promptTokens: 1, completionTokens: 1), modelID: "m-1"))
    }

    @Test func streamWithoutDone_butWithFinishReason_isComplete() throws {
        let stream = OpenAIRecordedStream.openAI.text.replacing("data: [DONE]\n\n", with: "")
        #expect(try decode(stream).response?.stopReason == .endTurn)
    }

    @Test func streamWithoutBoth_isTruncated() {
        let error = #expect(throws: MillraceError.self) { try decode(messages: [#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#]) }
        #expect(error?.code == .modelError && error?.isRetryable == true)
        #expect(error?.message.contains("before the answer was complete") == true)
    }

    @Test func doneWithoutAnyChoice_isNoAnswer() {
        let error = #expect(throws: MillraceError.self) { try decode(messages: ["[DONE]"]) }
        #expect(error?.isRetryable == true)
    }

    @Test(arguments: ["error", "abort", "insufficient_system_resource"])
    func serverThatGivesUp_isAnErrorThatMayPass(reason: String) {
        let error = #expect(throws: MillraceError.self) { try decode(delta: #"{"content":"x"}"#, finish: "\"\(reason)\"") }
        #expect(error?.code == .modelError && error?.isRetryable == true)
    }

    @Test func networkErrorBesideStop_isAnError() {
        #expect(throws: MillraceError.self) {
            try decode(messages: [
                #"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","native_finish_reason":"network_error"}]}"#,
                "[DONE]",
            ])
        }
    }

    @Test func whatFollowsDone_isNotRead() throws {
        let outcome = try decode(messages: [
            #"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#, "[DONE]", "rubbish",
        ])
        #expect(outcome.text == "x")
    }

    @Test func otherChoices_areLeftOut() throws {
        let outcome = try decode(messages: [
            #"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"},{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
        ])
        #expect(outcome.text == "a")
        #expect(outcome.response?.stopReason == .endTurn)
    }

    @Test(arguments: ["", " ", "\n"])
    func emptyData_isNothing(data: String) throws {
        var decoder = ChatCompletionDecoder(modelID: "m", provider: "p")
        #expect(try decoder.receive(data).isEmpty)
    }

    @Test(arguments: ["x", "{", "[1]", "null", #"{"choices":[}"#])
    func whatIsNoChunk_isAnErrorThatMayPass(data: String) {
        var decoder = ChatCompletionDecoder(modelID: "m", provider: "p")
        let error = #expect(throws: MillraceError.self) { try decoder.receive(data) }
        #expect(error?.code == .modelError && error?.isRetryable == true)
    }

    // MARK: Usage

    @Test(arguments: [
        ("null", Usage?.none), ("{}", nil), (#"{"prompt_tokens":null}"#, nil),
        (#"{"prompt_tokens":0,"completion_tokens":null,"total_tokens":0}"#, nil),
        (#"{"prompt_tokens":-1,"completion_tokens":"3"}"#, nil), (#"{"completion_tokens":0}"#, Usage(completionTokens: 0)),
        (#"{"prompt_tokens":3.0,"completion_tokens":4}"#, Usage(promptTokens: 3, completionTokens: 4)),
        (#"{"prompt_tokens":3,"total_tokens":3}"#, Usage(promptTokens: 3, totalTokens: 3)), (#"{"cost":0}"#, Usage(estimatedCost: 0)),
        (#"{"prompt_tokens":3,"prompt_tokens_details":null}"#, Usage(promptTokens: 3)),
    ])
    func usage_unknownIsNotZero(json: String, usage: Usage?) throws {
        #expect(Usage(openAI: try JSONValue(parsing: json)) == usage)
    }
}
