import Millrace
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct BedrockDecoderTests {
    private typealias Streams = BedrockStreams

    @Test func text_streamsAsItComes() throws {
        let decoded = try BedrockDecoded(Streams.text)
        let usage = Usage(promptTokens: 21, completionTokens: 15)
        #expect(decoded.events == [.text("Grüße 🎉"), .text(" aus 東京"), .usage(usage)])
        #expect(
            decoded.response
                == ModelResponse(stopReason: .endTurn, usage: usage, modelID: "m.model", providerMetadata: ["latency_ms": 12]))
        #expect(decoded.consumed == usage)
    }

    @Test func reasoningAndTools_comeInTheirOrder() throws {
        let decoded = try BedrockDecoded(Streams.tools)
        #expect(
            decoded.events.dropLast() == [
                .reasoning(Reasoning(text: "Two cities: ")), .reasoning(Reasoning(text: "ask for both.")),
                .reasoning(Reasoning(signature: "EqQBCgIY")), .reasoning(Reasoning(redactedContent: "EmwKAhgB")),
                .toolCall(ToolCall(id: "tooluse_1", name: "weather", arguments: ["city": "Köln"])),
                .toolCall(ToolCall(id: "tooluse_2", name: "clock", arguments: [:])),
                .toolCall(ToolCall(id: "tooluse_3", name: "zone", arguments: [:])),
            ])
        #expect(decoded.response?.stopReason == .toolUse)
    }

    private static let citations: [ModelEvent] = [
        .citation(
            Citation(
                documentID: "content://1", text: "The tenant paints the walls.", documentTitle: "lease.txt", documentPointer: "content://1")
        ),
        .citation(Citation(documentID: "rules", text: "White only.", page: 5, documentTitle: "rules")),
        .citation(Citation(documentID: "document_7", text: "Two coats.", documentTitle: "fetched")),
        .citation(Citation(documentID: "rules", text: "By its name.", documentTitle: "rules")),
        .citation(
            Citation(
                documentID: "https://example.com/paint", text: "Paint dries.", documentTitle: "Paint",
                documentPointer: "https://example.com/paint")),
        .citation(
            Citation(documentID: "example.org", text: "It dries slowly.", documentTitle: "example.org", documentPointer: "example.org")),
        .citation(Citation(documentID: "chunk_4", text: "Text 4", documentTitle: "Chunk 4")),
        .citation(Citation(documentID: "kb/7", text: "Brushes.", documentTitle: "Tools", documentPointer: "kb/7")),
        .citation(Citation(documentID: "notes/1", text: "Somewhere.", documentTitle: "Notes")),
    ]

    @Test func citations_followTheTextTheyBack() throws {
        let decoded = try BedrockDecoded(Streams.cited)
        #expect(
            decoded.events.dropLast()
                == [.text("The lease says "), .text("to paint"), .text(" the walls")] + Self.citations + [.text(".")])
    }

    @Test func whatRunsAtTheService_isLeftOut() throws {
        #expect(try BedrockDecoded(Streams.atService).events.dropLast() == [.text("It dries.")])
    }

    @Test func guardrail_isAStopReasonWithItsTrace() throws {
        let response = try #require(try BedrockDecoded(Streams.guarded).response)
        #expect(response.stopReason == .guardrail)
        #expect(response.usage == Usage(promptTokens: 1_095, completionTokens: 2, totalTokens: 1_100, cachedPromptTokens: 1_000))
        #expect(response.modelID == "arn:aws:bedrock:eu-west-1::foundation-model/m.n")
        #expect(
            response.providerMetadata == [
                "guardrail": Streams.assessment, "latency_ms": 77, "latency": "optimized", "service_tier": "flex",
                "additional_model_response_fields": ["stop_sequence": "x"],
            ])
    }

    @Test func wholeAnswer_isReadLikeAStream() throws {
        let decoded = try BedrockDecoded(whole: Streams.whole)
        #expect(
            decoded.events.dropLast()
                == [
                    .reasoning(Reasoning(text: "Think.")), .reasoning(Reasoning(signature: "EqQB")),
                    .reasoning(Reasoning(redactedContent: "EmwKAhgB")), .text("Hello."), .text("Paint "), .text("it."),
                ] + Self.citations + [.toolCall(ToolCall(id: "tooluse_1", name: "weather", arguments: ["city": "Köln"]))])
        let guarded = try #require(try BedrockDecoded(Streams.guarded).response)
        #expect(decoded.response?.stopReason == .toolUse)
        #expect(decoded.response?.usage == guarded.usage && decoded.response?.providerMetadata == guarded.providerMetadata)
    }

    @Test(arguments: [
        ("end_turn", StopReason.endTurn), ("max_tokens", .maxTokens), ("stop_sequence", .stopSequence), ("tool_use", .toolUse),
        ("guardrail_intervened", .guardrail), ("content_filtered", .contentFilter),
        ("model_context_window_exceeded", StopReason(rawValue: "model_context_window_exceeded")),
        ("something_new", StopReason(rawValue: "something_new")),
    ])
    func stopReason_isMapped(name: String, reason: StopReason) throws {
        let stream = Streams.text.map { $0.type == "messageStop" ? Streams.end(name) : $0 }
        #expect(try BedrockDecoded(stream).response?.stopReason == reason)
    }

    @Test(arguments: [("malformed_tool_use", "a tool call"), ("malformed_model_output", "an answer")])
    func malformedAnswer_isAnErrorWorthAnotherAttempt_withItsUsage(name: String, says: String) throws {
        let stream = Streams.text.map { $0.type == "messageStop" ? Streams.end(name) : $0 }
        let decoded = try BedrockDecoded(stream)
        let error = try #require(decoded.error)
        #expect(error.code == .modelError && error.isRetryable && error.message.contains(says) && error.message.contains(name))
        #expect(decoded.consumed == Usage(promptTokens: 21, completionTokens: 15))
    }

    @Test(arguments: BedrockStreams.all.indices)
    func streamThatEndsEarly_isAnError_atEveryPlace(number: Int) throws {
        let stream = BedrockStreams.all[number]
        for count in 0..<stream.count - 2 {
            let decoded = try BedrockDecoded(Array(stream[..<count]))
            let error = try #require(decoded.error)
            #expect(error.code == .modelError && error.isRetryable && error.message.contains("before the answer was complete"))
            #expect((decoded.consumed == nil) == (count == 0))
            if let consumed = decoded.consumed { #expect(consumed.isEstimated && consumed.promptTokens == nil) }
        }
    }

    @Test func answerWithoutMetadata_isWhole_withUsageEstimated() throws {
        let decoded = try BedrockDecoded(Array(Streams.text.dropLast()))
        // 22 bytes of text.
        #expect(decoded.response?.usage == Usage(completionTokens: 6, isEstimated: true))
        #expect(decoded.response?.stopReason == .endTurn)
    }

    @Test func unknownEventsAndDeltas_arePassedOver() throws {
        var stream = Streams.text
        stream.insert(
            contentsOf: [
                Streams.event("heartbeat", ["x": 1]), Streams.delta(9, ["hologram": ["light": 1]]), Streams.stop(9),
                Streams.start(8, ["hologram": [:]]), Streams.stop(8), Streams.start(5, [:]), Streams.stop(5), Streams.delta(0, [:]),
                Streams.delta(0, ["text": .null]),
            ], at: 3)
        #expect(try BedrockDecoded(stream) == BedrockDecoded(Streams.text))
    }

    @Test func blocksWithoutTheirStops_areClosedWithTheMessage() throws {
        for stream in Streams.all {
            let lazy = stream.filter { $0.type != "contentBlockStop" }
            let (decoded, whole) = (try BedrockDecoded(lazy), try BedrockDecoded(stream))
            #expect(decoded.response == whole.response)
            #expect(decoded.events.count == whole.events.count)
        }
    }

    @Test func startsOfTextBlocks_changeNothing() throws {
        var stream = Streams.text
        stream.insert(Streams.start(0, [:]), at: 1)
        #expect(try BedrockDecoded(stream) == BedrockDecoded(Streams.text))
    }

    @Test(arguments: [
        (1, Streams.begin, nil), (2, Streams.begin, "within another"),
        (2, Streams.start(0, ["toolUse": ["toolUseId": "t", "name": "n"]]), "twice"),
        (2, Streams.start(1, ["toolUse": ["name": "n"]]), "without its id or name"),
        (2, Streams.event("contentBlockStop", [:]), "without an index"),
        (2, Streams.delta(0, ["toolUse": ["input": "{}"]]), "which is none"),
        (2, Streams.delta(0, ["reasoningContent": ["text": "x"]]), "another kind"),
        (2, Streams.delta(3, ["toolUse": [:]]), "without its input"), (5, Streams.event("messageStop", [:]), "without saying why"),
    ])
    func impossibleOrder_isAClearError(place: Int, event: BedrockStreamEvent, says: String?) throws {
        var stream = BedrockStreams.text
        stream.insert(event, at: place)
        let error = try BedrockDecoded(stream).error
        // A second start where nothing has been said yet is refused as well.
        let message = try #require(error).message
        #expect(message.contains(says ?? "within another"), "\(message)")
        #expect(error?.isRetryable == true)
    }

    private func call(_ input: [String], stop: String) -> [BedrockStreamEvent] {
        [Streams.begin, Streams.start(0, ["toolUse": ["toolUseId": "t", "name": "weather"]])]
            + input.map { Streams.delta(0, ["toolUse": ["input": .string($0)]]) } + [
                Streams.stop(0), Streams.end(stop), Streams.metadata(1, 2),
            ]
    }

    @Test func toolInput_isReadAtEverySplit() throws {
        let input = #"{"city":"Köln","tags":["a","b"],"n":1.5}"#
        let expected = ToolCall(id: "t", name: "weather", arguments: try JSONValue(parsing: input))
        let scalars = Array(input)
        let splits = [scalars.map { String($0) }] + (0...scalars.count).map { [String(scalars[..<$0]), String(scalars[$0...])] }
        for pieces in splits {
            #expect(try BedrockDecoded(call(pieces, stop: "tool_use")).events.first == .toolCall(expected))
        }
    }

    @Test(arguments: [
        ("tool_use", "{\"a\":", "no JSON", true), ("tool_use", "[1]", "no object", true),
        ("max_tokens", "{\"a\":", "allow more tokens", false),
        ("model_context_window_exceeded", "{\"a\":", "allow more tokens", false),
    ])
    func unusableInput_isAnError(stop: String, input: String, says: String, isRetryable: Bool) throws {
        let decoded = try BedrockDecoded(call([input], stop: stop))
        let error = try #require(decoded.error)
        #expect(error.message.contains(says) && error.message.contains("weather") && error.isRetryable == isRetryable)
        #expect(!decoded.events.contains { if case .toolCall = $0 { true } else { false } })
    }

    @Test func unusableInputOfAFilteredAnswer_isLeftOut() throws {
        #expect(try BedrockDecoded(call(["{\"a\":"], stop: "content_filtered")).response?.stopReason == .contentFilter)
    }

    @Test func answerBySchema_streamsAsText() throws {
        let stream = [
            Streams.begin, Streams.start(0, ["toolUse": ["toolUseId": "t", "name": "structured_answer"]]),
            Streams.delta(0, ["toolUse": ["input": "{\"a\":"]]), Streams.delta(0, ["toolUse": ["input": "1}"]]), Streams.stop(0),
            Streams.end("tool_use"), Streams.metadata(1, 2),
        ]
        let decoded = try BedrockDecoded(stream, schema: ["type": "object"])
        #expect(decoded.events.dropLast() == [.text("{\"a\":"), .text("1}")])
        #expect(decoded.response?.stopReason == .endTurn)
    }

    @Test func countsThatMakeNoSense_doNoHarm() throws {
        let most = JSONValue.integer(.max)
        let usage = ConverseUsage.usage(["inputTokens": most, "cacheReadInputTokens": most, "outputTokens": most, "totalTokens": 3])
        #expect(usage.promptTokens == .max && usage.totalTokens == .max)
        #expect(ConverseUsage.usage(["inputTokens": -5, "outputTokens": "x"]) == .unknown)
    }

    @Test func manyPieces_growInPlace() throws {
        var decoder = ConverseDecoder(try BedrockStreams.request(), model: "m", server: "s")
        _ = try decoder.receive(Streams.start(0, ["toolUse": ["toolUseId": "t", "name": "n"]]))
        for _ in 0..<20_000 {
            _ = try decoder.receive(Streams.delta(0, ["toolUse": ["input": "          "]]))
            _ = try decoder.receive(Streams.delta(1, ["citation": BedrockStreams.citations[0]]))
        }
        #expect(try decoder.receive(Streams.stop(1)).count == 20_000)
        #expect(try decoder.receive(Streams.stop(0)) == [.toolCall(ToolCall(id: "t", name: "n", arguments: [:]))])
    }

    @Test(arguments: [JSONValue.null, [:], ["output": [:]], ["output": ["message": ["content": "x"]], "stopReason": "end_turn"]])
    func answerThatIsNone_isAnError(json: JSONValue) throws {
        let error = try #require(try BedrockDecoded(whole: json).error)
        #expect(error.code == .modelError && error.message.contains("without a message"))
    }
}
