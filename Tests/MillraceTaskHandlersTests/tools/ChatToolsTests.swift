import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

/// `chat` with tools that configuration allows.
@Suite struct ChatToolsTests {
    /// Answers each call by a script, the last entry again and again.
    private struct Scripted: LanguageModel {
        let id = "scripted"
        var capabilities = ModelCapabilities.all
        let answers: [[ModelEvent]]
        let requests = Locked<[ModelRequest]>([])

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            let number = requests.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
            for event in answers[min(number, answers.count - 1)] { try await receive(event) }
            return ModelResponse(stopReason: .endTurn, usage: Usage(promptTokens: 3, completionTokens: 1), modelID: "scripted-1")
        }
    }

    private static func message(_ parts: MessagePart..., role: MessageRole = .user) -> Message {
        Message(id: "m", chatID: "c", parentID: nil, role: role, parts: parts, createdAt: Timestamp(microseconds: 0))
    }

    private static func chat(
        _ message: Message, _ model: any LanguageModel, tools names: [String], history: [Message] = [], registry: ToolRegistry? = nil,
        change: (inout ChatSettings) -> Void = { _ in }
    ) async throws -> RunRecorder {
        var settings = ChatSettings()
        settings.tools = names
        change(&settings)
        let recorder = RunRecorder()
        let registry = try registry ?? BuiltInTools.registry(documents: PagedExtractor())
        let handler = ChatHandler(
            models: try LanguageModelRegistry(default: model), settings: LiveSettings(settings), tools: registry)
        try await handler.handle(
            TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "chat", message: message, history: history), recorder.context)
        return recorder
    }

    private static func returns(_ recorder: RunRecorder) -> [JSONValue] {
        recorder.events.compactMap { if case .toolReturn(let result) = $0.body { result.result } else { nil } }
    }

    @Test func onlyToolsThatAreAllowed_areOffered() async throws {
        let model = Scripted(answers: [[.text("Hi.")]])
        let recorder = try await Self.chat(Self.message(.text("Hi")), model, tools: ["current_time", "calculate", "search_documents"])
        // The search has no engine here.
        #expect(model.requests.withLock { $0.map { $0.tools.map(\.name) } } == [["current_time", "calculate"]])
        #expect(
            recorder.events.last
                == .metadata(["model_id": "scripted-1", "stop_reason": "end_turn", "documents": 0, "tool_calls": 0]))
        let without = Scripted(answers: [[.text("Hi.")]])
        #expect(try await Self.chat(Self.message(.text("Hi")), without, tools: []).text == "Hi.")
        #expect(without.requests.withLock { $0.map(\.tools) } == [[]])
    }

    @Test func modelThatCallsNoTools_isOfferedNone() async throws {
        let recorder = try await Self.chat(
            Self.message(.text("What is 1 + 1?")), LocalLanguageModel(), tools: ["calculate"])
        #expect(!recorder.text.isEmpty && !recorder.events.contains { $0.kind == .toolCall })
    }

    @Test func documentOfTheMessage_isReadByPages_andCalculatedWith() async throws {
        let document = Attachment(data: Array("Rent: 2,850\u{C}Deposit: three rents".utf8), mimeType: "application/pdf", title: "lease.pdf")
        let model = Scripted(answers: [
            [
                .toolCall(ToolCall(id: "1", name: "read_document", arguments: ["document": "lease.pdf", "first_page": 2])),
                .toolCall(ToolCall(id: "2", name: "calculate", arguments: ["expression": "3 * 2850"])),
            ], [.text("8550 euros.")],
        ])
        let recorder = try await Self.chat(
            Self.message(.text("How much is the deposit?"), .document(document)), model, tools: ["read_document", "calculate"])
        #expect(Self.returns(recorder).contains(["result": "8550"]))
        #expect(Self.returns(recorder).contains { $0["text"] == "[page 2]\nDeposit: three rents" })
        #expect(recorder.text == "8550 euros." && recorder.usage == Usage(promptTokens: 6, completionTokens: 2))
    }

    @Test func callsOfTurnsBefore_areHandedOn_withTheirResults() async throws {
        let (call, result) = (
            ToolCall(id: "1", name: "calculate", arguments: ["expression": "1+1"]), ToolReturn(id: "1", name: "calculate", result: "2")
        )
        let answer = Self.message(.toolCall(call), .toolReturn(result), .text("2."), role: .assistant)
        let model = Scripted(answers: [[.text("Yes.")]])
        _ = try await Self.chat(
            Self.message(.text("Sure?")), model, tools: ["calculate"], history: [Self.message(.text("1+1?")), answer])
        let turns = model.requests.withLock { $0[0].turns }
        #expect(turns[1] == .init(role: .assistant, parts: [.toolCall(call), .toolReturn(result), .text("2.")]))
    }

    @Test func modelThatOnlyCalls_endsTheRunWithAnError() async throws {
        let model = Scripted(answers: [[.toolCall(ToolCall(id: "1", name: "calculate", arguments: ["expression": "1+1"]))]])
        let error = await #expect(throws: MillraceError.self) {
            _ = try await Self.chat(Self.message(.text("Hi")), model, tools: ["calculate"]) { $0.maxToolRounds = 3 }
        }
        #expect(error?.code == .limitExceeded && error?.message.contains("chatConfig.maxToolRounds") == true)
        #expect(model.requests.withLock { $0.count } == 5)
    }

    @Test func collection_isSearched_andItsDocumentsAreShown() async throws {
        let collection = try await TestCollection()
        let model = Scripted(answers: [
            [.toolCall(ToolCall(id: "1", name: "search_documents", arguments: ["queries": ["warranty X100"]]))], [.text("Two years.")],
        ])
        let recorder = try await Self.chat(
            Self.message(.text("How long is the warranty?")), model, tools: ["search_documents"],
            registry: BuiltInTools.registry(search: collection.engine))
        let found = try #require(Self.returns(recorder).first?.string)
        #expect(found.contains("<source ref=\"1\" title=\"X100 manual\"") && found.contains("The warranty of the X100 is two years"))
        #expect(recorder.events.contains { if case .document(let document) = $0.body { document.documentID == "doc_x100" } else { false } })

        // What operators are told is not for the model.
        let other = try await Self.chat(
            Self.message(.text("?")), Scripted(answers: model.answers), tools: ["search_documents"],
            registry: BuiltInTools.registry(
                search: collection.engine, settings: LiveSettings(Self.settings { $0.searchCollection = "none" })))
        #expect(Self.returns(other) == ["the documents cannot be searched now"])
    }

    private static func settings(_ change: (inout ChatSettings) -> Void) -> ChatSettings {
        var settings = ChatSettings()
        change(&settings)
        return settings
    }
}
