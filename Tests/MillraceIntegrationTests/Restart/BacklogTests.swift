import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// Clients that wait in a listening socket, since a handler holds the loop that would accept them.
    @Suite struct BacklogTests {
        /// Clients that have connected and asked.
        private static func waiting(_ count: Int, port: Int) throws -> [TCPClient] {
            try (0..<count).map { _ in
                let client = try TCPClient(port: port)
                try client.send(TCPClient.request("GET", "/api/v1/task-handlers", headers: ["Connection: close"]))
                return client
            }
        }

        /// How many got which answer, and what became of those without one.
        private static func outcomes(_ clients: [TCPClient]) -> (statuses: [Int: Int], failures: [String]) {
            var statuses: [Int: Int] = [:]
            var failures: [String] = []
            for client in clients {
                do {
                    statuses[try client.readAnswer().status, default: 0] += 1
                } catch {
                    failures.append(client.wasReset ? "reset" : "\(error)")
                }
                client.close()
            }
            return (statuses, failures)
        }

        /// The sockets are the server's own, whether it has just made them or a restart has handed them on.
        @Test(arguments: [0, 1, 2]) func serverIsStopped_whoWaitsIsAnswered(restarts: Int) async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(try RestartTests.arguments(directory, loops: 1))
                for restart in 0..<restarts {
                    server.signal(SIGUSR2)
                    try RestartTests.wait(server, for: " listening ", times: restart + 2)
                }
                let held = try HeldLoop(server, in: directory)
                // More than a loop accepts in a turn, so that the stop finds some waiting.
                let clients = try Self.waiting(300, port: server.port)
                server.signal(SIGTERM)
                try RestartTests.wait(server, for: " stopping ", times: 1)
                held.release()
                let (statuses, failures) = Self.outcomes(clients)
                #expect(failures.count == 0, "\(failures.prefix(5))")
                #expect(statuses == [200: 300])
                #expect(server.wait() == 0)
                #expect(throws: ClientFailure.self, "nobody else holds the socket") { try TCPClient(port: server.port) }
            }
        }

        /// Its loop cannot be told to hand its socket on, and does not take another turn when it is free again.
        @Test func loopIsHeldUntilTheRestart_itsSocketIsHandedOn() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let arguments = try RestartTests.arguments(
                    directory, drainSeconds: 0.1, more: "cancelGraceSeconds: 0, commitPatienceSeconds: 0.1")
                let server = try ServerProcess(arguments)
                // Not the first loop, whose last word the server waits for.
                let held = try HeldLoop(server, loop: "loop-1", in: directory)
                server.signal(SIGUSR2)
                try RestartTests.wait(server, for: " restarting ", times: 1)
                // The kernel gives about half of them to the loop that is held.
                let clients = try Self.waiting(40, port: server.port)
                try TestFiles.waitUntil { !server.threads.contains("loop-0") }
                held.release()
                try RestartTests.wait(server, for: " listening ", times: 2)
                #expect(server.log.contains("inherited_sockets=2"))
                let (statuses, failures) = Self.outcomes(clients)
                #expect(failures.count == 0, "\(failures.prefix(5))")
                #expect(statuses == [200: 40])
                #expect(server.end(SIGTERM) == 0)
            }
        }
    }
}
