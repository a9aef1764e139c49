import FoundationEssentials
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// The operations, against the tests' Bedrock Runtime.
@Suite(.ownThreads) struct BedrockRuntimeClientTests {
    @Test func converse_ofAPrompt_returnsTheAnswer() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let answer = try await onLoop { try await server.client().converse(modelID: BedrockServer.model, BedrockServer.prompt("Hello ü")) }
        #expect(answer["output"]?["message"]?["content"]?[0]?["text"] == "Hello ü")
        #expect(answer["stopReason"] == "end_turn")
        #expect(answer["usage"]?["outputTokens"] == 2)
    }

    @Test(arguments: [
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1%3A0"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-x-v1%3A0"
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Adefault-prompt-router%2Fanthropic.claude%3A1"
        ),
        ("us.amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1%3A0"),
    ])
    func modelID_inThePath_isEncodedOnce(modelID: String, segment: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let tag = "path-\(segment.filter { $0.isLetter }.suffix(20))"
        let seen = try await onLoop {
            let answer = try await server.client().converse(modelID: modelID, BedrockServer.prompt("Hi [[tag:\(tag)]]"))
            #expect(answer["stopReason"] == "end_turn")
            return try await server.observations(tag: tag)
        }
        #expect(seen.map { $0["path"] } == [.string("/model/\(segment)/converse")])
        #expect(seen.map { $0["modelId"] } == [.string(modelID)])
        #expect(seen.map { $0["authentication"] } == ["sigv4"])
    }

    @Test(arguments: ["", ".", "..", String(repeating: "a", count: 2049)])
    func modelID_thatCanBeNone_isRefusedBeforeItIsSent(modelID: String) async throws {
        let client = BedrockRuntimeClient(
            AWSServiceClient(
                .bedrockRuntime, endpoint: AWSEndpointSettings(region: "us-east-1", url: "http://127.0.0.1:1"), authentication: .none,
                transport: HTTPClient()))
        let error = await #expect(throws: MillraceError.self) { try await client.converse(modelID: modelID, [:]) }
        #expect(error?.code == .invalidInput)
    }

    /// However the bytes are cut, the events are the same.
    @Test(arguments: ["", "[[tiny]]", "[[chunks:1]]", "[[chunks:13]]", "[[chunks:1000]]"])
    func converseStream_inAnyPieces_handsOnTheEventsInOrder(directive: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let result = try await onLoop { await server.client().events("Hello wörld 🙂 [[reasoning:Hm.]] \(directive)") }
        #expect(result.error == nil)
        #expect(result.events.text == "Hello wörld 🙂")
        #expect(
            result.events.plain.dropLast() == [
                BedrockStreamEvent(type: "messageStart", payload: ["role": "assistant"]),
                delta(0, ["reasoningContent": ["text": "Hm."]]), delta(0, ["reasoningContent": ["signature": .string(signature)]]), stop(0),
                delta(1, ["text": "Hello"]), delta(1, ["text": " wörld"]), delta(1, ["text": " 🙂"]), stop(1),
                BedrockStreamEvent(type: "messageStop", payload: ["stopReason": "end_turn"]),
            ])
        #expect(result.events.last?.type == "metadata")
        #expect(result.events.last?.payload["usage"]?["outputTokens"] == 4)
    }

    private let signature = String(repeating: "c2lnbmF0dXJl", count: 4)
    private func delta(_ index: Int, _ delta: JSONValue) -> BedrockStreamEvent {
        BedrockStreamEvent(type: "contentBlockDelta", payload: ["contentBlockIndex": .integer(index), "delta": delta])
    }
    private func stop(_ index: Int) -> BedrockStreamEvent {
        BedrockStreamEvent(type: "contentBlockStop", payload: ["contentBlockIndex": .integer(index)])
    }

    @Test func converseStream_withAnEventNobodyKnows_handsItOn() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let result = try await onLoop { await server.client().events("Hello [[unknown-event]]") }
        #expect(result.error == nil)
        #expect(result.events.contains { $0.type == "somethingNew" && $0.payload["of"] == "the future" })
    }

    @Test func converseStream_thatEndsBetweenMessages_ends() async throws {
        guard let server = try BedrockServer.shared() else { return }
        for directive in ["[[cut:metadata]]", "[[cut:end]]"] {
            let result = try await onLoop { await server.client().events("Hello there \(directive)") }
            #expect(result.error == nil)
            #expect(result.events.last?.type == (directive == "[[cut:metadata]]" ? "messageStop" : "contentBlockDelta"))
        }
    }

    @Test func invokeModel_ofAnEmbedder_returnsBodyAndCount() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let body: JSONValue = ["inputText": "the miller opens the sluice", "dimensions": 256]
        let answer = try await onLoop {
            try await server.client().invokeModel(modelID: "amazon.titan-embed-text-v2:0", body: Array(body.text.utf8))
        }
        #expect(answer.contentType == "application/json")
        #expect(answer.inputTokens == 7)
        #expect(answer.outputTokens == nil)
        #expect(answer.latencyMilliseconds == 9)
        #expect(try JSONValue(parsing: answer.body)["embedding"]?.array?.count == 256)
    }

    @Test func invokeModel_withOptions_sendsThem() async throws {
        guard let server = try BedrockServer.shared() else { return }
        var options = BedrockInvocationOptions()
        options.guardrailIdentifier = "abc123"
        options.guardrailVersion = "DRAFT"
        options.trace = .full
        options.performanceConfigLatency = "optimized"
        options.serviceTier = "priority"
        let sent = options
        let (answer, seen) = try await onLoop {
            let answer = try await server.client().invokeModel(
                modelID: BedrockServer.model, body: messages("Hello [[tag:options]]"), options: sent)
            return (answer, try await server.observations(tag: "options"))
        }
        #expect(answer.performanceConfigLatency == "optimized")
        #expect(answer.serviceTier == "priority")
        #expect(answer.outputTokens == 1)
        #expect(answer.cacheReadInputTokens == 0 && answer.cacheWriteInputTokens == 0)
        let headers = try #require(seen.first?["headers"]?.object)
        let lowered = Dictionary(headers.map { ($0.lowercased(), $1.string ?? "") }) { first, _ in first }
        #expect(lowered["x-amzn-bedrock-guardrailidentifier"] == "abc123")
        #expect(lowered["x-amzn-bedrock-guardrailversion"] == "DRAFT")
        #expect(lowered["x-amzn-bedrock-trace"] == "ENABLED_FULL")
        #expect(lowered["accept"] == "application/json")
    }

    @Test(arguments: ["", " [[tiny]]"])
    func invokeModelStream_handsOnTheModelsOwnEvents(directive: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let pieces = try await onLoop {
            var pieces: [JSONValue] = []
            try await server.client().invokeModelStream(modelID: BedrockServer.model, body: messages("Hello wörld" + directive)) {
                pieces.append(try JSONValue(parsing: $0))
            }
            return pieces
        }
        #expect(pieces.first?["type"] == "message_start")
        #expect(pieces.compactMap { $0["delta"]?["text"]?.string }.joined() == "Hello wörld")
        #expect(pieces.last?["amazon-bedrock-invocationMetrics"]?["outputTokenCount"] == 2)
    }

    @Test(arguments: [("fine", "NONE"), ("a forbidden word", "GUARDRAIL_INTERVENED")])
    func applyGuardrail_judges(text: String, action: JSONValue) async throws {
        guard let server = try BedrockServer.shared() else { return }
        for identifier in ["abc123", "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123"] {
            let answer = try await onLoop {
                try await server.client().applyGuardrail(
                    identifier: identifier, version: "1", ["source": "INPUT", "content": [["text": ["text": .string(text)]]]])
            }
            #expect(answer["action"] == action)
        }
    }

    @Test func countTokens_ofEitherInput_counts() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let body = Data(#"{"messages":[{"content":"one two"}]}"#.utf8).base64EncodedString()
        let counts = try await onLoop {
            let client = server.client()
            return [
                try await client.countTokens(modelID: BedrockServer.model, ["input": ["converse": BedrockServer.prompt("one two three")]]),
                try await client.countTokens(modelID: BedrockServer.model, ["input": ["invokeModel": ["body": .string(body)]]]),
            ]
        }
        #expect(counts == [4, 2])
    }

    private func messages(_ text: String) -> [UInt8] {
        let body: JSONValue = [
            "anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [["role": "user", "content": .string(text)]],
        ]
        return Array(body.text.utf8)
    }
}
