import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import MillraceServer
import Testing

extension IntegrationTests {
    /// A run's log begins in the commit that creates the run.
    @Suite struct RunCreationTests {
        private static let talk = ScriptedTask("talk") { _, context in try await context.emit(.content("hello")) }
        private static let body = EventStreamClient.generateBody(task: "talk")

        private static func store(_ directory: TemporaryDirectory) throws -> SQLiteStore {
            try SQLiteStore(path: directory.path + "/millrace.db")
        }

        /// Runs `talk` on a disk that takes the run and nothing behind it, as when the process is killed before the first append, and
        /// returns what a reader saw.
        private static func runCutOffAtItsCreation(in directory: TemporaryDirectory) async throws -> [SSEMessage] {
            let store = InterceptedStore(try Self.store(directory), dropsAppends: true)
            return try await withServer([talk], store: store, configure: { $0.runs.commitPatienceSeconds = 0.1 }) { server in
                try server.start("talk").rest()
            }
        }

        @Test func cutOffBeforeTheFirstAppend_logBeginsWithResponseStart_andTheGapIsAnnounced() async throws {
            let directory = try TemporaryDirectory()
            let seen = try await Self.runCutOffAtItsCreation(in: directory)
            #expect(seen.map(\.event) == ["response_start", "content", "error"])
            let id = try #require(seen.first).responseID
            try await withServer([Self.talk], store: try Self.store(directory)) { server in
                let log = try server.log(of: id)
                try #require(log.map(\.event) == ["response_start", "error", "response_end"])
                #expect(log.first == seen.first, "the reader's response_start was taken back")
                // The reader's content is in the announced gap.
                #expect(log.map(\.sequence) == [1, 1026, 1027])
                #expect(log[1].json["error_type"] == "run_interrupted")
                #expect(log[1].json["details"]?["lost"] == ["first_sequence": 2, "last_sequence": 1025])
                #expect(log[2].json["status"] == "error")
                #expect(try server.follow(id, lastEventID: seen[1].id).rest() == Array(log.suffix(2)))
            }
        }

        /// Earlier versions appended `response_start` after they had created the run.
        @Test func runWithoutEvents_ofAnOlderDatabase_isClosed() async throws {
            let directory = try TemporaryDirectory()
            let id = try #require(try await Self.runCutOffAtItsCreation(in: directory).first).responseID
            try SQLiteConnection.open(path: directory.path + "/millrace.db", access: .readWrite).execute("DELETE FROM run_events")
            try await withServer([Self.talk], store: try Self.store(directory)) { server in
                let log = try server.log(of: id)
                #expect(log.map(\.event) == ["error", "response_end"])
                #expect(log.first?.json["details"]?["lost"]?["first_sequence"] == 1)
                #expect(try server.ask("GET", "/api/v1/runs/\(id)").json["status"] == "error")
            }
        }

        /// Between its commit and the server's learning of it, a run can be found by its idempotency key and on the list of runs.
        @Test(arguments: [1, 2])
        func attachedWhileTheRunIsStored_everyReaderHasTheWholeLog(loops: Int) async throws {
            let (gate, goesOn, notes) = (StepGate(), StepGate(), Notes())
            let store = InterceptedStore(InMemoryStore()) {
                notes.note("stored")
                try await gate.pass()
            }
            let slow = ScriptedTask("talk") { _, context in
                try await goesOn.pass()
                try await context.emit(.content("hello"))
            }
            // No keep-alive, so that a reader that gets nothing fails.
            let configure: @Sendable (inout ServerSettings) -> Void = {
                $0.loops = loops
                $0.runs.keepAliveSeconds = 60
            }
            try await withServer([slow], store: store, configure: configure) { server in
                let request = TCPClient.request(
                    "POST", "/api/v1/generate/stream", headers: ["Idempotency-Key: \"k\""], body: Self.body)
                let first = try server.connect()
                try first.send(request)
                #expect(notes.wait("stored"))
                // Several, so that there are some on each loop.
                let others = try (0..<6).map { _ in try EventStreamClient(port: server.port, request) }
                // Several turns of every loop go by, so that all of them wait for the run.
                for _ in 0..<16 { #expect(try server.ask("GET", "/healthz").status == 200) }
                for other in others { #expect(try other.available().isEmpty) }
                gate.open()
                // The beginning comes by itself, not with what follows it.
                let starts = try others.map { try #require(try $0.next()) }
                goesOn.open()
                let logs = try zip(starts, others).map { [$0] + (try $1.rest()) }
                #expect(logs[0].map(\.event) == ["response_start", "content", "response_end"])
                #expect(logs[0].map(\.sequence) == [1, 2, 3])
                for log in logs { #expect(log == logs[0]) }
                for message in logs[0] { _ = try first.read(until: "id: \(message.id)\ndata: \(message.data)\n\n") }
                #expect(notes.all.count == 1)
            }
        }

        @Test func cancelledWhileTheRunIsStored_endsBehindResponseStart() async throws {
            let (gate, notes) = (StepGate(), Notes())
            let store = InterceptedStore(InMemoryStore()) {
                notes.note("stored")
                try await gate.pass()
            }
            try await withServer([Self.talk], store: store) { server in
                let first = try server.connect()
                try first.send(TCPClient.request("POST", "/api/v1/generate/stream", body: Self.body))
                #expect(notes.wait("stored"))
                let run = try #require(try server.ask("GET", "/api/v1/runs").json["items"]?[0])
                #expect(run["status"] == "running" && run["last_sequence"] == 1)
                let id = try #require(run["response_id"]?.string)
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                gate.open()
                let log = try server.log(of: id)
                #expect(log.map(\.event) == ["response_start", "response_end"])
                #expect(log.last?.json["status"] == "cancelled")
                #expect(log.map(\.sequence) == [1, 2])
            }
        }

        /// With the smallest reservation the first event must not use up what the handler's events need.
        @Test func reservationOfOne_stillRuns() async throws {
            let configure: @Sendable (inout ServerSettings) -> Void = {
                $0.runs.reservedSequences = 1
                $0.runs.longestRunSeconds = 5
            }
            try await withServer([Self.talk], configure: configure) { server in
                let log = try server.start("talk").rest()
                #expect(log.map(\.event) == ["response_start", "content", "response_end"])
            }
        }
    }
}
