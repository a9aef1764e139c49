import MillraceCore
import Testing

@testable import Millrace

@Suite struct RunLogTests {
    private func log(_ change: (inout RunLogLimits) -> Void = { _ in }) -> RunLog {
        var limits = RunLogLimits()
        change(&limits)
        return RunLog(responseID: "r_1", limits: limits)
    }
    private func sealed(_ log: inout RunLog) throws -> EventBatch {
        guard let batch = log.seal() else { throw MillraceError(.internal, "nothing was sealed") }
        return batch
    }
    /// A copy of a value: the macros cannot look into a noncopyable log.
    private func now<T>(_ value: T) -> T { value }
    private let time = EventStamp(Timestamp(microseconds: 0))

    @Test func aSignature_endsItsBlock() {
        var blocks = BlockNumbering()
        let pieces = [
            Reasoning(text: "a"), Reasoning(text: "b"), Reasoning(signature: "s"), Reasoning(text: "c"), Reasoning(redactedContent: "r"),
            Reasoning(text: "d"),
        ]
        #expect(pieces.map { blocks.position(of: .reasoning($0))?.index } == [0, 0, 0, 1, 1, 2])
    }

    @Test(arguments: [Int.min, -1, 1_000_000_001, Int.max]) func blockWithAnImpossibleNumber_isRefused_andNothingIsAppended(number: Int)
        throws
    {
        var log = log()
        for event in [Event.content("a"), .metadata(["k": 1]).hidden()] {
            var event = event
            event.contentBlockIndex = number
            do {
                try log.append(event, at: time)
                Issue.record("\(number) was taken")
            } catch {
                #expect(error.code == .invalidInput && error.message.contains("\(number)"))
            }
        }
        #expect(now(log.openBytes) == 0 && now(log.lastSequence) == 0)
        #expect(try log.append(.content("b"), at: time) == 0)
    }

    @Test func blockWithTheHighestNumber_isTaken_andNumberingGoesOnBehindIt() throws {
        var log = log()
        var event = Event.content("a")
        event.contentBlockIndex = 1_000_000_000
        #expect(try log.append(event, at: time) == 1_000_000_000)
        #expect(now(log.reserveBlock()) == 1_000_000_001)
        #expect(try sealed(&log).frames.string.contains("\"content_block_index\":1000000000,\"block_sequence\":0,"))
    }

    @Test func begin_sealsResponseStartAlone_outsideTheBounds() throws {
        var log = log {
            $0.reservedSequences = 1
            $0.eventBytes = 1
            $0.runBytes = 1
        }
        let start = ResponseStart(requestID: "q", chatID: "c", task: "chat", modelID: nil, parentID: "m")
        let batch = log.begin(start, at: time)
        #expect(batch.firstSequence == 1 && batch.lastSequence == 1 && batch.hidden == nil)
        #expect(batch.frames.string.hasPrefix("event: response_start\nid: r_1:1\ndata: {"))
        #expect(now(log.openBytes) == 0 && now(log.lastSequence) == 1)
        #expect(now(log.uncommittedBytes) == batch.byteCount)
        // The commit reserves above what it holds: with the smallest reservation there is room for an event.
        #expect(now(log.mustWait) && now(log.nextReservation) == 2)
        log.committed(through: 1, reserved: log.nextReservation, bytes: batch.byteCount)
        #expect(now(log.mustWait) == false && now(log.uncommittedBytes) == 0 && now(log.committedSequence) == 1)
    }

    @Test func appendedEvents_areNumberedFromOne_andEncodedOnce() throws {
        var log = log()
        try log.append(.content("a"), at: time)
        try log.append(.status("s", message: "m\n\"x\""), at: time)
        let batch = try sealed(&log)
        #expect(batch.firstSequence == 1)
        #expect(batch.lastSequence == 2)
        #expect(
            batch.frames.string == """
                event: content
                id: r_1:1
                data: {"response_id":"r_1","sequence":1,"timestamp":"1970-01-01T00:00:00.000000Z","content_block_index":0,"block_sequence":0,"content":"a"}

                event: status
                id: r_1:2
                data: {"response_id":"r_1","sequence":2,"timestamp":"1970-01-01T00:00:00.000000Z","status":"s","message":"m\\n\\"x\\""}


                """)
        let nothing = log.seal() == nil
        #expect(nothing)
    }

    @Test func hiddenEvents_takeNoSequence() throws {
        var log = log()
        try log.append(.content("a"), at: time)
        try log.append(.metadata(["k": 1]).hidden(), at: time)
        try log.append(.metadata(["k": 2]).hidden(), at: time)
        try log.append(.content("b"), at: time)
        let batch = try sealed(&log)
        #expect(batch.lastSequence == 2)
        let lines = try #require(batch.hidden).split(separator: UInt8(ascii: "\n")).map { try JSONValue(parsing: Array($0)) }
        #expect(lines.map { $0["after"] } == [1, 1])
        #expect(lines.map { $0["ordinal"] } == [1, 2])
    }

    @Test func reservation_boundsWhatIsAppended_untilACommit() throws {
        var log = log { $0.reservedSequences = 3 }
        for i in 1...3 {
            #expect(!now(log.mustWait))
            try log.append(.content("\(i)"), at: time)
        }
        #expect(now(log.mustWait))
        let batch = try sealed(&log)
        let reserved = log.nextReservation
        #expect(reserved == 6)
        log.committed(through: 3, reserved: reserved, bytes: batch.byteCount)
        #expect(!now(log.mustWait))
        #expect(now(log.uncommittedBytes) == 0)
        #expect(now(log.committedSequence) == 3)
    }

    @Test func uncommittedBytes_makeEmitWait() throws {
        var log = log { $0.uncommittedBytes = 300 }
        try log.append(.content("x"), at: time)
        #expect(!now(log.mustWait))
        try log.append(.content(String(repeating: "x", count: 100)), at: time)
        #expect(now(log.mustWait))
    }

    @Test func eventAtTheLimit_passes_andOneByteMore_isRefusedWithoutATrace() throws {
        var probe = log()
        try probe.append(.content("x"), at: time)
        let overhead = probe.openBytes - 1
        var log = log { $0.eventBytes = overhead + 10 }
        try log.append(.content(String(repeating: "y", count: 10)), at: time)
        let before = log.openBytes
        #expect(throws: MillraceError.self) { try log.append(.content(String(repeating: "y", count: 11)), at: time) }
        #expect(now(log.openBytes) == before)
        #expect(now(log.lastSequence) == 1)
        try log.append(.content("z"), at: time)
        let batch = try sealed(&log)
        #expect(batch.frames.string.contains("\"sequence\":2,"))
    }

    @Test func wholeLog_isBounded_butItsEndFits() throws {
        var log = log { $0.runBytes = 400 }
        try log.append(.content("x"), at: time)
        #expect(throws: MillraceError.self) { try log.append(.content(String(repeating: "x", count: 400)), at: time) }
        try log.append(
            Event(.responseEnd, .responseEnd(ResponseEnd(status: .error, usage: .unknown, chatID: "c"))), at: time, isTerminal: true)
        #expect(now(log.lastSequence) == 2)
    }

    @Test func blocks_areNumberedByKind_andExplicitOnesKept() {
        var blocks = BlockNumbering()
        func position(_ event: Event) -> [Int]? { blocks.position(of: event).map { [$0.index, $0.sequence] } }
        #expect(position(.reasoning(Reasoning(text: "r"))) == [0, 0])
        #expect(position(.reasoning(Reasoning(text: "r"))) == [0, 1])
        #expect(position(.content("a")) == [1, 0])
        #expect(position(.status("s", message: "m")) == nil)
        #expect(position(.content("b")) == [1, 1])
        #expect(position(.citation(Citation(documentID: "d", text: "t"))) == [1, 2])
        #expect(position(.toolCall(ToolCall(id: "1", name: "n", arguments: [:]))) == [2, 0])
        #expect(position(.toolCall(ToolCall(id: "2", name: "n", arguments: [:]))) == [3, 0])
        #expect(position(.content("c")) == [4, 0])
        var explicit = Event.content("d")
        explicit.contentBlockIndex = 9
        #expect(position(explicit) == [9, 0])
        #expect(position(explicit) == [9, 1])
        #expect(position(.content("e")) == [9, 2])
    }

    @Test(arguments: ["\u{0}\u{1F}", "\u{2028}\u{7F}", "😀\r\n\t\\\"", "event: x\n\ndata: y", "ü\u{301}"])
    func anyText_survivesTheWire(text: String) throws {
        var log = log()
        try log.append(.content(text), at: time)
        var parser = SSEParser()
        let batch = try sealed(&log)
        let messages = try parser.receive(batch.frames.bytes)
        #expect(messages.count == 1)
        #expect(messages[0].event == "content")
        #expect(messages[0].id == "r_1:1")
        #expect(try JSONValue(parsing: messages[0].data)["content"] == .string(text))
    }
}

@Suite struct RunLifecycleTests {
    typealias Ending = RunLifecycle.Ending

    @Test func handlerThatReturns_completes_once() {
        var life = RunLifecycle()
        #expect(life.acceptsEvents)
        #expect(life.handlerReturned() == .end(Ending(.completed)))
        #expect(!life.acceptsEvents)
        #expect(life.cancelled() == .none)
        #expect(life.handlerReturned() == .none)
        #expect(life.terminalCommitted() == .close)
        #expect(life.terminalCommitted() == .none)
        #expect(life.isClosed)
    }

    @Test func cancel_stopsTheHandlerFirst_andItsErrorDoesNotCount() {
        var life = RunLifecycle()
        #expect(life.cancelled() == .stopHandler)
        #expect(!life.acceptsEvents)
        #expect(life.deadlinePassed(seconds: 1) == .none)
        #expect(life.handlerThrew(CancellationError()) == .end(Ending(.cancelled)))
        #expect(life.graceExpired() == .none)
    }

    @Test func handlerThatIgnoresCancel_isLeftBehind() {
        var life = RunLifecycle()
        #expect(life.cancelled() == .stopHandler)
        #expect(life.graceExpired() == .end(Ending(.cancelled)))
        #expect(life.handlerReturned() == .none)
    }

    @Test func foreignErrors_keepTheirTextFromClients() {
        struct Secret: Error { let password = "hunter2" }
        var life = RunLifecycle()
        guard case .end(let ending) = life.handlerThrew(Secret()) else {
            Issue.record("the run did not end")
            return
        }
        #expect(ending.status == .error)
        #expect(ending.error?.code == .handlerError)
        #expect(ending.error?.message.contains("hunter2") == false)
        #expect(ending.error?.cause?.contains("hunter2") == true)
    }

    @Test func storeFailure_abandonsFromEveryState() {
        let failure = MillraceError(.storageUnavailable, "gone")
        var running = RunLifecycle()
        #expect(running.storeFailed(failure) == .abandon(failure))
        #expect(running.handlerReturned() == .none)
        var ending = RunLifecycle()
        _ = ending.handlerReturned()
        #expect(ending.storeFailed(failure) == .abandon(failure))
        #expect(ending.terminalCommitted() == .none)
    }

    /// Every sequence of up to five inputs ends the run at most once and closes it at most once.
    @Test func everyInterleaving_endsAtMostOnce() {
        let inputs: [(inout RunLifecycle) -> RunLifecycle.Action] = [
            { $0.cancelled() }, { $0.deadlinePassed(seconds: 1) }, { $0.serverStopping() }, { $0.stageEnded(.blocked) },
            { $0.handlerReturned() }, { $0.handlerThrew(CancellationError()) }, { $0.graceExpired() }, { $0.terminalCommitted() },
            { $0.storeFailed(MillraceError(.storageUnavailable, "x")) },
        ]
        func walk(_ life: RunLifecycle, depth: Int, ends: Int, closes: Int) {
            #expect(ends <= 1 && closes <= 1)
            guard depth > 0 else { return }
            for input in inputs {
                var next = life
                var (ends, closes) = (ends, closes)
                switch input(&next) {
                case .end: ends += 1
                case .close, .abandon: closes += 1
                case .none, .stopHandler: break
                }
                walk(next, depth: depth - 1, ends: ends, closes: closes)
            }
        }
        walk(RunLifecycle(), depth: 5, ends: 0, closes: 0)
    }
}

@Suite struct MessageAssemblerTests {
    @Test func pieces_becomeParts_andCitationsDoNotCutText() {
        var assembler = MessageAssembler()
        var blocks = BlockNumbering()
        let citation = Citation(documentID: "d", text: "t")
        for event: Event in [
            .status("s", message: "m"), .reasoning(Reasoning(text: "a")), .reasoning(Reasoning(text: "b", signature: "sig")),
            .content("one "), .citation(citation), .content("two"), .content("secret").transient(), .metadata(["k": 1]),
            .toolCall(ToolCall(id: "1", name: "n", arguments: [:])), .content("three"), .metadata(["k": 2]),
        ] { assembler.receive(event, block: blocks.position(of: event)?.index) }
        #expect(
            assembler.finish() == [
                .reasoning(Reasoning(text: "ab", signature: "sig")), .text("one two"), .citation(citation),
                .toolCall(ToolCall(id: "1", name: "n", arguments: [:])), .text("three"),
            ])
        #expect(assembler.metadata == ["k": 2])
    }
}
