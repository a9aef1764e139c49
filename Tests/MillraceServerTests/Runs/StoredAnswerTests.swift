import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct StoredAnswerTests {
    /// What a log of those events holds as text when a crash cuts the run off behind them.
    private func parts(_ events: [Event]) throws -> [MessagePart] {
        var log = RunLog(responseID: "r_1", limits: RunLogLimits())
        var answer = StoredAnswer()
        for event in events {
            try log.append(event, at: EventStamp(Timestamp(microseconds: 0)))
            if let batch = log.seal() { answer.receive(batch.frames.bytes) }
        }
        return answer.parts
    }

    private func content(_ text: String, _ block: Int) -> Event {
        var event = Event.content(text)
        event.contentBlockIndex = block
        return event
    }

    @Test func cutOffRun_keepsItsText() throws {
        #expect(
            try parts([.content("a"), .toolCall(ToolCall(id: "1", name: "n", arguments: [:])), .content("b"), .content("c")])
                == [.text("a"), .text("bc")])
    }

    /// Also what a run has used that a crash has cut off stands in its message.
    @Test func closedRun_namesItsPrompts() {
        let used = PromptReference(name: "chat/system.xml.j2", version: 3, hash: "aa", origin: .stored)
        let time = Timestamp(microseconds: 0)
        let record = RunRecord(
            responseID: "r_1", chatID: "c", task: "chat", modelID: nil, status: .running, requestID: "q", userMessageID: "m",
            startedAt: time, prompts: [used])
        let message = Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: [], createdAt: time)
        let handle = RunHandle(principal: .local, responseID: "r_1", number: 1)
        let append = RunRecovery.closing(
            UnfinishedRun(handle: handle, record: record, userMessage: message), parts: [], reason: "stopped", at: time)
        #expect(append.completion?.message.metadata == ["prompts": [used.json]])
    }

    @Test func discardedBlocks_areNotInTheStoredAnswer() throws {
        let restart = Event.status("restarted", message: "anew", discardedBlocks: [1, 2])
        #expect(
            try parts([.content("kept"), content("gone", 1), content("gone", 2), restart, content("late", 2), .content("new")])
                == [.text("kept"), .text("new")])
    }
}
