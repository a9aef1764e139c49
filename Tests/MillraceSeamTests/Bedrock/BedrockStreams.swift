import Millrace
import MillraceAWS
import MillraceCore

@testable import MillraceBackends

/// Answers of Bedrock as the service streams them, without its event stream's framing.
enum BedrockStreams {
    static func event(_ type: String, _ payload: JSONValue) -> BedrockStreamEvent { BedrockStreamEvent(type: type, payload: payload) }
    static func start(_ index: Int, _ start: JSONValue) -> BedrockStreamEvent {
        event("contentBlockStart", ["contentBlockIndex": .integer(index), "start": start])
    }
    static func delta(_ index: Int, _ delta: JSONValue) -> BedrockStreamEvent {
        event("contentBlockDelta", ["contentBlockIndex": .integer(index), "delta": delta])
    }
    static func stop(_ index: Int) -> BedrockStreamEvent { event("contentBlockStop", ["contentBlockIndex": .integer(index)]) }
    static func end(_ reason: String) -> BedrockStreamEvent { event("messageStop", ["stopReason": .string(reason)]) }
    static func metadata(_ input: Int, _ output: Int) -> BedrockStreamEvent {
        event(
            "metadata",
            [
                "usage": [
                    "inputTokens": .integer(input), "outputTokens": .integer(output), "totalTokens": .integer(input + output),
                ], "metrics": ["latencyMs": 12],
            ])
    }
    static let begin = event("messageStart", ["role": "assistant"])

    static let text = [
        begin, delta(0, ["text": "Grüße 🎉"]), delta(0, ["text": ""]), delta(0, ["text": " aus 東京"]), stop(0), end("end_turn"),
        metadata(21, 15),
    ]

    /// Reasoning, shown and hidden, and three calls, one without input.
    static let tools = [
        begin, delta(0, ["reasoningContent": ["text": "Two cities: "]]), delta(0, ["reasoningContent": ["text": "ask for both."]]),
        delta(0, ["reasoningContent": ["signature": "EqQB"]]), delta(0, ["reasoningContent": ["signature": "CgIY"]]), stop(0),
        delta(1, ["reasoningContent": ["redactedContent": "EmwKAhgB"]]), stop(1),
        start(2, ["toolUse": ["toolUseId": "tooluse_1", "name": "weather"]]), delta(2, ["toolUse": ["input": "{\"city\":"]]),
        delta(2, ["toolUse": ["input": " \"Köln\"}"]]), stop(2), start(3, ["toolUse": ["toolUseId": "tooluse_2", "name": "clock"]]),
        stop(3),
        start(4, ["toolUse": ["toolUseId": "tooluse_3", "name": "zone"]]), delta(4, ["toolUse": ["input": "{}"]]), stop(4), end("tool_use"),
        metadata(40, 88),
    ]

    static func citation(_ location: JSONValue, _ text: String, title: String? = nil, source: String? = nil) -> JSONValue {
        var members: [String: JSONValue] = ["location": location, "sourceContent": [["text": .string(text)]]]
        if let title { members["title"] = .string(title) }
        if let source { members["source"] = .string(source) }
        return .object(members)
    }

    static let citations: [JSONValue] = [
        citation(["documentChar": ["documentIndex": 0, "start": 0, "end": 28]], "The tenant paints the walls."),
        citation(["documentPage": ["documentIndex": 1, "start": 5, "end": 6]], "White only."),
        citation(["documentChunk": ["documentIndex": 7, "start": 0, "end": 1]], "Two coats.", title: "fetched"),
        citation(["documentChar": ["documentIndex": 0, "start": 1, "end": 2]], "By its name.", title: "rules"),
        citation(["web": ["url": "https://example.com/paint", "domain": "example.com"]], "Paint dries.", title: "Paint"),
        citation(["web": ["domain": "example.org"]], "It dries slowly."),
        citation(["searchResultLocation": ["searchResultIndex": 3, "start": 0, "end": 1]], "Text 4", title: "Chunk 4", source: "chunk_4"),
        citation(["searchResultLocation": ["searchResultIndex": 9, "start": 0, "end": 1]], "Brushes.", title: "Tools", source: "kb/7"),
        ["sourceContent": [["text": "Somewhere."]], "title": "Notes", "source": "notes/1"],
        // Names nothing that could be shown.
        ["sourceContent": [["text": "Nowhere."]]],
    ]

    static let cited: [BedrockStreamEvent] =
        [begin, delta(0, ["text": "The lease says "]), stop(0), delta(1, ["citation": citations[0]]), delta(1, ["text": "to paint"])]
        + citations.dropFirst().map { delta(1, ["citation": $0]) }
        + [delta(1, ["text": " the walls"]), stop(1), delta(2, ["text": "."]), stop(2), end("end_turn"), metadata(700, 60)]

    /// What runs at the service, and what a model draws.
    static let atService: [BedrockStreamEvent] = [
        begin, start(0, ["toolUse": ["toolUseId": "s1", "name": "nova_grounding", "type": "server_tool_use"]]),
        delta(0, ["toolUse": ["input": "{}"]]), stop(0),
        start(1, ["toolResult": ["toolUseId": "s1", "type": "grounding", "status": "success"]]),
        delta(1, ["toolResult": [["text": "found"], ["json": ["a": 1]]]]), stop(1), start(2, ["image": ["format": "png"]]),
        delta(2, ["image": ["source": ["bytes": "iVBORw0="]]]), stop(2), delta(3, ["text": "It dries."]), stop(3), end("end_turn"),
        metadata(9, 3),
    ]

    static let assessment: JSONValue = [
        "modelOutput": ["Buy gold."], "actionReason": "Guardrail blocked.",
        "outputAssessments": [
            "g1": [["topicPolicy": ["topics": [["name": "Investment", "type": "DENY", "action": "BLOCKED", "detected": true]]]]]
        ],
    ]

    /// Everything that the end of an answer may tell.
    static let guarded: [BedrockStreamEvent] = [
        begin, delta(0, ["text": "Sorry."]), stop(0),
        event("messageStop", ["stopReason": "guardrail_intervened", "additionalModelResponseFields": ["stop_sequence": "x"]]),
        event(
            "metadata",
            [
                "usage": [
                    "inputTokens": 5, "outputTokens": 2, "totalTokens": 1_100, "cacheReadInputTokens": 1_000, "cacheWriteInputTokens": 90,
                    "cacheDetails": [["ttl": "5m", "inputTokens": 90]],
                ],
                "metrics": ["latencyMs": 77],
                "trace": ["guardrail": assessment, "promptRouter": ["invokedModelId": "arn:aws:bedrock:eu-west-1::foundation-model/m.n"]],
                "performanceConfig": ["latency": "optimized"], "serviceTier": ["type": "flex"],
            ]),
    ]

    static let all = [text, tools, cited, atService, guarded]

    /// What `Converse` answers, with every kind of block.
    static let whole: JSONValue = [
        "output": [
            "message": [
                "role": "assistant",
                "content": [
                    ["reasoningContent": ["reasoningText": ["text": "Think.", "signature": "EqQB"]]],
                    ["reasoningContent": ["redactedContent": "EmwKAhgB"]], ["text": "Hello."],
                    ["citationsContent": ["content": [["text": "Paint "], ["text": "it."]], "citations": .array(citations)]],
                    ["image": ["format": "png", "source": ["bytes": "iVBORw0="]]],
                    ["toolUse": ["toolUseId": "s1", "name": "nova_grounding", "input": [:], "type": "server_tool_use"]],
                    ["toolResult": ["toolUseId": "s1", "content": [["text": "found"]]]],
                    ["toolUse": ["toolUseId": "tooluse_1", "name": "weather", "input": ["city": "Köln"]]],
                ],
            ]
        ],
        "stopReason": "tool_use", "additionalModelResponseFields": ["stop_sequence": "x"],
        "usage": [
            "inputTokens": 5, "outputTokens": 2, "totalTokens": 1_100, "cacheReadInputTokens": 1_000, "cacheWriteInputTokens": 90,
            "cacheDetails": [["ttl": "1h", "inputTokens": 90]],
        ],
        "metrics": ["latencyMs": 77],
        "trace": ["guardrail": assessment, "promptRouter": ["invokedModelId": "arn:aws:bedrock:eu-west-1::foundation-model/m.n"]],
        "performanceConfig": ["latency": "optimized"], "serviceTier": ["type": "flex"],
    ]

    private static func attachment(_ title: String, pointer: String?) -> Attachment {
        Attachment(pointer: pointer, data: Array("The text of \(title)".utf8), title: title)
    }

    /// A request whose documents the answers above cite.
    static func request(schema: JSONValue? = nil) throws -> ConverseRequest {
        var options = BedrockOptions()
        options.citesDocuments = true
        options.structuredOutput = .forcedTool
        return try ConverseRequest(
            ModelRequest(
                turns: [
                    .init(
                        role: .user,
                        parts: [
                            .text("What may I paint?"), .document(attachment("lease.txt", pointer: "content://1")),
                            .document(attachment("rules", pointer: nil)),
                        ])
                ],
                // With two more documents these are too many for document blocks.
                documents: (1...4).map { ModelDocument(id: "chunk_\($0)", title: "Chunk \($0)", text: "Text \($0)") }, outputSchema: schema),
            model: "m.model", options: options)
    }
}

/// What the decoder makes of a stream.
struct BedrockDecoded: Equatable {
    var events: [ModelEvent] = []
    var response: ModelResponse?
    var error: MillraceError?
    var consumed: Usage?

    init(_ stream: [BedrockStreamEvent], schema: JSONValue? = nil) throws {
        var decoder = ConverseDecoder(try BedrockStreams.request(schema: schema), model: "m.model", server: "Bedrock in test")
        do throws(MillraceError) {
            for event in stream { events += try decoder.receive(event) }
            response = try decoder.finish()
        } catch { self.error = error }
        consumed = decoder.consumed
    }

    init(whole: JSONValue) throws {
        var decoder = ConverseDecoder(try BedrockStreams.request(), model: "m.model", server: "Bedrock in test")
        do throws(MillraceError) {
            events = try decoder.receive(converse: whole)
            response = try decoder.finish()
        } catch { self.error = error }
        consumed = decoder.consumed
    }
}
