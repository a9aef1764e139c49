import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

/// A guard between a handler and the log: blocks are the log's own, and what is held of one comes back to it.
@Suite struct GuardedRunTests {
    private struct Out: Equatable {
        /// The text of each block, as readers join it.
        var blocks: [Int: String] = [:]
        /// The stored message's texts, in their order.
        var stored: [String] = []
        var ending: RunStatus?
    }

    private static func policy() throws -> GuardrailPolicy {
        GuardrailPolicy(rules: [
            GuardrailRule(personalData: .creditCard), GuardrailRule(personalData: .email),
            try GuardrailRule(name: "stop", words: ["stop"], action: .block),
        ])
    }

    /// Plays a handler's events through a guard into what numbers and stores them, as a run does.
    private static func run(_ events: [Event], ends: [Int: Int] = [:]) async throws -> Out {
        let stages = RunStages([GuardrailStage(try policy())])
        var out = Out()
        var numbering = BlockNumbering()
        var assembler = MessageAssembler()
        func take(_ outcome: RunStages.Outcome) {
            for event in outcome.events {
                let block = numbering.position(of: event)?.index
                if let text = event.text, let block, event.isEmitted { out.blocks[block, default: ""] += text }
                for block in event.discardedBlocks { out.blocks[block] = nil }
                assembler.receive(event, block: block)
            }
            out.ending = out.ending ?? outcome.ending
        }
        for (index, event) in events.enumerated() {
            try await stages.process(event) { take($0) }
            if let block = ends[index] { try await stages.endBlock(block) { take($0) } }
            if out.ending != nil { return out }
        }
        try await stages.finish { take($0) }
        out.stored = assembler.finish().map { part in
            switch part {
            case .text(let text): text
            case .reasoning(let reasoning): "(\(reasoning.text))\(reasoning.signature ?? "")"
            case .toolCall: "call"
            default: "other"
            }
        }
        return out
    }

    private static func content(_ text: String, _ block: Int? = nil) -> Event {
        var event = Event.content(text)
        event.contentBlockIndex = block
        return event
    }

    private static let call = Event.toolCall(ToolCall(id: "1", name: "f", arguments: .null))
    private static let returned = Event.toolReturn(ToolReturn(id: "1", name: "f", result: .null))
    private static let masked = "{CREDIT_CARD}."

    @Test func heldTail_staysInItsBlock_whenANumberedOneBegins() async throws {
        let out = try await Self.run([Self.content("card 4111 1111 "), Self.content("1111 1111.", 1)])
        #expect(out.blocks == [0: "card 4111 1111 ", 1: "1111 1111."])
        let reasoned = try await Self.run([
            Self.content("Dear Bob"), .reasoning(Reasoning(text: "hm.")), Self.content(" Hi."),
        ])
        #expect(reasoned.blocks == [0: "Dear Bob", 1: "hm.", 2: " Hi."])
        #expect(reasoned.stored == ["Dear Bob", "(hm.)", " Hi."])
    }

    @Test func toolReturn_doesNotCutABlock() async throws {
        let out = try await Self.run([Self.content("4111 1111 "), Self.returned, Self.content("1111 1111.")])
        #expect(out.blocks == [0: Self.masked])
    }

    @Test func textWithoutANumber_isGuardedInTheBlockThatItJoins() async throws {
        let out = try await Self.run([Self.content("4111 1111 ", 7), Self.content("x.", 2), Self.content("1111 1111.")])
        #expect(out.blocks == [7: Self.masked, 2: "x."])
        let zero = try await Self.run([Self.content("4111 1111 "), Self.content("1111 1111.", 0)])
        #expect(zero.blocks == [0: Self.masked])
    }

    @Test func discardedBlock_doesNotComeBack() async throws {
        let restarted = Event.status("restarted", message: "again", discardedBlocks: [0])
        let out = try await Self.run([Self.content("wrong answer"), restarted, Self.content("right ")])
        #expect(out.blocks.values.joined() == "right ")
        #expect(out.stored == ["right "])
    }

    @Test func maskedReasoning_isStillABlockOfItsOwn() async throws {
        let out = try await Self.run([
            .reasoning(Reasoning(text: "a@b.de and 4111 1111 ", signature: "S1")),
            .reasoning(Reasoning(text: "1111 1111 ok ", signature: "S2")),
        ])
        #expect(out.blocks == [0: "{EMAIL} and 4111 1111 ", 1: "1111 1111 ok "])
        #expect(out.stored == ["({EMAIL} and 4111 1111 )", "(1111 1111 ok )S2"])
    }

    /// An answer whose blocks are numbered, since it may be taken back.
    @Test func numberedAnswer_keepsItsOrder() async throws {
        var thought = Event.reasoning(Reasoning(text: "I think"))
        thought.contentBlockIndex = 0
        var call = Self.call
        call.contentBlockIndex = 2
        let events = [thought, Self.content("The answer", 1), call, Self.content("done", 3)]
        let ended = try await Self.run(events, ends: [0: 0, 1: 1, 3: 3])
        #expect(ended.stored == ["(I think)", "The answer", "call", "done"])
        // Nobody says when the blocks end: what comes late still joins its part.
        #expect(try await Self.run(events).stored == ended.stored)
    }

    @Test func hiddenText_isStoredApartFromWhatReadersGet() async throws {
        let out = try await Self.run([Self.content("4111 1111 ").hidden(), Self.content("1111 1111.")])
        #expect(out.stored.sorted() == ["1111 1111.", "4111 1111 "])
    }

    @Test func behindABlock_nothingPasses() async throws {
        let stages = RunStages([GuardrailStage(try Self.policy())])
        var ending: RunStatus?
        try await stages.process(.content("now stop it")) { ending = $0.ending }
        #expect(ending == .blocked)
        try await stages.process(.content("more")) { outcome in
            #expect(outcome.ending == .blocked && outcome.events.isEmpty)
        }
    }

    @Test func errorsTexts_areMasked() async throws {
        let stages = RunStages([GuardrailStage(try Self.policy())])
        let error = MillraceError(.notFound, "no customer jo@example.org", details: ["who": "jo@example.org", "n": 3])
        let checked = await stages.checked(error)
        #expect(checked.message == "no customer {EMAIL}")
        #expect(checked.details == ["who": "{EMAIL}", "n": 3])
        #expect(await stages.checked(MillraceError(.notFound, "stop")).message == "the run failed; what it says was blocked by a guardrail")
    }

    @Test func customEvent_survivesTheBlockThatIsTakenBack() async throws {
        let own = Event.custom(EventKind(rawValue: "own"), ["a": 1])
        let restarted = Event.status("restarted", message: "again", discardedBlocks: [1])
        let stages = RunStages([GuardrailStage(try Self.policy())])
        var kinds: [EventKind] = []
        for event in [Self.content("half", 1), own, restarted] { try await stages.process(event) { kinds += $0.events.map(\.kind) } }
        try await stages.finish { kinds += $0.events.map(\.kind) }
        #expect(kinds.contains(own.kind))
    }
}
