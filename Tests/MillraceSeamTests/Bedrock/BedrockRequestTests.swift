import FoundationEssentials
import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct BedrockRequestTests {
    private static let model = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"

    private func body(
        _ request: ModelRequest, model: String = Self.model, _ change: (inout BedrockOptions) -> Void = { _ in }
    ) throws -> JSONValue {
        var options = BedrockOptions()
        change(&options)
        return .object(try ConverseRequest(request, model: model, options: options).body)
    }

    private func messages(_ turns: [ModelRequest.Turn], _ change: (inout BedrockOptions) -> Void = { _ in }) throws -> JSONValue? {
        try body(ModelRequest(turns: turns), change)["messages"]
    }

    private static let hello = [ModelRequest.Turn(role: .user, parts: [.text("Hello")])]

    private func base64(_ text: String) -> JSONValue { .string(Data(Array(text.utf8)).base64EncodedString()) }

    // MARK: Parameters

    @Test func plainRequest_hasNothingMore() throws {
        #expect(try body(ModelRequest(turns: Self.hello)) == ["messages": [["role": "user", "content": [["text": "Hello"]]]]])
    }

    @Test func parameters_areTheAPIs() throws {
        let request = ModelRequest(
            system: "Be brief.", turns: Self.hello,
            tools: [ToolDefinition(name: "clock", description: "The time.", inputSchema: ["type": "object"])], maxTokens: 100,
            temperature: 0.5, stopSequences: ["END"],
            extra: [
                "top_k": 40, "toolChoice": ["auto": [:]], "requestMetadata": ["team": "mill"], "topP": 0.25, "serviceTier": .null,
                "additionalModelRequestFields": ["anthropic_beta": ["x"]],
            ])
        let body = try body(request) { options in
            options.topP = 0.9
            options.effort = "low"
            options.latency = .optimized
            options.serviceTier = "flex"
            options.additionalModelRequestFields = ["top_k": 1, "kept": true]
            options.additionalModelResponseFieldPaths = ["/stop_sequence"]
        }
        #expect(
            body == [
                "messages": [["role": "user", "content": [["text": "Hello"]]]], "system": [["text": "Be brief."]],
                "inferenceConfig": ["maxTokens": 100, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]],
                "toolConfig": [
                    "tools": [["toolSpec": ["name": "clock", "description": "The time.", "inputSchema": ["json": ["type": "object"]]]]],
                    "toolChoice": ["auto": [:]],
                ],
                "outputConfig": ["effort": "low"], "performanceConfig": ["latency": "optimized"], "requestMetadata": ["team": "mill"],
                "additionalModelRequestFields": ["top_k": 40, "kept": true, "anthropic_beta": ["x"]],
                "additionalModelResponseFieldPaths": ["/stop_sequence"],
            ])
    }

    @Test func guardrail_isSent_itsModeOnlyWithStreams() throws {
        func config(streams: Bool) throws -> JSONValue? {
            try body(ModelRequest(turns: Self.hello)) { options in
                options.streaming = streams
                options.guardrail = .init(identifier: "g1", version: "2")
                options.guardrail?.streamProcessingMode = .async
            }["guardrailConfig"]
        }
        let whole: JSONValue = ["guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": "enabled"]
        #expect(try config(streams: false) == whole)
        #expect(
            try config(streams: true)
                == ["guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": "enabled", "streamProcessingMode": "async"])
    }

    @Test func guardOfTheLastTurn_marksItsTextsAndPicturesOnly() throws {
        let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let turns: [ModelRequest.Turn] = [
            .init(role: .user, parts: [.text("First")]), .init(role: .assistant, parts: [.text("Yes?")]),
            .init(role: .user, parts: [.text("Second"), .image(Attachment(data: png))]),
            .init(role: .assistant, parts: [.toolCall(ToolCall(id: "t", name: "n", arguments: [:]))]),
            .init(role: .user, parts: [.toolReturn(ToolReturn(id: "t", name: "n", result: "r"))]),
        ]
        let messages = try messages(turns) { options in
            options.guardrail = .init(identifier: "g", version: "1")
            options.guardrail?.checksLastTurnOnly = true
        }
        #expect(messages?[0]?["content"] == [["text": "First"]])
        let image: JSONValue = ["format": "png", "source": ["bytes": .string(Data(png).base64EncodedString())]]
        #expect(messages?[2]?["content"] == [["guardContent": ["text": ["text": "Second"]]], ["guardContent": ["image": image]]])
        #expect(messages?[4]?["content"]?[0]?["toolResult"]?["content"] == [["text": "r"]])
    }

    @Test(arguments: [(model, true), ("amazon.nova-pro-v1:0", false)])
    func cachePoints_standBehindToolsInstructionsAndTheLastQuestion(model: String, marksTools: Bool) throws {
        let request = ModelRequest(
            system: "Be brief.", turns: Self.hello, tools: [ToolDefinition(name: "clock", description: "", inputSchema: [:])])
        let body = try body(request, model: model) { $0.promptCaching = .oneHour }
        let point: JSONValue = ["cachePoint": ["type": "default", "ttl": "1h"]]
        let tool: JSONValue = ["toolSpec": ["name": "clock", "inputSchema": ["json": [:]]]]
        #expect(body["system"] == [["text": "Be brief."], point])
        #expect(body["messages"]?[0]?["content"] == [["text": "Hello"], point])
        #expect(body["toolConfig"]?["tools"] == (marksTools ? [tool, point] : [tool]))
    }

    @Test func thinking_isTheModelsOwnField_andItsBudgetComesOnTop() throws {
        let body = try body(ModelRequest(turns: Self.hello)) { options in
            options.thinking = .budget(tokens: 2_000)
            options.defaultMaxTokens = 1_000
        }
        #expect(body["additionalModelRequestFields"] == ["thinking": ["type": "enabled", "budget_tokens": 2_000]])
        #expect(body["inferenceConfig"] == ["maxTokens": 3_000])
    }

    // MARK: Output schemas

    private static let schema: JSONValue = ["type": "object", "properties": ["a": ["type": "integer"]]]

    @Test func schema_isTheOutputFormat_andThenNothingIsCited() throws {
        var request = ModelRequest(turns: Self.hello, documents: [ModelDocument(id: "d", title: "T", text: "Text")])
        request.outputSchema = Self.schema
        let body = try body(request)
        #expect(
            body["outputConfig"]
                == ["textFormat": ["type": "json_schema", "structure": ["jsonSchema": ["schema": .string(Self.schema.text)]]]])
        #expect(body["messages"]?[0]?["content"]?[0]?["text"]?.string?.contains("<document id=\"d\"") == true)
    }

    @Test(arguments: [false, true])
    func schema_isAToolThatMustBeCalled(hasOthers: Bool) throws {
        var request = ModelRequest(turns: Self.hello)
        request.outputSchema = Self.schema
        if hasOthers { request.tools = [ToolDefinition(name: "clock", description: "", inputSchema: [:])] }
        let body = try body(request) { $0.structuredOutput = .forcedTool }
        #expect(body["toolConfig"]?["toolChoice"] == (hasOthers ? ["any": [:]] : ["tool": ["name": "structured_answer"]]))
        #expect(body["toolConfig"]?["tools"]?.array?.last?["toolSpec"]?["inputSchema"]?["json"] == Self.schema)
    }

    @Test func schemaThatIsNull_isNone() throws {
        var request = ModelRequest(turns: Self.hello)
        request.outputSchema = .some(.null)
        #expect(try body(request)["outputConfig"] == nil)
    }

    // MARK: Conversations

    @Test func storedRun_becomesMessagesWhoseRolesAlternate() throws {
        let turns: [ModelRequest.Turn] = [
            .init(role: .user, parts: [.text("Weather?"), .text("  ")]),
            .init(
                role: .assistant,
                parts: [
                    .reasoning(Reasoning(text: "Hm.", signature: "c2ln")), .text("I look."),
                    .toolCall(ToolCall(id: "1", name: "weather", arguments: ["city": "Köln"])),
                    .toolCall(ToolCall(id: "2", name: "a.b", arguments: .null)),
                    .toolReturn(ToolReturn(id: "1", name: "weather", result: ["t": 9])),
                    .text("It is 9°."),
                    .toolCall(ToolCall(id: "1", name: "weather", arguments: [:])),
                    .toolReturn(ToolReturn(id: "1", name: "weather", result: "no such city", isError: true)),
                ]),
            .init(role: .user, parts: [.text("Thanks")]),
        ]
        let body = try body(ModelRequest(turns: turns)) { $0.reasoningHistory = .all }
        #expect(
            body["messages"] == [
                ["role": "user", "content": [["text": "Weather?"]]],
                [
                    "role": "assistant",
                    "content": [
                        ["reasoningContent": ["reasoningText": ["text": "Hm.", "signature": "c2ln"]]], ["text": "I look."],
                        ["toolUse": ["toolUseId": "1", "name": "weather", "input": ["city": "Köln"]]],
                        ["toolUse": ["toolUseId": "2", "name": "a_b", "input": [:]]],
                    ],
                ],
                [
                    "role": "user",
                    "content": [
                        ["toolResult": ["toolUseId": "1", "content": [["json": ["t": 9]]]]],
                        [
                            "toolResult": [
                                "toolUseId": "2", "content": [["text": "The call was interrupted and has no result."]], "status": "error",
                            ]
                        ],
                    ],
                ],
                [
                    "role": "assistant",
                    "content": [["text": "It is 9°."], ["toolUse": ["toolUseId": "1_2", "name": "weather", "input": [:]]]],
                ],
                [
                    "role": "user",
                    "content": [
                        ["toolResult": ["toolUseId": "1_2", "content": [["text": "no such city"]], "status": "error"]], ["text": "Thanks"],
                    ],
                ],
            ])
        // The tools that it names are defined, although the request has none.
        #expect(body["toolConfig"]?["tools"]?.array?.compactMap { $0["toolSpec"]?["name"]?.string } == ["a_b", "weather"])
    }

    @Test(arguments: [
        (BedrockOptions.ReasoningHistory.toolLoop, [false, true]), (.all, [true, true]),
    ])
    func reasoning_isHandedBackAsTheOptionsSay(history: BedrockOptions.ReasoningHistory, expected: [Bool]) throws {
        let turns: [ModelRequest.Turn] = [
            .init(role: .user, parts: [.text("One")]),
            .init(role: .assistant, parts: [.reasoning(Reasoning(redactedContent: "aGlkZGVu")), .text("1")]),
            .init(role: .user, parts: [.text("Two")]),
            .init(
                role: .assistant,
                parts: [
                    .reasoning(Reasoning(text: "unsigned")), .reasoning(Reasoning(redactedContent: "no base64!")),
                    .reasoning(Reasoning(text: "b", signature: "c2ln")), .toolCall(ToolCall(id: "t", name: "n", arguments: [:])),
                ]),
            .init(role: .user, parts: [.toolReturn(ToolReturn(id: "t", name: "n", result: .null))]),
        ]
        let messages = try #require(try messages(turns) { $0.reasoningHistory = history }?.array)
        let blocks = [1, 3].map { messages[$0]["content"]?.array?.filter { $0["reasoningContent"] != nil }.count }
        #expect(blocks == expected.map { $0 ? 1 : 0 })
        #expect(messages[4]["content"]?[0]?["toolResult"]?["content"] == [["text": "The tool gave nothing back."]])
    }

    // MARK: Attachments and documents

    @Test(arguments: [
        ("contract.pdf", nil as String?, "%PDF-1.7", "pdf" as String?), ("x", nil, "plain", "txt"), ("table.csv", nil, "a,b", "csv"),
        ("table", "text/csv; charset=utf-8", "a,b", "csv"), ("page.HTM", nil, "<p>", "html"), ("notes.md", nil, "# T", "md"),
        ("a.docx", nil, "PK\u{3}\u{4}", "docx"), ("a.zip", nil, "PK\u{3}\u{4}", nil), ("fake.pdf", nil, "plain", "txt"),
        ("data.json", "application/json", "{}", "txt"), ("photo", "image/png", "plain", nil), ("blank", nil, " \n", nil),
    ])
    func file_hasTheFormatThatItsBytesAllow(title: String, type: String?, content: String, format: String?) {
        let attachment = Attachment(data: Array(content.utf8), mimeType: type, title: title)
        #expect(ConverseAttachment.format(of: attachment) == format)
    }

    @Test(arguments: [
        ("lease.txt", "lease"), ("Mietvertrag Köln (2024).pdf", "Mietvertrag K-ln (2024)"), ("  a \t b  ", "a b"), ("...", "document"),
        (nil as String?, "document"), ("v1.2 [final]", "v1-2 [final]"), (".hidden", "-hidden"), ("東京", "document"),
    ])
    func name_hasTheCharactersThatTheAPITakes(title: String?, name: String) { #expect(ConverseAttachment.name(for: title) == name) }

    @Test func documents_areCitedAsBlocks_withNamesOfTheirOwn() throws {
        let request = ModelRequest(
            turns: [
                .init(role: .user, parts: [.document(Attachment(pointer: "content://1", data: Array("%PDF-".utf8), title: "LEASE.pdf"))]),
                .init(role: .assistant, parts: [.text("Yes?"), .document(Attachment(data: Array("x".utf8)))]),
                .init(role: .user, parts: [.text("What?")]),
            ], documents: [ModelDocument(id: "d1", title: "lease.txt", text: "Paint."), ModelDocument(id: "d2", title: "blank", text: " ")])
        let body = try body(request)
        let pdf: JSONValue = ["format": "pdf", "name": "LEASE (2)", "source": ["bytes": base64("%PDF-")], "citations": ["enabled": true]]
        let text: JSONValue = [
            "format": "txt", "name": "lease", "source": ["bytes": base64("Paint.")], "citations": ["enabled": true],
            "context": "document_id: d1\ntitle: lease.txt",
        ]
        #expect(
            body["messages"]?[0]?["content"]
                == [["document": text], ["document": pdf], ["text": "[The documents are attached.]"]])
        #expect(body["messages"]?[1]?["content"] == [["text": "Yes?"]])
    }

    @Test(arguments: [(5, "document"), (6, "searchResult")])
    func manyDocuments_areSearchResults(count: Int, kind: String) throws {
        let documents = (1...count).map { ModelDocument(id: "d\($0)", title: "T", text: "Text \($0)") }
        let body = try body(ModelRequest(turns: Self.hello, documents: documents))
        let blocks = try #require(body["messages"]?[0]?["content"]?.array)
        #expect(blocks.count == count + 1 && blocks[..<count].allSatisfy { $0[kind] != nil })
    }

    @Test func documents_standInThePromptWhereTheModelDoesNotCite() throws {
        let request = ModelRequest(
            turns: Self.hello + [.init(role: .assistant, parts: [.text("Yes?")])] + Self.hello,
            documents: [ModelDocument(id: "d1", title: "lease.txt", text: "Paint.")])
        let body = try body(request, model: "amazon.nova-pro-v1:0")
        #expect(body["messages"]?[0]?["content"]?.array?.count == 1)
        #expect(body["messages"]?[2]?["content"]?[0]?["text"]?.string?.contains("Paint.") == true)
        #expect(body["messages"]?[2]?["content"]?[1] == ["text": "Hello"])
    }

    @Test(arguments: [
        (model, true), ("anthropic.claude-opus-4-1-20250805-v1:0", true), ("anthropic.claude-3-haiku-20240307-v1:0", false),
        ("anthropic.claude-v2:1", false), ("amazon.nova-pro-v1:0", false), ("arn:aws:bedrock:eu-west-1:1:inference-profile/x", false),
    ])
    func whetherAModelCites_isReadOffItsID(model: String, cites: Bool) {
        var options = BedrockOptions()
        #expect(options.citesDocuments(of: model) == cites)
        options.citesDocuments = !cites
        #expect(options.citesDocuments(of: model) == !cites)
    }

    @Test func whatAModelDoesNotTake_isTextOrANote() throws {
        let parts: [MessagePart] = [
            .image(Attachment(data: [0xFF, 0xD8, 0xFF], title: "photo.jpg")), .image(Attachment(pointer: "content://9")),
            .document(Attachment(data: Array("Paint.".utf8), title: "lease.txt")),
            .document(Attachment(data: Array("%PDF-\u{0}".utf8), mimeType: "application/pdf", title: "x.pdf")),
        ]
        let blocks = try messages([.init(role: .user, parts: parts)]) { options in
            options.seesImages = false
            options.readsDocuments = false
        }?[0]?["content"]?.array?.compactMap { $0["text"]?.string }
        #expect(blocks?.count == 4)
        #expect(blocks?[0] == "[Attachment photo.jpg: its content is not included.]")
        #expect(blocks?[1] == "[Attachment content://9: its content is not included.]")
        #expect(blocks?[2].contains("Paint.") == true && blocks?[2].contains("title=\"lease.txt\"") == true)
        #expect(blocks?[3] == "[Attachment x.pdf (application/pdf): its content is not included.]")
    }

    // MARK: Refusals

    private static let refusals: [(String, ModelRequest, BedrockOptions.Thinking)] = [
        ("extra.messages", ModelRequest(turns: hello, extra: ["messages": []]), .modelDefault),
        ("extra.modelId", ModelRequest(turns: hello, extra: ["modelId": "x"]), .modelDefault),
        ("extra.toolChoice", ModelRequest(turns: hello, extra: ["toolChoice": ["any": [:]]]), .modelDefault),
        ("extra.inferenceConfig", ModelRequest(turns: hello, extra: ["inferenceConfig": 1]), .modelDefault),
        ("turns", ModelRequest(turns: []), .modelDefault),
        ("turns", ModelRequest(turns: [.init(role: .assistant, parts: [.text("x")])] + hello), .modelDefault),
        (
            "turns", ModelRequest(turns: [.init(role: .user, parts: [.toolReturn(ToolReturn(id: "1", name: "n", result: 1))])]),
            .modelDefault
        ),
        ("temperature", ModelRequest(turns: hello, temperature: 1.5), .modelDefault),
        ("temperature", ModelRequest(turns: hello, temperature: 0.5), .adaptive),
        ("maxTokens", ModelRequest(turns: hello, maxTokens: 0), .modelDefault),
        ("maxTokens", ModelRequest(turns: hello, maxTokens: 2_000), .budget(tokens: 2_000)),
        ("thinking.budget_tokens", ModelRequest(turns: hello), .budget(tokens: 1_000)),
        ("stopSequences", ModelRequest(turns: hello, stopSequences: [""]), .modelDefault),
        ("tools", ModelRequest(turns: hello, tools: [ToolDefinition(name: "a.b", description: "", inputSchema: [:])]), .modelDefault),
        ("tools", ModelRequest(turns: hello, tools: [ToolDefinition(name: "ab", description: "", inputSchema: [])]), .modelDefault),
    ]

    @Test(arguments: refusals)
    func whatTheAPIRefuses_isRefusedWithItsField(field: String, request: ModelRequest, thinking: BedrockOptions.Thinking) throws {
        var options = BedrockOptions()
        options.thinking = thinking
        let error = #expect(throws: MillraceError.self) { try ConverseRequest(request, model: Self.model, options: options) }
        #expect(error?.code == .invalidInput && error?.details["field"] == .string(field), "\(String(describing: error))")
    }

    @Test func forcedTool_excludesABudget() throws {
        var options = BedrockOptions()
        options.thinking = .budget(tokens: 1_024)
        options.structuredOutput = .forcedTool
        let request = ModelRequest(turns: Self.hello, outputSchema: Self.schema)
        #expect(throws: MillraceError.self) { try ConverseRequest(request, model: Self.model, options: options) }
    }

    @Test func tokenCount_takesAPartOfTheBody() throws {
        let request = ModelRequest(system: "S", turns: Self.hello, maxTokens: 5)
        let body = try ConverseRequest(request, model: Self.model, options: BedrockOptions()).tokenCountBody
        let messages: JSONValue = [["role": "user", "content": [["text": "Hello"]]]]
        #expect(body == ["input": ["converse": ["messages": messages, "system": [["text": "S"]]]]])
    }
}
