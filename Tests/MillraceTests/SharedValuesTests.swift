import Millrace
import MillraceCore
import Testing

/// Messages and requests are kept out of line; they are values all the same.
@Suite struct SharedValuesTests {
    private static let message = Message(
        id: "m_1", chatID: "c_1", parentID: "m_0", role: .user, parts: [.text("Hello")], createdAt: .init(microseconds: 5), modelID: "x",
        usage: Usage(promptTokens: 3), metadata: ["a": 1], status: .completed)

    private static let changes: [@Sendable (inout Message) -> Void] = [
        { $0.id = "m_2" }, { $0.chatID = "c_2" }, { $0.parentID = nil }, { $0.role = .assistant }, { $0.parts.append(.text("!")) },
        { $0.createdAt = .init(microseconds: 6) }, { $0.modelID = nil }, { $0.usage = Usage(promptTokens: 4) }, { $0.usage = nil },
        { $0.metadata["b"] = 2 }, { $0.status = .error },
    ]

    @Test(arguments: changes.indices)
    func changedMessage_isAnother_andItsCopyStays(_ change: Int) {
        var changed = Self.message
        Self.changes[change](&changed)
        #expect(changed != Self.message)
        #expect(Self.message.id == "m_1" && Self.message.parts == [.text("Hello")] && Self.message.usage?.promptTokens == 3)
    }

    @Test func changedRequest_isAnother_andItsCopyStays() {
        let request = TaskRequest(
            responseID: "r", requestID: "q", chatID: "c", task: "t", modelID: "m", message: Self.message, history: [], persona: "p",
            context: [])
        let changes: [(inout TaskRequest) -> Void] = [
            { $0.responseID = "" }, { $0.requestID = "" }, { $0.chatID = "" }, { $0.task = "" }, { $0.modelID = nil },
            { $0.message.parts = [] }, { $0.history.append(Self.message) }, { $0.persona = nil },
            { $0.context.append(ContextItem(type: "text", attachment: nil, fields: [:])) },
        ]
        for change in changes {
            var changed = request
            change(&changed)
            #expect(changed != request)
        }
        #expect(request.message == Self.message && request.text == "Hello" && request.history.isEmpty && request.context.isEmpty)
    }
}
