import MillraceCore
import Testing

@testable import Millrace

@Suite struct GuardrailStageTests {
    private static func policy(_ rules: GuardrailRule...) -> GuardrailPolicy { GuardrailPolicy(rules: rules) }
    private static let cat = try? GuardrailRule(name: "words", words: ["cat", "white cat"], mask: "#")
    private static let stop = try? GuardrailRule(name: "stop", words: ["stop"], action: .block)

    /// What comes out for events that go in, and how it ends.
    private static func run(_ events: [Event], _ policy: GuardrailPolicy) async throws -> (events: [Event], ending: RunStatus?) {
        let stage = GuardrailStage(policy)
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

    private static func text(_ events: [Event], _ kind: EventKind = .content) -> String {
        events.filter { $0.kind == kind }.compactMap(\.text).joined()
    }

    private static func policy() throws -> GuardrailPolicy { GuardrailPolicy(rules: [try #require(cat), try #require(stop)]) }

    @Test func maskedAcrossEvents_isCounted() async throws {
        let (out, ending) = try await Self.run(
            [.content("a whi"), .content("te ca"), .content("t and c"), .content("ats")], try Self.policy())
        #expect(ending == nil)
        #expect(Self.text(out) == "a # and cats")
        #expect(out.last == .metadata(["guardrail": ["masked": ["words": 1]]]))
    }

    @Test func untouchedEvents_passAsTheyAre() async throws {
        let events: [Event] = [.status("thinking", message: "…"), .content("all fine. "), .content("Yes. "), .metadata(["a": 1])]
        let (out, _) = try await Self.run(events, try Self.policy())
        #expect(out == events)
    }

    @Test func blocked_endsBehindTheTextBefore() async throws {
        let (out, ending) = try await Self.run([.content("one two st"), .content("op three"), .content("never")], try Self.policy())
        #expect(ending == .blocked)
        #expect(Self.text(out) == "one two ")
        #expect(out.last == .status("blocked", message: "The answer was blocked by a guardrail."))
    }

    @Test func blockedAtTheVeryEnd_isFoundByFinish() async throws {
        let (out, ending) = try await Self.run([.content("now stop")], try Self.policy())
        #expect(ending == .blocked)
        #expect(Self.text(out) == "now ")
    }

    @Test func otherTexts_areLookedAtWhole() async throws {
        let call = ToolCall(id: "cat", name: "find", arguments: ["query": "a cat", "n": 3])
        let (out, _) = try await Self.run(
            [
                .status("cat", message: "looking for the cat"), .toolCall(call),
                .toolReturn(ToolReturn(id: "cat", name: "find", result: ["cat", ["cat": "no cat"]])),
                .document(DocumentReference(documentID: "cat", title: "The cat")), .metadata(["x": "cat"]),
                .citation(Citation(documentID: "cat", text: "my cat", section: "cat", documentTitle: "cat")),
                .custom(EventKind(rawValue: "own"), ["t": "cat"]),
            ], try Self.policy())
        #expect(out[0] == .status("cat", message: "looking for the #"))
        #expect(out[1] == .toolCall(ToolCall(id: "cat", name: "find", arguments: ["query": "a #", "n": 3])))
        #expect(out[2] == .toolReturn(ToolReturn(id: "cat", name: "find", result: ["#", ["cat": "no #"]])))
        #expect(out[3] == .document(DocumentReference(documentID: "cat", title: "The #")))
        #expect(out[4] == .metadata(["x": "#"]))
        #expect(out[5] == .citation(Citation(documentID: "cat", text: "my #", section: "#", documentTitle: "#")))
        #expect(out[6] == .custom(EventKind(rawValue: "own"), ["t": "#"]))
    }

    @Test func blockedInAnotherText_endsTheRunWithoutTheEvent() async throws {
        let (out, ending) = try await Self.run([.status("a", message: "stop"), .content("x")], try Self.policy())
        #expect(ending == .blocked)
        #expect(out.map(\.kind) == [.status])
        #expect(out[0] != .status("a", message: "stop"))
    }

    @Test func citation_staysBehindItsText() async throws {
        let citation = Event.citation(Citation(documentID: "d", text: "q"))
        let (out, _) = try await Self.run([.content("the white"), citation, .content(" dog")], try Self.policy())
        #expect(Self.shape(out) == ["the white", "citation", " dog"])
        let (masked, _) = try await Self.run([.content("the white"), citation, .content(" cat")], try Self.policy())
        #expect(Self.shape(masked) == ["the #", "citation", "metadata"])
    }

    /// Texts, those side by side joined, and the kinds of other events.
    private static func shape(_ events: [Event]) -> [String] {
        var shape: [String] = []
        var isText = false
        for event in events {
            if let text = event.text {
                if isText { shape[shape.count - 1] += text } else { shape.append(text) }
            } else {
                shape.append(event.kind.rawValue)
            }
            isText = event.text != nil
        }
        return shape
    }

    @Test func toolCall_endsTheBlock_soThatItsTextGoesFirst() async throws {
        let call = Event.toolCall(ToolCall(id: "1", name: "f", arguments: .null))
        let (out, _) = try await Self.run([.content("the white"), call, .content(" cat")], try Self.policy())
        #expect(Self.shape(out) == ["the white", "tool_call", " #", "metadata"])
    }

    @Test func numberedBlocks_areKeptApart() async throws {
        func piece(_ text: String, _ block: Int) -> Event {
            var event = Event.content(text)
            event.contentBlockIndex = block
            return event
        }
        let (out, _) = try await Self.run(
            [piece("white ", 1), piece("a c", 2), piece("dog ", 1), piece("at", 2), piece("c", 1), piece("at", 1)], try Self.policy())
        #expect(Self.text(out.filter { $0.contentBlockIndex == 1 }) == "white dog #")
        #expect(Self.text(out.filter { $0.contentBlockIndex == 2 }) == "a #")
    }

    @Test func textWithoutANumber_joinsTheBlockBefore() async throws {
        var numbered = Event.content("white c")
        numbered.contentBlockIndex = 4
        let (out, _) = try await Self.run([numbered, .content("at")], try Self.policy())
        #expect(Self.text(out) == "#")
    }

    @Test func discardedBlock_isDropped() async throws {
        var piece = Event.content("half a ca")
        piece.contentBlockIndex = 3
        let restarted = Event.status("restarted", message: "again", discardedBlocks: [3])
        let (out, _) = try await Self.run([piece, restarted, .content("t.")], try Self.policy())
        #expect(Self.text(out) == "half a t.")
    }

    @Test func hiddenText_isNotJoinedWithWhatReadersSee() async throws {
        let (out, _) = try await Self.run(
            [Event.content("c").hidden(), .content("at cat"), Event.content("at").hidden()], try Self.policy())
        #expect(Self.text(out.filter(\.isEmitted)) == "at #")
        #expect(Self.text(out.filter { !$0.isEmitted }) == "#")
    }

    @Test func maskedReasoning_losesItsSignature() async throws {
        let whole = [Event.reasoning(Reasoning(text: "my do")), .reasoning(Reasoning(text: "g", signature: "s"))]
        let (kept, _) = try await Self.run(whole, try Self.policy())
        #expect(Self.text(kept, .reasoning) == "my dog")
        #expect(kept.last == .reasoning(Reasoning(text: "g", signature: "s")))
        let (out, _) = try await Self.run(
            [.reasoning(Reasoning(text: "my ca")), .reasoning(Reasoning(text: "t", signature: "s")), .reasoning(Reasoning(text: "x"))],
            try Self.policy())
        #expect(Self.text(out, .reasoning) == "my #x")
        #expect(!out.contains { if case .reasoning(let piece) = $0.body { piece.signature != nil } else { false } })
    }

    @Test func input_isMaskedOrBlocked_beforeItIsStored() async throws {
        let stage = GuardrailStage(try Self.policy())
        func message(_ texts: String...) -> Message {
            Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: texts.map { .text($0) }, createdAt: .now())
        }
        #expect(try await stage.input(message("a dog")) == .pass)
        let given = message("a cat", "fine")
        guard case .replace(let changed) = try await stage.input(given) else {
            Issue.record("passed")
            return
        }
        #expect(changed.parts == [.text("a #"), .text("fine")])
        guard case .replace(let joined) = try await stage.input(message("a white", "cat sat", "fine")) else {
            Issue.record("passed")
            return
        }
        #expect(joined.parts == [.text("a # sat\n\nfine")])
        #expect(try await stage.input(message("fine", "stop it")) == .block(reason: "The message was blocked by a guardrail."))
    }

    @Test func sides_areKeptApart() async throws {
        let rule = try GuardrailRule(name: "in", words: ["cat"], sides: [.input])
        let (out, _) = try await Self.run([.content("a cat")], Self.policy(rule))
        #expect(Self.text(out) == "a cat")
    }
}
