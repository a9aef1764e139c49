import MillraceCore
import Testing

@testable import Millrace

@Suite struct LanguageModelRegistryTests {
    private struct Silent: LanguageModel {
        let id: String
        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: id)
        }
    }

    private func registry(_ tasks: [String: String] = ["chat": "big", "rag": "small"]) throws -> LanguageModelRegistry {
        try LanguageModelRegistry(default: Silent(id: "plain"), others: [Silent(id: "big"), Silent(id: "small")], tasks: tasks)
    }

    @Test(
        arguments: [
            ("small", "chat", nil, "small"), (nil, "chat", nil, "big"), (nil, "chat", "small", "big"), (nil, "other", "small", "small"),
            (nil, "other", nil, "plain"), ("plain", "rag", "big", "plain"),
        ] as [(String?, String, String?, String)])
    func model_isTheRequestsThenTheTasksThenTheHandlersThenTheDefault(named: String?, task: String, handler: String?, chosen: String) throws
    {
        #expect(try registry().model(named, task: task, preferred: handler).id == chosen)
    }

    @Test func request_choosesByItsTask_alsoWithAnotherDefault() throws {
        let message = Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: [], createdAt: Timestamp(microseconds: 0))
        var request = TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "rag", message: message)
        #expect(try registry().with(default: "big").model(for: request).id == "small")
        request.modelID = "plain"
        #expect(try registry().model(for: request).id == "plain")
        request.modelID = "none"
        #expect(throws: MillraceError.self) { try registry().model(for: request) }
    }

    @Test func taskWithAnUnknownModel_isRefused_andNamesANearOne() throws {
        let error = #expect(throws: MillraceError.self) { try registry(["chat": "smal"]) }
        #expect(error?.code == .configuration)
        #expect(
            error?.message
                == "the task 'chat' is to use the model 'smal', which there is not: did you mean 'small'? there are: big, plain, small")
    }
}
