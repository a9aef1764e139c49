import Millrace
import Testing

@Suite struct GeneratedAnswerTests {
    private struct Model: LanguageModel {
        let id = "m"
        let events: [ModelEvent]
        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            for event in events { try await receive(event) }
            return ModelResponse(stopReason: .toolUse, usage: .unknown, modelID: "m")
        }
    }

    @Test func parts_areTheTurnToHandBack_inOrder() async throws {
        let call = ToolCall(id: "1", name: "look", arguments: ["q": "x"])
        let model = Model(events: [
            .reasoning(Reasoning(text: "I ")), .reasoning(Reasoning(text: "think")), .reasoning(Reasoning(signature: "s1")),
            .reasoning(Reasoning(redactedContent: "r")), .reasoning(Reasoning(text: "again", signature: "s2")), .text("Hé"), .text("llo"),
            .citation(Citation(documentID: "d", text: "t")), .toolCall(call), .reasoning(Reasoning(text: "more")), .text("!"),
        ])
        let recorder = RunRecorder()
        let answer = try await recorder.context.generate(ModelRequest(turns: []), with: model)
        #expect(
            answer.parts == [
                .reasoning(Reasoning(text: "I think", signature: "s1")), .reasoning(Reasoning(redactedContent: "r")),
                .reasoning(Reasoning(text: "again", signature: "s2")), .text("Héllo"), .toolCall(call),
                .reasoning(Reasoning(text: "more")), .text("!"),
            ])
        #expect(answer.text == "Héllo!" && answer.toolCalls == [call])
        #expect(GeneratedAnswer().parts.isEmpty)
    }
}
