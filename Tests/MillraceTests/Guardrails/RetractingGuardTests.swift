import MillraceCore
import Testing

@testable import Millrace

/// The asynchronous mode: at last readers have what the holding mode would have given them, however the answer was cut and whenever it was
/// judged.
@Suite struct RetractingGuardTests {
    private static let blocked = "Enough."

    private static func rules(_ action: GuardrailRule.Action = .mask) -> [GuardrailRule] {
        do {
            return [
                GuardrailRule(personalData: .email), GuardrailRule(personalData: .creditCard),
                try GuardrailRule(name: "words", words: ["project falcon", "falcon heavy", "cat"], action: action, mask: "#"),
            ]
        } catch { preconditionFailure("\(error)") }
    }

    /// Masks `secret`, and blocks `forbidden`.
    private static func verdict(_ text: String) -> TextGuardVerdict {
        if text.contains("forbidden") { return .block(message: "Not that.") }
        return text.contains("secret") ? .replace(text.replacing("secret", with: "***")) : .pass
    }

    /// A log as readers have it, and a message as the chat gets it.
    private struct Log {
        var guardian: RetractingGuard
        /// What stands at each sequence; a tombstone has no text.
        var events: [(block: Int?, text: String?, kind: EventKind)] = []
        var assembler = MessageAssembler()
        var endings: [String] = []
        var retractions: [RetractionNotice] = []
        var numbering = BlockNumbering()
        /// How far the log was judged, after each step.
        var judged: [Int] = []

        init(rules: [GuardrailRule], asksElsewhere: Bool) {
            guardian = RetractingGuard(
                .init(rules: rules, asksElsewhere: asksElsewhere, blockedMessage: RetractingGuardTests.blocked, unjudgedBytes: 1024))
        }

        mutating func emit(_ event: Event) {
            let event = numbering.numbered(event)
            let (actions, rest) = guardian.willAppend(event)
            perform(actions)
            guard let rest, endings.isEmpty else { return }
            perform(guardian.appended(rest, sequence: append(rest)))
            judged.append((guardian.firstUnjudged ?? events.count + 1) - 1)
        }

        mutating func append(_ event: Event) -> Int {
            events.append((event.contentBlockIndex, event.text, event.kind))
            assembler.receive(event, block: event.contentBlockIndex)
            return events.count
        }

        mutating func perform(_ actions: [RetractingGuard.Action]) {
            for action in actions {
                switch action {
                case .retract(let notice, let kept):
                    retractions.append(notice)
                    for index in events.indices where events[index].block == notice.retraction.contentBlockIndex {
                        let sequence = index + 1
                        if sequence < notice.retraction.firstSequence || sequence > notice.retraction.lastSequence { continue }
                        if events[index].text != nil { events[index].text = "" }
                    }
                    if let block = notice.retraction.contentBlockIndex { assembler.retract(block: block, keeping: kept) }
                    _ = append(.retracted(notice))
                case .send(let event):
                    let sequence = append(event)
                    if let block = event.contentBlockIndex { guardian.sent(block: block, sequence: sequence) }
                case .end(let message): endings.append(message)
                }
            }
        }

        /// Asks the judge once; `false` where there is nothing to ask.
        mutating func judge() -> Bool {
            guard let question = guardian.nextQuestion() else { return false }
            perform(guardian.judged(RetractingGuardTests.verdict(question.text)))
            return true
        }

        mutating func finish() {
            if endings.isEmpty { perform(guardian.endAll()) }
            while endings.isEmpty, judge() {}
        }

        var blocks: [Int: String] {
            var blocks: [Int: String] = [:]
            for event in events { if let block = event.block, let text = event.text, text != "" { blocks[block, default: ""] += text } }
            return blocks
        }

        mutating func message() -> String {
            assembler.finish().map { part in
                switch part {
                case .text(let text): text
                case .reasoning(let reasoning): "(\(reasoning.text)|\(reasoning.signature ?? ""))"
                default: "?"
                }
            }.joined()
        }
    }

    /// What the holding stages make of the same events.
    private static func held(
        _ events: [Event], rules: [GuardrailRule], asksElsewhere: Bool, finishes: Bool = true
    ) async throws -> [Int: String] {
        struct Judge: TextGuard {
            func check(_ text: String, side: GuardrailRule.Side) async throws -> TextGuardVerdict { RetractingGuardTests.verdict(text) }
        }
        var policy = GuardrailPolicy(rules: rules)
        policy.blockedOutputMessage = blocked
        var stages: [any EventStage] = [GuardrailStage(policy)]
        if asksElsewhere { stages.append(TextGuardStage(Judge())) }
        var numbering = BlockNumbering()
        var blocks: [Int: String] = [:]
        func give(_ verdict: StageVerdict, _ event: Event?, from next: Int) async throws -> Bool {
            let (events, ends): ([Event], Bool) =
                switch verdict {
                case .pass: (event.map { [$0] } ?? [], false)
                case .replace(let events): (events, false)
                case .hold: ([], false)
                case .end(_, let events): (events, true)
                }
            for event in events {
                if next == stages.count {
                    if let block = event.contentBlockIndex, let text = event.text, text != "" { blocks[block, default: ""] += text }
                } else if try await give(try await stages[next].process(event), event, from: next + 1) {
                    return true
                }
            }
            return ends
        }
        for event in events {
            let event = numbering.numbered(event)
            if try await give(try await stages[0].process(event), event, from: 1) { return blocks }
        }
        for index in stages.indices where finishes {
            if try await give(try await stages[index].finish(), nil, from: index + 1) { return blocks }
        }
        return blocks
    }

    private static func cut(_ text: String, at places: [Int]) -> [Event] {
        let scalars = Array(text.unicodeScalars)
        let bounds = [0] + places.sorted() + [scalars.count]
        return zip(bounds, bounds.dropFirst()).filter { $0 < $1 }.map { low, high in
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[low..<high])
            return .content(String(view))
        }
    }

    static let texts = [
        "Write to jo@example.org, card 4111 1111 1111 1111.", "Project Falcon heavy cat, project  falcon", "concat cat", "a", "",
        "4111 1111 1111 1111 4111 1111 1111 1111", "cat cat cat", "ca", "e\u{301}cat\u{301} cat", "no secret is a secret cat",
        "all is well",
        "forbidden cat", "the cat is forbidden",
    ]

    @Test(arguments: texts)
    func everyCutInTwo_andScalarByScalar_endsAsTheHoldingModeDoes(text: String) async throws {
        for (rules, asks) in [(Self.rules(), false), (Self.rules(.block), false), (Self.rules(), true), ([], true)] {
            let count = text.unicodeScalars.count
            for places in (0...count).map({ [$0] }) + [Array(0..<count)] {
                let events = Self.cut(text, at: places)
                var log = Log(rules: rules, asksElsewhere: asks)
                for event in events where log.endings.isEmpty { log.emit(event) }
                log.finish()
                let expected = try await Self.held(events, rules: rules, asksElsewhere: asks)
                #expect(log.blocks == expected, "cut at \(places), elsewhere: \(asks)")
                let message = log.message()
                #expect(message == expected.sorted { $0.key < $1.key }.map(\.value).joined())
            }
        }
    }

    /// Several blocks, pieces of them in any order, and answers of the judge at any time.
    @Test(arguments: 0..<12)
    func randomAnswers_endAsTheHoldingModeDoes(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let words = ["cat", " ", "project", "falcon", "jo@", "example.org", "4111 1111 ", "1111 1111", "secret", ".", "é", "dog "]
        for round in 0..<9 {
            var events: [Event] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                var text = words.randomElement(using: &random) ?? ""
                if round % 3 == 0 { text += String(repeating: "long text. ", count: Int.random(in: 0...100, using: &random)) }
                switch Int.random(in: 0...9, using: &random) {
                case 0: events.append(.reasoning(Reasoning(text: text, signature: Bool.random(using: &random) ? "S" : nil)))
                case 1: events.append(.toolCall(ToolCall(id: "1", name: "f", arguments: [:])))
                case 2: events.append(.status("working", message: "on"))
                default: events.append(.content(text))
                }
            }
            for (rules, asks) in [(Self.rules(), false), (Self.rules(), true)] {
                var log = Log(rules: rules, asksElsewhere: asks)
                for event in events {
                    log.emit(event)
                    if Int.random(in: 0...2, using: &random) == 0 { _ = log.judge() }
                }
                log.finish()
                #expect(log.blocks == (try await Self.held(events, rules: rules, asksElsewhere: asks)))
                #expect(log.guardian.firstUnjudged == nil && log.guardian.streams.isEmpty)
                #expect(log.judged == log.judged.sorted() || !log.retractions.isEmpty)
            }
        }
    }

    /// Whatever happens when, nothing that was not judged stands behind a run that was cut off.
    @Test(arguments: 0..<20)
    func runThatIsCutOff_keepsOnlyWhatIsJudged(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        for asks in [false, true] {
            var log = Log(rules: Self.rules(), asksElsewhere: asks)
            var events: [Event] = []
            for index in 0..<Int.random(in: 1...20, using: &random) {
                events.append(.content(["a secret ", "4111 1111 ", "1111 ", "cat", String(repeating: "x ", count: 300)][index % 5]))
                log.emit(events[index])
                if Bool.random(using: &random) { _ = log.judge() }
            }
            log.perform(log.guardian.abandonAll())
            let text = log.blocks.values.joined()
            let expected = try await Self.held(events, rules: Self.rules(), asksElsewhere: asks, finishes: false)
            #expect(log.blocks == expected)
            let message = log.message()
            #expect(message == text)
        }
    }

    @Test func text_isShownAtOnce_andJudgedBehind() {
        var log = Log(rules: Self.rules(), asksElsewhere: false)
        log.emit(.content("The number is 4111 1111 "))
        #expect(log.blocks == [0: "The number is 4111 1111 "])
        #expect(log.guardian.firstUnjudged == 1)
        log.emit(.content("1111 1111."))
        #expect(log.retractions.map(\.retraction) == [Retraction(contentBlockIndex: 0, firstSequence: 1, lastSequence: 2)])
        #expect(log.retractions.map(\.reason) == ["credit_card"])
        #expect(log.blocks == [0: "The number is {CREDIT_CARD}."])
        #expect(log.events.map(\.kind) == [.content, .content, .status, .content])
        // Only what a match touches is taken back.
        log.emit(.content(" More text. "))
        log.emit(.content("To jo@example.org "))
        #expect(log.retractions.last?.retraction == Retraction(contentBlockIndex: 0, firstSequence: 6, lastSequence: 6))
        let message = log.message()
        #expect(message == "The number is {CREDIT_CARD}. More text. To {EMAIL} ")
    }

    @Test func windows_areAskedWhileTheBlockFlows_andTheWholeAtItsEnd() {
        var log = Log(rules: [], asksElsewhere: true)
        log.emit(.content(String(repeating: "word ", count: 100)))
        var question = log.guardian.nextQuestion()
        #expect(question == nil)
        log.emit(.content(String(repeating: "word ", count: 100)))
        question = log.guardian.nextQuestion()
        #expect(question?.text.utf8.count == 1000)
        // One question at a time, and text that runs too far ahead waits.
        question = log.guardian.nextQuestion()
        #expect(question == nil && !log.guardian.mustWait)
        log.emit(.content(String(repeating: "word ", count: 300)))
        #expect(log.guardian.mustWait)
        log.perform(log.guardian.judged(.pass))
        #expect(!log.guardian.mustWait)
        question = log.guardian.nextQuestion()
        #expect(question?.text.utf8.count == 1700)
        log.perform(log.guardian.judged(.pass))
        log.perform(log.guardian.endAll())
        #expect(log.guardian.firstUnjudged == 1)
        question = log.guardian.nextQuestion()
        #expect(question?.text.utf8.count == 2500)
        log.perform(log.guardian.judged(.pass))
        #expect(log.guardian.firstUnjudged == nil && log.retractions.isEmpty)
    }

    @Test func windowThatIsMasked_holdsTheBlockUntilItIsWhole() {
        var log = Log(rules: [], asksElsewhere: true)
        log.emit(.content("a secret " + String(repeating: "word ", count: 200)))
        let wasAsked = log.judge()
        #expect(wasAsked)
        #expect(log.blocks.isEmpty)
        log.emit(.content("and more"))
        #expect(log.blocks.isEmpty)
        log.finish()
        #expect(log.blocks == [0: "a *** " + String(repeating: "word ", count: 200) + "and more"])
        #expect(log.retractions.map(\.retraction) == [Retraction(contentBlockIndex: 0, firstSequence: 1, lastSequence: 1)])
    }

    @Test func textThatIsHeld_hasABound() throws {
        var log = Log(rules: [], asksElsewhere: true)
        let piece = Event.content(String(repeating: "secret. ", count: 16 << 10))
        log.emit(piece)
        // What readers have is in the log, which has a bound of its own.
        #expect(throws: Never.self) { for _ in 0..<100 { try log.guardian.checkRoom(for: log.numbering.numbered(piece)) } }
        let wasAsked = log.judge()
        #expect(wasAsked)
        var count = 1
        while count < 100 {
            do {
                try log.guardian.checkRoom(for: log.numbering.numbered(piece))
            } catch {
                #expect(error.code == .limitExceeded)
                break
            }
            log.emit(piece)
            count += 1
        }
        #expect(count == RetractingGuard.mostHeldBytes / (128 << 10))
        // A text that is judged has left.
        log.perform(log.guardian.endAll())
        while log.judge() {}
        #expect(log.blocks[0]?.utf8.count == count * (5 * 16 << 10))
        try log.guardian.checkRoom(for: log.numbering.numbered(piece))
    }

    @Test func tooManyRetractions_holdTheRest() {
        var log = Log(rules: Self.rules(), asksElsewhere: false)
        for _ in 0..<(RetractingGuard.mostRetractions + 20) { log.emit(.content("a cat sat. ")) }
        log.finish()
        #expect(log.retractions.count == RetractingGuard.mostRetractions)
        #expect(log.blocks == [0: String(repeating: "a # sat. ", count: RetractingGuard.mostRetractions + 20)])
    }

    @Test func blockThatIsTakenBackByItsHandler_leavesNothingUnjudged() {
        var log = Log(rules: Self.rules(), asksElsewhere: true)
        log.emit(.content("half a secret"))
        log.emit(.status("restarted", message: "again", discardedBlocks: [0]))
        #expect(log.retractions.map(\.reason) == [RetractionNotice.unjudged])
        log.emit(.content("whole"))
        log.finish()
        #expect(log.blocks == [1: "whole"])
        let message = log.message()
        #expect(message == "whole")
    }

    /// A handler may number its blocks itself, and put what it likes into one.
    @Test(arguments: [false, true])
    func blockOfSeveralParts_keepsNothingThatWasTakenBack(asksElsewhere: Bool) {
        func reasoning(_ text: String, _ signature: String? = nil) -> Event { .reasoning(Reasoning(text: text, signature: signature)) }
        let table: [(events: [Event], told: String, masked: String)] = [
            ([.content("It is "), reasoning("hm. "), .content("a cat. ")], "It is a #. ", "hm. "),
            ([reasoning("Hm, 4111 1111 "), reasoning("1111 1111. "), .content("Well. ")], "Well. ", "Hm, {CREDIT_CARD}. "),
            ([reasoning("One. ", "S"), reasoning("A cat. ", "T"), .content("Well. ")], "Well. ", "One. A #. "),
            ([reasoning("Hm, 4111 1111 "), .content("1111 1111. "), reasoning("Well. ")], "", "Hm, {CREDIT_CARD}. Well. "),
            ([.content("So. "), reasoning("Hm. "), .content("So "), reasoning("a cat "), .content("sat. ")], "So. So sat. ", "Hm. a # "),
        ]
        for (index, (events, told, masked)) in table.enumerated() {
            var log = Log(rules: Self.rules(), asksElsewhere: asksElsewhere)
            for var event in events {
                event.contentBlockIndex = 0
                log.emit(event)
            }
            log.finish()
            func joined(_ kind: EventKind) -> String { log.events.filter { $0.kind == kind }.compactMap(\.text).joined() }
            #expect((joined(.content), joined(.reasoning)) == (told, masked), "\(index)")
            var stored = (content: "", reasoning: "")
            for part in log.assembler.finish() {
                switch part {
                case .text(let text): stored.content += text
                case .reasoning(let reasoning): stored.reasoning += reasoning.text
                default: Issue.record("there is nothing else")
                }
            }
            #expect(stored == (told, masked), "\(index)")
        }
    }

    @Test func signature_goesWithItsText() {
        var log = Log(rules: Self.rules(), asksElsewhere: false)
        log.emit(.reasoning(Reasoning(text: "a cat ")))
        log.emit(.reasoning(Reasoning(text: "sat", signature: "S")))
        log.emit(.reasoning(Reasoning(text: "fine", signature: "T")))
        log.finish()
        let message = log.message()
        #expect(message == "(a # sat|)(fine|T)")
    }
}
