import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct ChatHandlerTests {
    /// Keeps the request that it gets and plays a script.
    private struct Recorder: LanguageModel {
        let id = "recorder"
        var seesImages = false
        var script: [ModelEvent] = [.text("Fine.")]
        var stopReason = StopReason.endTurn
        let requests = Locked<[ModelRequest]>([])

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            requests.withLock { $0.append(request) }
            for event in script { try await receive(event) }
            return ModelResponse(stopReason: stopReason, usage: Usage(promptTokens: 2, completionTokens: 1), modelID: "recorder-1")
        }
        var request: ModelRequest? { requests.withLock { $0.last } }
    }

    private func message(_ parts: MessagePart..., role: MessageRole = .user) -> Message {
        Message(id: "m", chatID: "c", parentID: nil, role: role, parts: parts, createdAt: Timestamp(microseconds: 0))
    }

    private func request(
        _ message: Message, history: [Message] = [], persona: String? = nil, context: [ContextItem] = [], modelID: String? = nil
    ) -> TaskRequest {
        TaskRequest(
            responseID: "r", requestID: "q", chatID: "c", task: "chat", modelID: modelID, message: message, history: history,
            persona: persona,
            context: context)
    }

    private func handle(_ request: TaskRequest, _ model: any LanguageModel, historyCharacters: Int = 200_000) async throws -> RunRecorder {
        let sink = RunRecorder()
        var settings = ChatSettings()
        settings.historyCharacters = historyCharacters
        let handler = ChatHandler(models: try LanguageModelRegistry(default: model), settings: LiveSettings(settings))
        try await handler.handle(request, sink.context)
        return sink
    }

    private func file(_ text: String, _ title: String) -> MessagePart {
        .document(Attachment(data: Array(text.utf8), mimeType: "text/plain", title: title))
    }

    @Test func plainMessage_streamsBetweenStatusAndMetadata() async throws {
        let model = Recorder()
        let sink = try await handle(request(message(.text("Hi")), history: [], persona: "Be brief."), model)
        #expect(
            sink.events == [
                .status("thinking", message: "Thinking about your message"), .content("Fine."),
                .metadata(["model_id": "recorder-1", "stop_reason": "end_turn", "documents": 0]),
            ])
        #expect(model.request == ModelRequest(system: "Be brief.", turns: [.init(role: .user, parts: [.text("Hi")])]))
        #expect(sink.usage == Usage(promptTokens: 2, completionTokens: 1))
    }

    @Test(
        arguments: [(nil, nil), ("", nil), ("Say <b> & \"no\".\n", "Say <b> & \"no\".\n"), ("{{ x }}", "{{ x }}")] as [(String?, String?)])
    func persona_reachesTheModelUnchanged(persona: String?, system: String?) async throws {
        let model = Recorder()
        let run = try await handle(request(message(.text("Hi")), persona: persona), model)
        #expect(model.request?.system == system)
        #expect(run.prompts.map(\.name) == ["chat/system.xml.j2"] && run.prompts.first?.origin == .embedded)
    }

    @Test func anotherPrompt_isUsed_withWhatTheHandlerKnows() async throws {
        let model = Recorder()
        let text =
            "<p>{{ persona }}</p>{{ documents|map(attribute='title')|join(',') }} {{ task }} {{ model_id }} {{ messages }} {{ date|length }}"
        let handler = ChatHandler(
            models: try LanguageModelRegistry(default: model), prompts: PromptFolder("chat", ["system.xml.j2": text]))
        try await handler.handle(request(message(file("a", "one"), .text("Hi")), persona: "A & B"), RunRecorder().context)
        #expect(model.request?.system == "<p>A &amp; B</p>one chat recorder 1 10")
    }

    @Test func textsOfHistoryContextAndMessage_becomeDocuments() async throws {
        let model = Recorder()
        let context = [
            ContextItem(type: "text", attachment: nil, fields: ["content": "c d", "title": "two"]),
            ContextItem(type: "document", attachment: Attachment(data: Array("e".utf8), title: "three"), fields: [:]),
            ContextItem(type: "weather", attachment: nil, fields: ["content": "rain"]),
        ]
        let history = [
            message(file("a", "one"), .text("Old")), message(.text("Yes"), role: .assistant), message(.text(""), role: .assistant),
        ]
        let sink = try await handle(request(message(.text("New"), file("f g h", "four")), history: history, context: context), model)
        #expect(
            model.request?.documents == [
                ModelDocument(id: "doc_1", title: "one", text: "a"), ModelDocument(id: "doc_2", title: "two", text: "c d"),
                ModelDocument(id: "doc_3", title: "three", text: "e"), ModelDocument(id: "doc_4", title: "four", text: "f g h"),
            ])
        #expect(
            model.request?.turns == [
                .init(role: .user, parts: [.text("Old")]), .init(role: .assistant, parts: [.text("Yes")]),
                .init(role: .user, parts: [.text("New")]),
            ])
        #expect(
            sink.events.filter { $0.kind == .document } == [
                .document(DocumentReference(documentID: "doc_2", title: "two", mimeType: "text/plain", wordCount: 2)),
                .document(DocumentReference(documentID: "doc_3", title: "three", mimeType: "text/plain", wordCount: 1)),
                .document(DocumentReference(documentID: "doc_4", title: "four", mimeType: "text/plain", wordCount: 3)),
            ])
        #expect(sink.events.last == .metadata(["model_id": "recorder-1", "stop_reason": "end_turn", "documents": 4]))
    }

    @Test func unreadableAttachments_areSkippedAloud() async throws {
        let model = Recorder()
        let image = Attachment(data: [1, 2], mimeType: "image/png", title: "photo.png")
        let binary = Attachment(data: [0, 255], mimeType: "application/zip", title: "x.zip")
        let parts = message(.text("See"), .image(image), .document(binary), .document(Attachment(pointer: "content://1")))
        let sink = try await handle(request(parts), model)
        #expect(
            sink.events.prefix(3) == [
                .status("attachment_skipped", message: "photo.png (image/png) is left out: the model cannot read it"),
                .status("attachment_skipped", message: "x.zip (application/zip) is left out: the model cannot read it"),
                .status("attachment_skipped", message: "content://1 is left out: its content did not come with the request"),
            ])
        let named = Attachment(mimeType: "image/png", title: "photo.png")
        #expect(model.request?.turns.first?.parts.contains(.image(named)) == true)

        let seeing = Recorder(seesImages: true)
        _ = try await handle(request(message(.image(image))), seeing)
        #expect(seeing.request?.turns.first?.parts == [.image(image)])
    }

    @Test(arguments: [(9, 3), (8, 2), (5, 1), (4, 1), (2, 0), (0, 0)])
    func longHistory_keepsTheNewest(characters: Int, kept: Int) async throws {
        let model = Recorder()
        let history = [message(.text("äaa")), message(.text("bbb"), role: .assistant), message(.text("c"))]
        let sink = try await handle(request(message(.text("dd")), history: history), model, historyCharacters: characters)
        #expect(model.request?.turns.count == kept + 1)
        #expect(model.request?.turns.last?.text == "dd")
        let notice = sink.events.first {
            $0 == .status("history_shortened", message: "The conversation is long: its \(3 - kept) oldest messages are left out")
        }
        #expect((notice != nil) == (kept < 3))
    }

    /// What tools have given in earlier turns does not drive the conversation out.
    @Test func resultsOfEarlierTurns_areShortened() async throws {
        let model = Recorder()
        let long = String(repeating: "x", count: 20_000)
        let calls = (0..<20).flatMap { number -> [MessagePart] in
            [
                .toolCall(ToolCall(id: "\(number)", name: "read", arguments: [:])),
                .toolReturn(ToolReturn(id: "\(number)", name: "read", result: ["text": .string(long)])),
            ]
        }
        var answer = message(.text("It says x."), role: .assistant)
        answer.parts = calls + answer.parts
        _ = try await handle(request(message(.text("And?")), history: [message(.text("What does it say?")), answer]), model)
        let turns = try #require(model.request?.turns)
        #expect(turns.count == 3 && turns[0].text == "What does it say?")
        let results = turns[1].parts.compactMap { if case .toolReturn(let result) = $0 { result.result.string } else { nil } }
        #expect(results.count == 20 && results.allSatisfy { $0.count < 1_100 && $0.hasSuffix("[shortened: call the tool again for more]") })
    }

    @Test func tokenLimit_isACompletedAnswer() async throws {
        let sink = try await handle(request(message(.text("Hi"))), Recorder(stopReason: .maxTokens))
        #expect(sink.events.last == .metadata(["model_id": "recorder-1", "stop_reason": "max_tokens", "documents": 0]))
    }

    @Test(arguments: [StopReason.contentFilter, .guardrail])
    func filteredAnswer_failsOnlyWhenNothingIsLeft(reason: StopReason) async throws {
        await #expect { try await handle(request(message(.text("Hi"))), Recorder(script: [], stopReason: reason)) } throws: {
            ($0 as? MillraceError)?.code == .modelError
        }
        #expect(try await handle(request(message(.text("Hi"))), Recorder(stopReason: reason)).events.last?.kind == .metadata)
    }

    @Test func unknownModel_isRefusedBeforeAnything() async throws {
        await #expect { try await handle(request(message(.text("Hi")), modelID: "none"), Recorder()) } throws: {
            ($0 as? MillraceError)?.code == .invalidInput
        }
    }

    @Test func failingModel_keepsItsUsageAndError() async throws {
        let model = ScriptedLanguageModel(
            [.text("a"), .usage(Usage(promptTokens: 7))], failure: .init(afterEvents: 2, error: MillraceError(.modelError, "cut off")))
        let sink = RunRecorder()
        let handler = ChatHandler(models: try LanguageModelRegistry(default: model))
        await #expect(throws: MillraceError(.modelError, "cut off")) {
            try await handler.handle(request(message(.text("Hi"))), sink.context)
        }
        #expect(sink.usage == Usage(promptTokens: 7))
        #expect(sink.events.last == .content("a"))
    }

    @Test func localModel_quotesTheAttachedFile() async throws {
        let text = file("The mill was built in 1712. It ground barley.", "mill.txt")
        let sink = try await handle(request(message(text, .text("When was the mill built?"))), LocalLanguageModel())
        let answer = sink.events.compactMap { $0.kind == .content ? $0.text : nil }.joined()
        #expect(answer == "On “mill” and “built”, mill.txt says:\n\n“The mill was built in 1712.” — mill.txt, paragraph 1 [1]")
        let citation = Citation(
            documentID: "doc_1", text: "The mill was built in 1712.", section: "paragraph 1", citationID: "cit_1", referenceNumber: 1,
            documentTitle: "mill.txt")
        #expect(sink.events.contains(.citation(citation)))
        // An attachment of an earlier message still answers.
        let later = try await handle(request(message(.text("And what about barley?")), history: [message(text)]), LocalLanguageModel())
        #expect(later.events.contains { $0.kind == .citation })
    }
}
