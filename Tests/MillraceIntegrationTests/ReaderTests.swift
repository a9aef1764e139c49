import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import MillraceServer
import Testing

extension IntegrationTests {
    /// A reader that comes and goes sees each event exactly once, wherever it was cut off and on whichever loop it comes back.
    @Suite struct ReaderTests {
        /// Every kind of event, one of them hidden, so that ordinals stand between sequences.
        static let allKinds: [Event] = [
            .status("reading", message: "Reading"),
            .reasoning(Reasoning(text: "Let me see")),
            .content("One "), .content("two\nlines "),
            .content("not for readers").hidden(),
            .toolCall(ToolCall(id: "t1", name: "search", arguments: ["q": "mill"])),
            .toolReturn(ToolReturn(id: "t1", name: "search", result: ["hits": 2])),
            .document(DocumentReference(documentID: "d1", title: "The mill")),
            .content("three – ünïcode 🌊 "),
            .citation(Citation(documentID: "d1", text: "a race")),
            .metadata(["facts": 3]),
            .custom(EventKind(rawValue: "waterwheel"), ["turns": 7]),
            .content("end").transient(),
        ]
        /// response_start, the sent events, response_end.
        static let allCount = allKinds.count - 1 + 2

        static let everything = ScriptedTask("everything") { _, context in
            for event in allKinds { try await context.emit(event) }
        }

        /// One event a permit.
        static func gated(_ gate: StepGate) -> ScriptedTask {
            ScriptedTask("gated") { _, context in
                for event in allKinds {
                    try await gate.pass()
                    try await context.emit(event)
                }
            }
        }

        /// A handler that holds its loop with its first work, as none should, does not hold back what was there before it.
        @Test func firstEvent_leavesBeforeTheHandlersFirstWork() async throws {
            let notes = Notes()
            let holder = ScriptedTask("holder") { _, context in
                let wasRead = notes.wait("read")
                try await context.emit(.content("\(wasRead)"))
            }
            try await withServer([holder]) { server in
                let reader = try server.start("holder")
                #expect(try reader.next(1).last?.event == "response_start")
                notes.note("read")
                #expect(try reader.rest().first?.json["content"] == "true")
            }
        }

        /// Reads a run and drops the connection behind every event, coming back with its id.
        static func readDroppingEverywhere(port: Int, _ responseID: String, seen: (Int) -> Void = { _ in }) throws -> [SSEMessage] {
            var messages: [SSEMessage] = []
            while messages.last?.event != "response_end" {
                let reader = try EventStreamClient.follow(port: port, responseID, lastEventID: messages.last?.id)
                defer { reader.close() }
                guard let message = try reader.next() else { throw ClientFailure("the stream ended behind \(messages.count) events") }
                messages.append(message)
                seen(message.sequence)
            }
            return messages
        }

        @Test(arguments: [1, 3])
        func readerDropsAtEveryBoundaryAfterTheEnd_seesEachEventOnce(loops: Int) async throws {
            try await withServer([Self.everything], configure: { $0.loops = loops }) { server in
                let whole = try server.start("everything").rest()
                #expect(whole.map(\.sequence) == Array(1...Self.allCount))
                #expect(whole.first?.event == "response_start" && whole.last?.event == "response_end")
                #expect(Set(whole.map(\.event)).count == 11)
                // Behind every event, the rest of the log and nothing else.
                for (index, message) in whole.dropLast().enumerated() {
                    let reader = try server.follow(message.responseID, lastEventID: message.id)
                    #expect(try reader.rest() == Array(whole[(index + 1)...]))
                    reader.close()
                }
                #expect(try Self.readDroppingEverywhere(port: server.port, whole[0].responseID) == whole)
            }
        }

        @Test(arguments: [1, 3])
        func threeReadersDropAtEveryBoundaryWhileRunning_eachSeesEachEventOnce(loops: Int) async throws {
            let gate = StepGate()
            try await withServer([Self.gated(gate)], configure: { $0.loops = loops }) { server in
                let first = try server.start("gated")
                let responseID = try #require(try first.next()).responseID
                // The next event is emitted when all readers have come for it, so that each of them reconnects to a live run at each event.
                let arrived = Locked<[Int: Int]>([:])
                let port = server.port
                let logs = try await concurrently(3) { _ in
                    try Self.readDroppingEverywhere(port: port, responseID) { sequence in
                        let all = arrived.withLock { counts in
                            counts[sequence, default: 0] += 1
                            return counts[sequence] == 3
                        }
                        // The hidden event goes with the next one that is sent.
                        if all { gate.open(sequence == 5 ? 2 : 1) }
                    }
                }
                let whole = try server.log(of: responseID)
                #expect(whole.map(\.sequence) == Array(1...Self.allCount))
                for log in logs { #expect(log == whole) }
                #expect(try first.rest() == Array(whole.dropFirst()))
                first.close()
            }
        }

        @Test func readersOnOtherLoopsAttachWhileRunning_getTheSameBytes() async throws {
            let gate = StepGate()
            try await withServer([Self.gated(gate)], configure: { $0.loops = 3 }) { server in
                let first = try server.start("gated")
                let responseID = try #require(try first.next()).responseID
                // Twelve connections are spread over three loops by the kernel; all on one would be a chance of one in 177,000.
                let readers = try (0..<12).map { _ in try server.follow(responseID) }
                gate.open(Self.allKinds.count)
                let whole = try server.log(of: responseID)
                for reader in readers {
                    #expect(try reader.rest() == whole)
                    #expect(reader.isWhole)
                    reader.close()
                }
                first.close()
            }
        }

        /// Readers that come, take a few events and go, again and again, while events are on their way between the loops. On
        /// a slow disk, a reader who comes back meets what was sent to the one who left and is not committed yet.
        @Test(arguments: [":memory:", "slow disk"])
        func readersComeAndGoUnderLoad_eachSeesEachEventOnce(data: String) async throws {
            let count = 1500
            let steady = ScriptedTask("steady") { _, context in
                for number in 1...count {
                    try await context.emit(.content("\(number)"))
                    if number % 2 == 0 { try await context.sleep(for: .microseconds(200)) }
                }
            }
            let directory = try TemporaryDirectory()
            // A slow disk: much of what readers have seen is not committed yet.
            let slow =
                data != "slow disk"
                ? nil
                : try SQLiteStore(path: directory.path + "/millrace.db", configuration: SQLiteStore.Configuration()) { operation in
                    var time = timespec(tv_sec: 0, tv_nsec: 30_000_000)
                    if operation == .commit { nanosleep(&time, nil) }
                    return nil
                }
            try await withServer(
                [steady], store: slow,
                configure: {
                    $0.loops = 3
                    $0.runs.tailBytes = 16384
                }
            ) { server in
                let first = try server.start("steady")
                let responseID = try #require(try first.next()).responseID
                let port = server.port
                let readers = try await concurrently(6) { reader in
                    var last = 0
                    var visits = 0
                    while true {
                        let visit = try EventStreamClient.follow(port: port, responseID, after: last)
                        visits += 1
                        for _ in 0..<(1 + (visits * 7 + reader * 3) % 23) {
                            guard let message = try visit.next() else { throw ClientFailure("cut behind \(last)") }
                            guard message.sequence == last + 1 else {
                                throw ClientFailure("reader \(reader), visit \(visits): \(message.sequence) behind \(last)")
                            }
                            last += 1
                            if message.event == "response_end" { return (last, visits) }
                        }
                        visit.close()
                    }
                }
                for (last, visits) in readers {
                    #expect(last == count + 2)
                    #expect(visits > 50)
                }
                #expect(try first.rest().count == count + 1)
            }
        }

        // MARK: Where a reader says it stands

        @Test func afterInTheQuery_startsBehindIt_andTheHeaderBeatsIt() async throws {
            try await withServer([Self.everything]) { server in
                let whole = try server.start("everything").rest()
                let responseID = whole[0].responseID
                let byQuery = try server.follow(responseID, after: 4)
                #expect(try byQuery.rest() == Array(whole[4...]))
                let both = try server.follow(responseID, lastEventID: whole[1].id, after: 9)
                #expect(try both.rest() == Array(whole[2...]))
                let zero = try server.follow(responseID, after: 0)
                #expect(try zero.rest() == whole)
                for reader in [byQuery, both, zero] { reader.close() }
                #expect(try server.ask("GET", "/api/v1/runs/\(responseID)/events?after=soon").status == 422)
                #expect(try server.ask("GET", "/api/v1/runs/\(responseID)/events?after=-1").status == 422)
            }
        }

        @Test func lastEventIDIsWrong_isRefused() async throws {
            try await withServer([Self.everything]) { server in
                let whole = try server.start("everything").rest()
                let responseID = whole[0].responseID
                let other = try server.start("everything").rest()[0].id
                for wrong in [
                    other, "\(responseID)", "\(responseID):", "\(responseID):x", "\(responseID):-1", "7", ":3", "\(responseID):1:2",
                ] {
                    let answer = try server.ask("GET", "/api/v1/runs/\(responseID)/events", headers: ["Last-Event-ID: \(wrong)"])
                    #expect(answer.status == 400, "\(wrong)")
                    #expect(answer["content-type"] == "application/problem+json")
                }
            }
        }

        @Test func readerStandsAtOrPastTheEnd_gets204() async throws {
            try await withServer([Self.everything]) { server in
                let whole = try server.start("everything").rest()
                let responseID = whole[0].responseID
                for sequence in [whole.count, whole.count + 1, 1_000_000] {
                    let path = "/api/v1/runs/\(responseID)/events"
                    #expect(try server.ask("GET", path, headers: ["Last-Event-ID: \(responseID):\(sequence)"]).status == 204)
                    #expect(try server.ask("GET", "\(path)?after=\(sequence)").status == 204)
                }
                #expect(try server.ask("GET", "/api/v1/runs/r_nobody/events").status == 404)
                #expect(try server.ask("GET", "/api/v1/runs/r_nobody").status == 404)
                #expect(try server.ask("POST", "/api/v1/runs/r_nobody/cancel").status == 404)
            }
        }

        // MARK: Longer than the tail

        /// The text of the long log's event.
        static func longText(_ number: Int) -> String { "\(number)-" + String(repeating: "x", count: 200) }

        @Test(arguments: [1, 3], [":memory:", ""])
        func logIsLongerThanTheTail_lateReadersGetItWholeWhileRunning(loops: Int, directory: String) async throws {
            let gate = StepGate()
            let count = 3000
            let long = ScriptedTask("long") { _, context in
                for number in 1...count {
                    if number % 500 == 0 { try await gate.pass() }
                    try await context.emit(.content(Self.longText(number)))
                }
            }
            let temporary = try TemporaryDirectory()
            try await withServer(
                [long],
                configure: {
                    $0.loops = loops
                    $0.runs.tailBytes = 4096
                    if directory.isEmpty { $0.dataDirectory = temporary.path }
                }
            ) { server in
                let first = try server.start("long")
                let responseID = try #require(try first.next()).responseID
                let port = server.port
                let logs = try await concurrently(8) { number in
                    if number == 0 {
                        // One reads as it comes, which opens the gate for the next stretch only when this one was seen.
                        var log: [SSEMessage] = []
                        for _ in 0..<(count / 500) {
                            log += try first.next(log.isEmpty ? 499 : 500)
                            gate.open()
                        }
                        return log + (try first.rest())
                    }
                    let late = try EventStreamClient.follow(port: port, responseID, after: 1)
                    defer { late.close() }
                    return try late.rest()
                }
                for log in logs {
                    #expect(log.map(\.sequence) == Array(2...(count + 2)))
                    #expect(log.dropLast().map(\.content) == (1...count).map(Self.longText))
                }
                first.close()
            }
        }
    }
}
