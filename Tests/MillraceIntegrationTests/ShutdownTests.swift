import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

/// Holds back the requests whose text is "late", before their runs are stored.
private final class LateStage: EventStage {
    private let gate: StepGate
    private let entered: Monitor<Bool>
    init(_ gate: StepGate, _ entered: Monitor<Bool>) {
        self.gate = gate
        self.entered = entered
    }
    func input(_ message: Message) async throws -> InputVerdict {
        guard message.parts == [.text("late")] else { return .pass }
        entered.updateAndWakeAll { $0 = true }
        try await gate.pass()
        return .pass
    }
    func process(_ event: Event) async throws -> StageVerdict { .pass }
}

extension IntegrationTests {
    /// What SIGTERM does to a server in its own process.
    @Suite struct ShutdownTests {
        private static func start(drainSeconds: Double, in directory: TemporaryDirectory) throws -> ServerProcess {
            let config = directory.path + "/config.yaml"
            guard let file = fopen(config, "w") else { throw ClientFailure("cannot write \(config)") }
            fputs("runs:\n  drainSeconds: \(drainSeconds)\n", file)
            fclose(file)
            return try ServerProcess(["port=0", "data-dir=\(directory.path)", "loops=2", "config=\(config)"])
        }

        /// Asks until the server says that it stops, or closes behind an answer that it had begun before; the connection was open before.
        private static func waitForDrain(_ client: TCPClient) throws -> HTTPAnswer {
            for _ in 0..<100_000 {
                let answer = try client.ask("GET", "/readyz")
                if answer.status != 200 || answer.closes { return answer }
            }
            throw ClientFailure("the server does not stop")
        }

        @Test func runIsLongerThanTheDrain_endsWithServerShutdown_andTheProcessWithZero() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try Self.start(drainSeconds: 0.7, in: directory)
                let reader = try EventStreamClient.start(port: server.port, task: "drip", text: "100000 5")
                let id = try #require(try reader.next(3).last).responseID
                let alive = try TCPClient(port: server.port)
                #expect(try alive.ask("GET", "/readyz").status == 200)
                server.signal(SIGTERM)

                let answer = try Self.waitForDrain(alive)
                #expect(answer.status == 503 ? answer.json["status"] == "draining" : answer.closes)
                #expect(try alive.readToEnd().isEmpty)
                // Each loop closes its own listener; after that nobody answers.
                var isRefused = false
                for _ in 0..<400 where !isRefused {
                    do { _ = try TCPClient(port: server.port) } catch { isRefused = true }
                    if !isRefused { TestFiles.pause(milliseconds: 1) }
                }
                #expect(isRefused)

                let rest = try reader.rest()
                #expect(rest.suffix(2).map(\.event) == ["error", "response_end"])
                #expect(rest.suffix(2).first?.json["error_type"] == "server_shutdown")
                #expect(rest.last?.json["status"] == "error")
                #expect(rest.map(\.sequence) == Array(4...(rest.count + 3)))
                #expect(reader.isWhole)
                #expect(server.wait() == 0)

                // Nothing is left to recover: the log was closed in order.
                let next = try ServerProcess(["port=0", "data-dir=\(directory.path)"])
                let log = try EventStreamClient.follow(port: next.port, id).rest()
                #expect(Array(log[3...]) == rest)
                #expect(next.end(SIGINT) == 0)
            }
        }

        @Test func drainOfNothing_cutsRunsAtOnce() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try Self.start(drainSeconds: 0, in: directory)
                let readers = try (0..<20).map { _ in try EventStreamClient.start(port: server.port, task: "drip", text: "100000 5") }
                for reader in readers { _ = try reader.next(2) }
                server.signal(SIGTERM)
                for reader in readers {
                    let rest = try reader.rest()
                    #expect(rest.suffix(2).map(\.event) == ["error", "response_end"])
                    #expect(rest.suffix(2).first?.json["error_type"] == "server_shutdown")
                    #expect(reader.isWhole)
                }
                #expect(server.wait() == 0)
            }
        }

        /// A request that was let in before the drain and asks for its run after it gets no run that nobody would end.
        @Test func requestThatIsUnderWayWhenTheDrainBegins_startsNoRun() async throws {
            let (late, going) = (StepGate(), StepGate())
            let entered = Monitor(false)
            let task = ScriptedTask("going") { _, context in
                try await context.emit(.content("here"))
                try await going.pass()
            }
            try await withServer([task], stages: [{ _ in [LateStage(late, entered)] }]) { server in
                let reader = try server.start("going")
                _ = try reader.next(2)
                let alive = try server.connect()
                #expect(try alive.ask("GET", "/readyz").status == 200)
                let asking = try server.connect()
                try asking.send(
                    TCPClient.request("POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "going", text: "late")))
                entered.wait { $0 ? () : nil }
                let stopping = try NamedThread(name: "stopping") { server.server.stop(drainSeconds: 20) }
                _ = try Self.waitForDrain(alive)
                late.open()
                let answer = try asking.readAnswer()
                #expect(answer.status == 503 && answer["retry-after"] == "1" && answer.closes)
                going.open(2)
                #expect(try reader.rest().last?.json["status"] == "completed")
                stopping.join()
            }
        }

        /// It can read on elsewhere, behind the last whole event.
        @Test func readerThatIsFarBehind_isEndedBehindAWholeEvent() async throws {
            let count = 40_000
            let task = ScriptedTask("long") { _, context in
                for number in 0..<count { try await context.emit(.content("piece \(number)")) }
            }
            try await withServer([task]) { server in
                let id = try server.run("long", "go")[0].responseID
                let reader = try EventStreamClient(
                    port: server.port, TCPClient.request("GET", "/api/v1/runs/\(id)/events"), receiveBuffer: 4096)
                var seen = try reader.next(10).count
                let stopping = try NamedThread(name: "stopping") { server.server.stop(drainSeconds: 20) }
                while try reader.next() != nil {
                    seen += 1
                    // Slower than the server, faster than its patience.
                    if seen % 200 == 0 { TestFiles.pause(milliseconds: 10) }
                }
                stopping.join()
                #expect(seen > 10 && seen < count)
                #expect(reader.isWhole, "the stream was cut, not ended")
            }
        }

        @Test func runEndsWithinTheDrain_isCompleted() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try Self.start(drainSeconds: 20, in: directory)
                let reader = try EventStreamClient.start(port: server.port, task: "drip", text: "20 20")
                _ = try reader.next(2)
                server.signal(SIGTERM)
                let rest = try reader.rest()
                #expect(rest.last?.json["status"] == "completed")
                #expect(rest.last?.sequence == 22)
                #expect(server.wait() == 0)
            }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func idleProduct_stopsAtOnceWithZero(signal: Int32) async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(program: "millrace", ["serve", "--port", "0", "--data-dir", directory.path])
                let idle = try TCPClient(port: server.port)
                #expect(try idle.ask("GET", "/healthz").status == 200)
                #expect(server.end(signal) == 0)
                #expect(try idle.readToEnd().isEmpty)
            }
        }

        private final class Held: @unchecked Sendable {
            weak var store: SQLiteStore?
        }

        @Test func stoppedServer_letsGoOfItsStore() async throws {
            let (held, directory) = (Held(), try TemporaryDirectory())
            try await onThreads {
                let store = try SQLiteStore(path: directory.path + "/millrace.db")
                held.store = store
                try await withServer(store: store, configure: { $0.loops = 2 }) { server in
                    let status = try server.ask("GET", "/healthz").status
                    #expect(status == 200)
                }
            }
            #expect(held.store == nil)
        }
    }
}
