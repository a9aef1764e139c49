import MillraceCore
import Testing

@testable import Millrace

@Suite struct RestartedAnswerTests {
    /// Plays its script.
    private struct Script: LanguageModel {
        let id = "script"
        var events: [ModelEvent]

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            for event in events { try await receive(event) }
            return ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: id)
        }
    }

    private let reason = MillraceError(.modelError, "the connection broke")
    private let call = ToolCall(id: "1", name: "n", arguments: [:])
    private let citation = Citation(documentID: "d", text: "t")
    private var request: ModelRequest { ModelRequest(turns: [], allowsRestart: true) }

    /// The stored message of a run that emits `events`, by the numbers that the log gives.
    private func message(_ events: [Event]) throws -> [MessagePart] {
        var log = RunLog(responseID: "r", limits: RunLogLimits())
        var assembler = MessageAssembler()
        for event in events {
            let block = try log.append(event, at: EventStamp(Timestamp(microseconds: 0)))
            assembler.receive(event, block: block)
        }
        return assembler.finish()
    }

    @Test func restart_namesTheAnswersBlocks_andNothingBefore() async throws {
        let recorder = RunRecorder()
        let context = recorder.context
        try await context.emit(.content("Intro. "))
        let script: [ModelEvent] = [
            .reasoning(Reasoning(text: "hm")), .text("old "), .citation(citation), .text("text"), .toolCall(call), .toolCall(call),
            .restarted(model: "b", reason: reason), .text("new"),
        ]
        let answer = try await context.generate(request, with: Script(events: script))
        try await context.emit(.content(" Outro."))
        #expect(answer.text == "new")
        #expect(answer.toolCalls.isEmpty)
        #expect(recorder.events.map(\.contentBlockIndex) == [nil, 1, 2, 2, 2, 3, 4, nil, 5, nil])
        #expect(
            recorder.events[7]
                == .status(
                    "restarted", message: "The answer is begun anew with the model 'b': the connection broke",
                    discardedBlocks: [1, 2, 3, 4]))
        #expect(try message(recorder.events) == [.text("Intro. "), .text("new Outro.")])
    }

    /// Wherever an answer is cut, what was said before the cut is not in the message, and what follows is.
    @Test(arguments: 0...6)
    func restartAfterAnyPiece_leavesOnlyTheSecondAnswer(count: Int) async throws {
        let pieces: [ModelEvent] = [
            .text("a"), .citation(citation), .reasoning(Reasoning(text: "b")), .toolCall(call), .citation(citation), .text("c"),
        ]
        let second: [ModelEvent] = [.text("new"), .citation(citation), .toolCall(call)]
        let recorder = RunRecorder()
        try await recorder.context.emit(.content("before"))
        let script = pieces.prefix(count) + [.restarted(model: "b", reason: reason)] + second
        let answer = try await recorder.context.generate(request, with: Script(events: Array(script)))
        #expect(answer.text == "new")
        #expect(answer.toolCalls == [call])
        #expect(try message(recorder.events) == [.text("before"), .text("new"), .citation(citation), .toolCall(call)])
    }

    @Test func twoRestarts_eachTakeBackTheirOwn() async throws {
        let recorder = RunRecorder()
        let script: [ModelEvent] = [
            .text("a"), .restarted(model: "b", reason: reason), .text("b"), .restarted(model: "c", reason: reason), .text("c"),
        ]
        try await recorder.context.generate(request, with: Script(events: script))
        #expect(recorder.events.map(\.discardedBlocks) == [[], [0], [], [1], []])
        #expect(try message(recorder.events) == [.text("c")])
    }

    @Test func implicitTextBehindARestart_isInANewBlock() throws {
        let events: [Event] = [.content("a"), .status("restarted", message: "m", discardedBlocks: [0]), .content("b")]
        #expect(try message(events) == [.text("b")])
        var blocks = BlockNumbering()
        #expect(events.map { blocks.position(of: $0)?.index } == [0, nil, 1])
    }

    @Test func lateTextOfADiscardedBlock_isDropped() throws {
        var late = Event.content("late")
        late.contentBlockIndex = 0
        let restart = Event.status("restarted", message: "m", discardedBlocks: [0])
        #expect(try message([.content("a"), restart.transient(), late, .content("b")]) == [.text("b")])
    }

    @Test func reservedBlock_isJoinedByNoOtherText() {
        var blocks = BlockNumbering()
        #expect(blocks.position(of: .content("a"))?.index == 0)
        #expect(blocks.reserve() == 1)
        #expect(blocks.position(of: .content("b"))?.index == 2)
        var named = Event.content("c")
        named.contentBlockIndex = 1
        #expect(blocks.position(of: named) == .init(index: 1, sequence: 0))
        #expect(blocks.position(of: .content("d")) == .init(index: 2, sequence: 1))
    }

    @Test func requestThatAllowsNone_refusesARestart() async throws {
        let recorder = RunRecorder()
        let model = Script(events: [.text("a"), .restarted(model: "b", reason: reason)])
        let error = await #expect(throws: MillraceError.self) {
            try await recorder.context.generate(ModelRequest(turns: []), with: model)
        }
        #expect(error?.code == .modelError)
        #expect(recorder.events == [.content("a")])
    }

    @Test func restartOnTheWire_listsTheBlocks() throws {
        var log = RunLog(responseID: "r", limits: RunLogLimits())
        try log.append(.status("restarted", message: "m", discardedBlocks: [3, 4]), at: EventStamp(Timestamp(microseconds: 0)))
        try log.append(.status("s", message: "m"), at: EventStamp(Timestamp(microseconds: 0)))
        let lines = (log.seal()?.frames.string ?? "").split(separator: "\n").filter { $0.hasPrefix("data:") }
        #expect(lines.first?.contains(#""status":"restarted","message":"m","discarded_blocks":[3,4]}"#) == true)
        #expect(lines.last?.contains("discarded_blocks") == false)
    }
}
