import MillraceCore
import Testing

@testable import Millrace

@Suite struct TextGuardStageTests {
    /// Masks "cat", blocks "stop", fails at "fail"; keeps what it was asked.
    private final class ScriptedGuard: TextGuard {
        let asked = Locked<[String]>([])

        func check(_ text: String, side: GuardrailRule.Side) async throws -> TextGuardVerdict {
            asked.withLock { $0.append("\(side.rawValue): \(text)") }
            if text.contains("fail") { throw MillraceError(.modelError, "no answer") }
            if text.contains("stop") { return .block(message: "no") }
            return text.contains("cat") ? .replace("# \(text.count)") : .pass
        }
    }

    private static func run(_ events: [Event], _ guardian: ScriptedGuard = ScriptedGuard()) async throws -> (
        events: [Event], ending: RunStatus?
    ) {
        let stage = TextGuardStage(guardian)
        var out: [Event] = []
        var numbering = BlockNumbering()
        for event in events.map({ numbering.numbered($0) }) {
            switch try await stage.process(event) {
            case .pass: out.append(event)
            case .replace(let events): out += events
            case .hold: break
            case .end(let status, let events): return ((out + events).map(plain), status)
            }
        }
        switch try await stage.finish() {
        case .replace(let events): out += events
        case .end(let status, let events): return ((out + events).map(plain), status)
        default: break
        }
        return (out.map(plain), nil)
    }

    /// The event without the number that Millrace has given it.
    private static func plain(_ event: Event) -> Event {
        var event = event
        if event.isBlockAssigned { event.contentBlockIndex = nil }
        event.isBlockAssigned = false
        return event
    }

    @Test func block_isJudgedWhole_andGoesOnAsItCame() async throws {
        let guardian = ScriptedGuard()
        let (out, _) = try await Self.run([.content("a d"), .status("s", message: "m"), .content("og")], guardian)
        #expect(out == [.status("s", message: "m"), .content("a d"), .content("og")])
        #expect(guardian.asked.withLock { $0 } == ["output: a dog"])
    }

    @Test func replacedText_standsInThePlaceOfAllPieces() async throws {
        let (out, _) = try await Self.run([.content("a c"), .content("at")])
        #expect(out == [.content("# 5")])
    }

    @Test func blockedText_endsTheRun() async throws {
        let (out, ending) = try await Self.run([.content("st"), .content("op"), .toolCall(ToolCall(id: "1", name: "f", arguments: .null))])
        #expect(ending == .blocked)
        #expect(out == [.status("blocked", message: "no")])
    }

    @Test func toolCall_comesBehindTheTextBefore() async throws {
        let call = Event.toolCall(ToolCall(id: "1", name: "f", arguments: .null))
        let guardian = ScriptedGuard()
        let (out, _) = try await Self.run([.content("one"), call, .content("two")], guardian)
        #expect(out == [.content("one"), call, .content("two")])
        #expect(guardian.asked.withLock { $0 } == ["output: one", "output: two"])
    }

    @Test func citation_staysBehindItsText() async throws {
        let citation = Event.citation(Citation(documentID: "d", text: "q"))
        #expect(try await Self.run([.content("one"), citation, .content("two")]).events == [.content("one"), citation, .content("two")])
        #expect(try await Self.run([.content("cat"), citation]).events == [.content("# 3"), citation])
    }

    @Test func reasoningAndAnswer_areJudgedApart_andMaskedReasoningLosesItsSignature() async throws {
        let guardian = ScriptedGuard()
        let (out, _) = try await Self.run(
            [.reasoning(Reasoning(text: "my cat")), .reasoning(Reasoning(signature: "s")), .content("fine")], guardian)
        #expect(out == [.reasoning(Reasoning(text: "# 6")), .content("fine")])
        #expect(guardian.asked.withLock { $0 } == ["output: my cat", "output: fine"])
    }

    @Test func numberedBlocks_areKeptApart_andADiscardedOneIsDropped() async throws {
        func piece(_ text: String, _ block: Int) -> Event {
            var event = Event.content(text)
            event.contentBlockIndex = block
            return event
        }
        let guardian = ScriptedGuard()
        let restart = Event.status("restarted", message: "again", discardedBlocks: [1])
        let (out, _) = try await Self.run([piece("a", 1), piece("b", 2), restart, piece("c", 2)], guardian)
        #expect(out == [restart, piece("b", 2), piece("c", 2)])
        #expect(guardian.asked.withLock { $0 } == ["output: bc"])
    }

    @Test func blankText_isNotAskedAbout() async throws {
        let guardian = ScriptedGuard()
        #expect(try await Self.run([.content(" \n")], guardian).events == [.content(" \n")])
        #expect(guardian.asked.withLock { $0 }.isEmpty)
    }

    @Test func guardThatFails_letsNothingPass() async throws {
        await #expect(throws: MillraceError.self) { try await Self.run([.content("fail")]) }
    }

    @Test func input_isJudgedPartByPart() async throws {
        let stage = TextGuardStage(ScriptedGuard())
        func message(_ texts: String...) -> Message {
            Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: texts.map { .text($0) }, createdAt: .now())
        }
        #expect(try await stage.input(message("dog")) == .pass)
        #expect(try await stage.input(message("dog", "stop")) == .block(reason: "no"))
        guard case .replace(let changed) = try await stage.input(message("dog", "cat")) else {
            Issue.record("not replaced")
            return
        }
        #expect(changed.parts == [.text("dog"), .text("# 3")])
    }

    /// What was judged where it was made passes at once, unless something of its block waits; a text that was changed since has not been judged.
    @Test func judgedText_passesAtOnce_andKeepsItsPlace() async throws {
        var judged = Event.content("a cat ")
        judged.isJudged = true
        let guardian = ScriptedGuard()
        let stage = TextGuardStage(guardian)
        var numbering = BlockNumbering()
        func texts(_ verdict: StageVerdict) -> [String] { if case .replace(let events) = verdict { events.compactMap(\.text) } else { [] } }
        #expect(texts(try await stage.process(numbering.numbered(judged))) == ["a cat "])
        #expect(try await stage.process(numbering.numbered(.content("own "))) == .hold)
        #expect(try await stage.process(numbering.numbered(judged)) == .hold)
        #expect(texts(try await stage.finish()) == ["# 10"])
        #expect(guardian.asked.withLock { $0 } == ["output: own a cat "])
        judged.text = "another cat"
        #expect(!judged.isJudged)
    }

    /// Rules keep the mark of a text, and lose it where one piece of it has none.
    @Test func rules_keepWhatIsSaidOfAText() async throws {
        let stage = GuardrailStage(GuardrailPolicy(rules: [try GuardrailRule(name: "w", words: ["dog"])]))
        var numbering = BlockNumbering()
        var marks: [Bool] = []
        for (text, isJudged) in [("a dog ", true), ("do", true), ("g and ", false), ("a do", false), ("g. ", true)] {
            var event = Event.content(text)
            event.isJudged = isJudged
            switch try await stage.process(numbering.numbered(event)) {
            case .replace(let events): marks += events.map(\.isJudged)
            case .pass: marks.append(isJudged)
            default: break
            }
        }
        #expect(marks == [true, false, false, false])
    }
}
