import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// What a hostile or unlucky client once broke, each with the smallest thing that shows it.
    @Suite struct AttackTests {
        @Test(arguments: [Int.max, Int.max - 1, 1 << 40, 2])
        func cursorBehindTheNewestEvent_isRefused_onALiveRun(after: Int) async throws {
            let gate = StepGate()
            let waiting = ScriptedTask("waiting") { _, _ in try await gate.pass() }
            try await withServer([waiting]) { server in
                let reader = try server.start("waiting")
                let id = try #require(try reader.next()).responseID
                #expect(try server.ask("GET", "/api/v1/runs/\(id)/events?after=\(after)").status == 400)
                #expect(
                    try server.ask("GET", "/api/v1/runs/\(id)/events", headers: ["Last-Event-ID: \(id):\(after)"]).status == 400)
                gate.open()
                #expect(try reader.rest().map(\.event) == ["response_end"])
                #expect(try server.ask("GET", "/api/v1/runs/\(id)/events?after=\(after)").status == (after >= 2 ? 204 : 200))
            }
        }

        /// Around the sizes at which reading pauses and goes on.
        @Test(arguments: [60_000, 65_400, 65_536, 65_700, 98_304, 131_000, 131_072, 200_000, 1_000_000])
        func largeBodySentAtOnce_arrivesWhole(size: Int) async throws {
            let count = ScriptedTask("count") { request, context in try await context.emit(.content("\(request.text.utf8.count)")) }
            try await withServer([count]) { server in
                let body = EventStreamClient.generateBody(task: "count", text: String(repeating: "x", count: size))
                let answer = try server.ask("POST", "/api/v1/generate/invoke", body: body)
                #expect(answer.json["parts"]?[0]?["content"] == .string("\(size)"))
            }
        }

        /// A reader that takes nothing while keep-alives are due must not hold the loop.
        @Test func stalledReader_whileKeepAlivesAreDue_leavesTheLoopToOthers() async throws {
            let piece = String(repeating: "z", count: 4000)
            let flood = ScriptedTask("flood") { _, context in
                for _ in 1...3000 { try await context.emit(.content(piece)) }
            }
            try await withServer(
                [flood],
                configure: {
                    $0.loops = 1
                    $0.runs.keepAliveSeconds = 0.05
                    $0.limits.writeStallTimeoutSeconds = 1
                }
            ) { server in
                let stalled = try EventStreamClient(
                    port: server.port,
                    TCPClient.request("POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "flood")),
                    receiveBuffer: 4096)
                #expect(server.log.waitForLine("path=/api/v1/generate/stream", "complete=false") != nil, "the stall was not noticed")
                #expect(try server.ask("GET", "/healthz").status == 200)
                stalled.close()
            }
        }

        @Test func ownerIsAtTheLimit_aRepeatedKeyStillAttaches() async throws {
            let gate = StepGate()
            let waiting = ScriptedTask("waiting") { _, _ in try await gate.pass() }
            try await withServer([waiting], configure: { $0.runs.maxConcurrentRunsPerOwner = 1 }) { server in
                let first = try server.start("waiting", headers: ["Idempotency-Key: \"k\""])
                let id = try #require(try first.next()).responseID
                let second = try server.start("waiting", headers: ["Idempotency-Key: \"k\""])
                #expect(try #require(try second.next()).responseID == id)
                #expect(
                    try server.ask("POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "waiting")).status == 429)
                gate.open()
                #expect(try second.rest().count == 1)
            }
        }

        @Test func portIsTaken_theSecondServerSaysSo() async throws {
            try await withServer { server in
                var settings = ServerSettings()
                settings.port = server.port
                settings.dataDirectory = ":memory:"
                let second = try Server(settings: settings, logger: .silent)
                defer { second.stop() }
                #expect {
                    try second.start()
                } throws: {
                    ($0 as? MillraceError)?.message.contains("another program has it") == true
                }
            }
        }

        @Test func invokingClientLeaves_aDetachCancelRunIsCancelled() async throws {
            let notes = Notes()
            let options = TaskHandlerOptions(detach: .cancel(graceSeconds: 0.05))
            let patient = ScriptedTask("patient", options: options) { _, context in
                notes.note("started")
                do { try await context.sleep(for: .seconds(600)) } catch { notes.note("cancelled") }
            }
            try await withServer([patient]) { server in
                let client = try server.connect()
                try client.send(
                    TCPClient.request("POST", "/api/v1/generate/invoke", body: EventStreamClient.generateBody(task: "patient")))
                #expect(notes.wait("started"))
                client.close()
                #expect(notes.wait("cancelled"))
            }
        }

        /// A disk that neither takes nor refuses: readers are told after a while, and nobody waits for ever.
        @Test func storeNeverAnswersAnAppend_readersAreToldAndCut() async throws {
            let store = InterceptedStore(InMemoryStore(), dropsAppends: true)
            let talk = ScriptedTask("talk") { _, context in try await context.emit(.content("hello")) }
            try await withServer([talk], store: store, configure: { $0.runs.commitPatienceSeconds = 0.1 }) { server in
                let events = try server.start("talk").rest()
                #expect(events.map(\.event) == ["response_start", "content", "error"])
                #expect(events.last?.json["error_type"] == "storage_unavailable")
                #expect(events.last?.id == events[1].id, "the error has an id of its own")
            }
        }
    }
}
