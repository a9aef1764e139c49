import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct AnthropicDecoderTests {
    @Test func text_streamsAsItComes() throws {
        let decoded = try AnthropicDecoded(AnthropicStreams.text)
        let final = Usage(promptTokens: 1_321, completionTokens: 15, cachedPromptTokens: 1_000)
        #expect(
            decoded.events == [
                .usage(Usage(promptTokens: 1_321, completionTokens: 1, cachedPromptTokens: 1_000)),
                .text("Grüße 🎉"), .text(" aus 東京"), .usage(final),
            ])
        #expect(decoded.response == ModelResponse(stopReason: .endTurn, usage: final, modelID: "claude-opus-5"))
        #expect(decoded.consumed == final)
    }

    @Test func countsThatMakeNoSense_doNoHarm() throws {
        var usage = MessagesUsage()
        usage.update(["input_tokens": .integer(.max), "cache_read_input_tokens": .integer(.max), "output_tokens": .integer(.max)])
        #expect(usage.usage.promptTokens == .max && usage.usage.totalTokens == .max)
        usage.update(["input_tokens": -5, "output_tokens": .integer(.min)])
        #expect(usage.usage.promptTokens == .max && usage.usage.completionTokens == .max)
    }

    @Test func manyPieces_growInPlace() throws {
        var decoder = MessagesDecoder(try AnthropicStreams.request(), model: "claude-test", server: "api.test")
        func send(_ json: String) throws -> [ModelEvent] { try decoder.receive(SSEMessage(data: json)) }
        _ = try send(#"{"type":"message_start","message":{}}"#)
        _ = try send(#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n"}}"#)
        _ = try send(#"{"type":"content_block_start","index":1,"content_block":{"type":"text"}}"#)
        let citation = #"{"type":"web_search_result_location","url":"u","cited_text":"c"}"#
        for _ in 0..<20_000 {
            _ = try send(#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"          "}}"#)
            _ = try send(#"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":"# + citation + "}}")
        }
        #expect(try send(#"{"type":"content_block_stop","index":1}"#).count == 20_000)
        #expect(try send(#"{"type":"content_block_stop","index":0}"#) == [.toolCall(ToolCall(id: "t", name: "n", arguments: [:]))])
    }

    @Test func reasoningAndTools_comeInTheirOrder() throws {
        let decoded = try AnthropicDecoded(AnthropicStreams.tools)
        #expect(
            decoded.events.dropFirst().dropLast() == [
                .reasoning(Reasoning(text: "Two cities: ")), .reasoning(Reasoning(text: "ask for both.")),
                .reasoning(Reasoning(signature: "EqQBCgIYAhIM")), .reasoning(Reasoning(redactedContent: "EmwKAhgB")),
                .toolCall(ToolCall(id: "toolu_01", name: "weather", arguments: ["city": "Köln"])),
                .reasoning(Reasoning(text: "And ")), .reasoning(Reasoning(text: "the time.")), .reasoning(Reasoning(signature: "c2ln")),
                .toolCall(ToolCall(id: "toolu_02", name: "clock", arguments: [:])),
                .toolCall(ToolCall(id: "toolu_03", name: "zone", arguments: ["of": "Köln"])),
            ])
        #expect(decoded.response?.stopReason == .toolUse)
        // The prompt's count is only in the first report; the last one has the answer's.
        #expect(decoded.response?.usage == Usage(promptTokens: 40, completionTokens: 88))
    }

    @Test func citations_followTheTextTheyBack() throws {
        let decoded = try AnthropicDecoded(AnthropicStreams.citations)
        #expect(
            decoded.events.dropFirst().dropLast() == [
                .text("The lease says "), .text("to paint"), .text(" the walls"),
                .citation(Citation(documentID: "doc_1", text: "The tenant paints the walls.", documentTitle: "lease.txt")),
                .citation(Citation(documentID: "doc_2", text: "White only.", page: 5, documentTitle: "rules.pdf")),
                .text("; see also"), .text(" these"),
                .citation(Citation(documentID: "document_7", text: "Two coats.", documentTitle: "fetched")),
                .citation(
                    Citation(
                        documentID: "https://example.com/paint", text: "Paint dries.", documentTitle: "Paint",
                        documentPointer: "https://example.com/paint")),
                .citation(Citation(documentID: "kb/7", text: "Brushes.", documentTitle: "Tools", documentPointer: "kb/7")),
                // Beyond the request's documents: something that the provider fetched.
                .citation(Citation(documentID: "document_2", text: "Page one.", documentTitle: "a page")),
                .citation(Citation(documentID: "document_3", text: "Page two.", page: 2)),
            ])
    }

    @Test func providersTools_areLeftOut() throws {
        let decoded = try AnthropicDecoded(AnthropicStreams.providerTools)
        #expect(decoded.events.dropFirst().dropLast() == [.text("It dries.")])
        #expect(decoded.response?.stopReason.rawValue == "pause_turn")
        // The provider's tools made the prompt grow while the answer was written.
        #expect(decoded.response?.usage == Usage(promptTokens: 700, completionTokens: 60))
    }

    @Test(arguments: [
        ("end_turn", StopReason.endTurn), ("max_tokens", .maxTokens), ("stop_sequence", .stopSequence), ("tool_use", .toolUse),
        ("refusal", .contentFilter), ("pause_turn", StopReason(rawValue: "pause_turn")),
        ("model_context_window_exceeded", StopReason(rawValue: "model_context_window_exceeded")),
        ("something_new", StopReason(rawValue: "something_new")),
    ])
    func stopReason_isMapped(name: String, reason: StopReason) throws {
        let events = AnthropicStreams.text.map { event in
            event["type"] == "message_delta"
                ? ["type": "message_delta", "delta": ["stop_reason": .string(name)], "usage": ["output_tokens": 1]] : event
        }
        #expect(try AnthropicDecoded(events).response?.stopReason == reason)
    }

    @Test func unknownEventsBlocksAndDeltas_arePassedOver() throws {
        var events = AnthropicStreams.text
        let unknown = AnthropicStreams.events(
            #"""
            {"type":"content_block_start","index":9,"content_block":{"type":"hologram","light":1}}
            {"type":"content_block_delta","index":9,"delta":{"type":"text_delta","text":"not ours"}}
            {"type":"content_block_delta","index":9,"delta":{"type":"light_delta","light":2}}
            {"type":"content_block_stop","index":9}
            {"type":"content_block_delta","index":0,"delta":{"type":"light_delta","light":2}}
            {"type":"heartbeat","index":"x"}
            {}
            []
            """#)
        events.insert(contentsOf: unknown, at: 3)
        #expect(try AnthropicDecoded(events) == AnthropicDecoded(AnthropicStreams.text))
    }

    @Test func foreignText_isPassedOver_knownEventWithoutJSONIsNot() throws {
        var messages = AnthropicStreams.text.map { SSEMessage(event: "message", data: $0.text) }
        messages.insert(SSEMessage(event: "heartbeat", data: "still here"), at: 2)
        messages.append(SSEMessage(data: "[DONE]"))
        // Without event names, as some servers stream, the data says what it is.
        #expect(try AnthropicDecoded(messages: messages) == AnthropicDecoded(AnthropicStreams.text))
        messages.insert(SSEMessage(event: "content_block_delta", data: #"{"type":"#), at: 2)
        let error = try #require(try AnthropicDecoded(messages: messages).error)
        #expect(error.code == .modelError && error.isRetryable && error.message.contains("content_block_delta"))
    }

    // MARK: Failures

    @Test func everyTruncation_isARetryableModelError() throws {
        for events in [AnthropicStreams.text, AnthropicStreams.tools, AnthropicStreams.citations, AnthropicStreams.providerTools] {
            let whole = try AnthropicDecoded(events)
            for count in 0..<events.count {
                let cut = try AnthropicDecoded(Array(events.prefix(count)))
                let error = try #require(cut.error)
                #expect(error.code == .modelError && error.isRetryable && error.message.contains("before the answer was complete"))
                #expect(whole.events.starts(with: cut.events))
                #expect((cut.consumed == nil) == (count == 0))
            }
        }
    }

    @Test func usageOfACutAnswer_isEstimatedUntilTheFinalFigures() throws {
        let bytes = "Grüße 🎉 aus 東京".utf8.count
        let cut = try AnthropicDecoded(Array(AnthropicStreams.text.prefix(6)))
        #expect(
            cut.consumed
                == Usage(promptTokens: 1_321, completionTokens: (bytes + 3) / 4, cachedPromptTokens: 1_000, isEstimated: true))
        #expect(try AnthropicDecoded(Array(AnthropicStreams.text.prefix(2))).consumed?.isEstimated == false)
        #expect(try AnthropicDecoded(Array(AnthropicStreams.text.prefix(7))).consumed?.completionTokens == 15)
    }

    @Test func usageWithoutInput_leavesThePromptUnknown() throws {
        let events = AnthropicStreams.events(
            #"""
            {"type":"message_start","message":{"model":"m","usage":{"output_tokens":1,"cache_read_input_tokens":null}}}
            {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}
            {"type":"message_stop"}
            """#)
        #expect(try AnthropicDecoded(events).response?.usage == Usage(completionTokens: 2))
    }

    @Test(arguments: [
        ("overloaded_error", true), ("api_error", true), ("rate_limit_error", true), ("timeout_error", true),
        ("invalid_request_error", false), ("authentication_error", false), ("billing_error", false), ("new_error", false),
    ])
    func errorEvent_isAModelError(kind: String, isRetryable: Bool) throws {
        var events = AnthropicStreams.failure
        events[events.count - 1] = ["type": "error", "error": ["type": .string(kind), "message": "Because."], "request_id": "req_9"]
        let decoded = try AnthropicDecoded(events)
        let error = try #require(decoded.error)
        #expect(error.code == .modelError && error.isRetryable == isRetryable)
        #expect(error.message.contains(kind) && error.message.contains("Because.") && error.message.contains("api.test"))
        #expect(error.details == ["provider_error": .string(kind), "provider_request_id": "req_9"])
        #expect(decoded.text == "Half an ans")
    }

    @Test func errorEventWithoutJSON_keepsItsText() throws {
        let decoded = try AnthropicDecoded(messages: [SSEMessage(event: "error", data: "upstream gone")])
        #expect(decoded.error?.code == .modelError)
        #expect(decoded.error?.message.contains("upstream gone") == true)
    }

    /// Impossible orders: inserted into the text stream at a place, and what the error names.
    @Test(arguments: [
        (0, #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#, "before message_start"),
        (0, #"{"type":"message_stop"}"#, "before message_start"),
        (2, #"{"type":"message_start","message":{}}"#, "within another"),
        (2, #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#, "block 0 twice"),
        (2, #"{"type":"content_block_delta","index":4,"delta":{"type":"text_delta","text":"x"}}"#, "block 4, which is not open"),
        (6, #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#, "block 0, which is not open"),
        (2, #"{"type":"content_block_stop","index":1}"#, "block 1, which is not open"),
        (2, #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x"}}"#, "of another kind"),
        (2, #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"x"}}"#, "of another kind"),
        (2, #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}"#, "without its text"),
        (2, #"{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}"#, "without an index"),
        (2, #"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","name":"x"}}"#, "without its id or name"),
        (2, #"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking"}}"#, "without its data"),
        (2, #"{"type":"message_stop"}"#, "within a block"),
        (6, #"{"type":"message_stop"}"#, "without saying why"),
    ])
    func impossibleOrder_isAClearError(place: Int, event: String, says: String) throws {
        var events = AnthropicStreams.text
        events.insert(try JSONValue(parsing: event), at: place)
        let error = try #require(try AnthropicDecoded(events).error)
        #expect(error.code == .modelError && error.isRetryable)
        #expect(error.message.contains(says), "\(error.message)")
    }

    @Test func whatFollowsTheStop_isPassedOver() throws {
        let again = AnthropicStreams.text + AnthropicStreams.failure
        #expect(try AnthropicDecoded(again) == AnthropicDecoded(AnthropicStreams.text))
    }
}
