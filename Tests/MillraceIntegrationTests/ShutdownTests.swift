import Glibc
import MillraceCore
import Testing

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

        /// Asks until the server says that it stops; the connection was open before.
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
                #expect(answer.status == 503)
                #expect(answer.json["status"] == "draining")
                #expect(answer.closes)
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
    }
}
