import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

/// Emits every kind of event, and waits for the test between them.
private struct EveryKindHandler: TaskHandler {
    let name = "every_kind"
    let description = "Emits every kind of event"
    let gate: Gate

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let events: [Event] = [
            .status("reading", message: "Reading\n\nlines"), .reasoning(Reasoning(text: "hm", signature: "s")), .content("one "),
            .citation(Citation(documentID: "d", text: "quote", page: 2)), .content("two"),
            .toolCall(ToolCall(id: "t", name: "search", arguments: ["q": "x"])), .metadata(["hidden": true]).hidden(),
            .toolReturn(ToolReturn(id: "t", name: "search", result: [1, 2])), .document(DocumentReference(documentID: "d", title: "D")),
            .metadata(["k": "v"]), .custom(EventKind(rawValue: "own"), ["a": 1]), .content(String(repeating: "long ", count: 500)),
        ]
        for event in events {
            await gate.pass()
            try await context.emit(event)
        }
    }
}

/// Lets a handler go on step by step.
private final class Gate: Sendable {
    private let state = Locked<(open: Int, waiting: [UnsafeContinuation<Void, Never>])>((0, []))

    func pass() async {
        await withUnsafeContinuation { continuation in
            let passes = state.withLock { state in
                if state.open > 0 {
                    state.open -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if passes { continuation.resume() }
        }
    }

    func open(_ count: Int = 1) {
        let released = state.withLock { state in
            let now = min(count, state.waiting.count)
            let released = Array(state.waiting.prefix(now))
            state.waiting.removeFirst(now)
            state.open += count - now
            return released
        }
        for continuation in released { continuation.resume() }
    }
}

extension IntegrationTests {
    @Suite struct ResumeTests {
        /// Runs a server in this process.
        private static func withServer<R>(
            loops: Int, change: (inout ServerSettings) -> Void = { _ in }, _ handlers: [any TaskHandler], _ body: (TestClient) throws -> R
        ) throws -> R {
            var settings = ServerSettings()
            settings.port = 0
            settings.loops = loops
            settings.dataDirectory = ":memory:"
            change(&settings)
            let server = try Server(settings: settings, logger: .silent) { registry, _ in
                for handler in handlers { try registry.register(handler) }
            }
            try server.start()
            defer { server.stop() }
            return try body(TestClient(port: server.port))
        }

        /// Reads a run by connections that are dropped behind every event; three readers do it side by side while the run is running.
        @Test(arguments: [1, 3])
        func readersThatDropAtEveryEvent_seeEachOnce_whileItRuns(loops: Int) throws {
            let gate = Gate()
            try Self.withServer(loops: loops, [EveryKindHandler(gate: gate)]) { client in
                let live = try client.start("every_kind", "go")
                let start = try #require(try live.next())
                let id = try #require(start.json["response_id"]?.string)
                let seen = Locked<[[ReceivedEvent]]>(Array(repeating: [], count: 3))
                let readers = try (0..<3).map { index in
                    try NamedThread(name: "reader") {
                        var lastID: String?
                        while let reader = try? client.follow(id, lastEventID: lastID), reader.head.status == 200,
                            let event = try? reader.next()
                        {
                            seen.withLock { $0[index].append(event) }
                            lastID = event.id
                            reader.close()
                        }
                    }
                }
                var whole = [start]
                for _ in 0..<11 {
                    gate.open()
                    if whole.count == 7 { gate.open() }  // The hidden event is behind this one.
                    whole.append(try #require(try live.next()))
                }
                whole += try live.all()
                for reader in readers { reader.join() }
                #expect(whole.last?.kind == "response_end")
                #expect(whole.map(\.sequence) == Array(1...whole.count))
                #expect(whole.count == 13)
                for index in 0..<3 { #expect(seen.withLock { $0[index] } == whole, "reader \(index)") }
            }
        }

        @Test func everyBoundary_afterTheEnd_givesTheRestExactly() throws {
            let gate = Gate()
            gate.open(100)
            try Self.withServer(loops: 2, [EveryKindHandler(gate: gate)]) { client in
                let whole = try client.start("every_kind", "go").all()
                let id = try #require(whole.first?.json["response_id"]?.string)
                for (index, event) in whole.enumerated() {
                    let rest = Array(whole[(index + 1)...])
                    let byHeader = try client.follow(id, lastEventID: event.id)
                    #expect(byHeader.head.status == (rest.isEmpty ? 204 : 200))
                    #expect(try byHeader.all() == rest)
                    #expect(try client.follow(id, query: "?after=\(event.sequence)").all() == rest)
                }
                // The header beats the query.
                #expect(try client.follow(id, lastEventID: "\(id):11", query: "?after=3").all() == Array(whole[11...]))
                #expect(try client.follow(id, lastEventID: "r_other:3").head.status == 400)
                #expect(try client.follow(id, lastEventID: "garbage").head.status == 400)
                #expect(try client.follow(id, query: "?after=-1").head.status == 422)
                #expect(try client.follow("r_unknown").head.status == 404)
                #expect(try client.follow(id, lastEventID: "\(id):99999").head.status == 204)
            }
        }

        /// A log much larger than what a loop keeps: late readers on every loop get it from the store, then live.
        @Test(arguments: [1, 3])
        func lateReaders_ofALongLog_getItWhole_whileItRuns(loops: Int) throws {
            struct LongHandler: TaskHandler {
                let name = "long"
                let description = "Emits much"
                let gate: Gate
                func handle(_ request: TaskRequest, _ context: RunContext) async throws {
                    for i in 0..<2000 { try await context.emit(.content("\(i) \(String(repeating: "x", count: 200))")) }
                    await gate.pass()
                    for i in 2000..<4000 { try await context.emit(.content("\(i) \(String(repeating: "x", count: 200))")) }
                }
            }
            let gate = Gate()
            try Self.withServer(loops: loops, change: { $0.runs.tailBytes = 4096 }, [LongHandler(gate: gate)]) { client in
                let live = try client.start("long", "go")
                var whole: [ReceivedEvent] = []
                while whole.count < 2001 { whole.append(try #require(try live.next())) }
                let id = try #require(whole.first?.json["response_id"]?.string)
                let seen = Locked<[[ReceivedEvent]]>(Array(repeating: [], count: 6))
                let half = Monitor(0)
                let readers = try (0..<6).map { index in
                    try NamedThread(name: "late") {
                        guard let reader = try? client.follow(id, query: index % 2 == 0 ? "" : "?after=\(index * 300)") else { return }
                        while let event = try? reader.next() {
                            seen.withLock { $0[index].append(event) }
                            if event.sequence == 2001 {
                                half.update {
                                    $0 += 1; return true
                                }
                            }
                        }
                    }
                }
                let arrived: Bool? = half.wait(nanoseconds: 20_000_000_000) { $0 == 6 ? true : nil }
                #expect(arrived == true)
                gate.open()
                whole += try live.all()
                for reader in readers { reader.join() }
                #expect(whole.map(\.sequence) == Array(1...4002))
                for index in 0..<6 {
                    #expect(seen.withLock { $0[index] } == (index % 2 == 0 ? whole : Array(whole[(index * 300)...])), "reader \(index)")
                }
            }
        }

        @Test func everyBoundary_acrossARestart_givesTheRestExactly() throws {
            let data = TestFiles.temporaryPath("restart")
            defer { TestFiles.remove(data) }
            let first = try ServerProcess(["port=0", "data-dir=\(data)"])
            let whole = try first.client.start("drip", "40 0").all()
            #expect(first.end(SIGTERM) == 0)
            let second = try ServerProcess(["port=0", "data-dir=\(data)"])
            let id = try #require(whole.first?.json["response_id"]?.string)
            #expect(try second.client.follow(id).all() == whole)
            for (index, event) in whole.enumerated() {
                #expect(try second.client.follow(id, lastEventID: event.id).all() == Array(whole[(index + 1)...]))
            }
        }
    }
}
