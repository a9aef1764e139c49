import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

extension IntegrationTests {
    /// Restarts under load: no connection is refused, and no reader loses an event.
    @Suite struct RestartTests {
        static let parent = ["/usr/bin/env", "python3", Counterpart.provider("socket_parent.py")]

        /// Settings for a restart that is over soon.
        static func arguments(_ directory: TemporaryDirectory, drainSeconds: Double = 1, more: String = "", loops: Int = 2) throws
            -> [String]
        {
            let runs = ["drainSeconds: \(drainSeconds)", more].filter { !$0.isEmpty }.joined(separator: ", ")
            try directory.write("config.yaml", "runs: {\(runs)}\nserver:\n  lockWaitSeconds: 30\n")
            return ["port=0", "data-dir=\(directory.path)", "loops=\(loops)", "config=\(directory.path)/config.yaml"]
        }

        /// Waits until the log has a text so many times.
        static func wait(_ server: ServerProcess, for text: String, times: Int) throws {
            for _ in 0..<3000 {
                if server.log.components(text) >= times { return }
                TestFiles.pause(milliseconds: 10)
            }
            throw ClientFailure("'\(text)' did not come \(times) times: \(server.log.suffix(4000))")
        }

        /// How connections went.
        private struct Connects: Sendable {
            var answered = 0
            var statuses: [Int: Int] = [:]
            var failures: [String] = []
            var isOver = false
        }

        /// Clients that connect, ask and leave, without a pause, until they are told to stop.
        /// - Parameter body: is given what waits until so many more were answered.
        private static func connecting(
            _ port: Int, during body: (_ more: (Int) throws -> Void) throws -> Void
        ) throws -> (answered: Int, statuses: [Int: Int], failures: [String]) {
            let connects = Monitor(Connects())
            var threads: [NamedThread] = []
            for number in 0..<6 {
                threads.append(
                    try NamedThread(name: "connect-\(number)") {
                        while true {
                            var outcome: Result<Int, any Error>
                            do {
                                let client = try TCPClient(port: port)
                                defer { client.close() }
                                outcome = .success(try client.ask("GET", "/api/v1/task-handlers", headers: ["Connection: close"]).status)
                            } catch {
                                outcome = .failure(error)
                            }
                            var isOver = false
                            connects.update { connects in
                                switch outcome {
                                case .success(let status):
                                    connects.answered += 1
                                    connects.statuses[status, default: 0] += 1
                                case .failure(let error): connects.failures.append("\(error)")
                                }
                                isOver = connects.isOver
                                return true
                            }
                            if isOver { return }
                        }
                    })
            }
            let problem = Result {
                try body { count in
                    let before = connects.wait { $0.answered }
                    let have: Bool? = connects.wait(nanoseconds: 30_000_000_000) { $0.answered > before + count ? true : nil }
                    guard have == true else { throw ClientFailure("no \(count) answers in time") }
                }
            }
            connects.updateAndWakeAll { $0.isOver = true }
            for thread in threads { thread.join() }
            try problem.get()
            return connects.wait { ($0.answered, $0.statuses, $0.failures) }
        }

        @Test(arguments: [SIGHUP, SIGUSR1, SIGUSR2])
        func parentHoldsTheSocket_noConnectionIsRefusedOrReset(signal: Int32) async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(launcher: Self.parent + ["--"], try Self.arguments(directory))
                let restarts = 4
                let load = try Self.connecting(server.port) { more in
                    for restart in 1...restarts {
                        try more(500)
                        server.signal(signal)
                        try Self.wait(server, for: " listening ", times: restart + 1)
                    }
                    try more(500)
                }
                #expect(load.failures.isEmpty, "\(load.failures.count) of \(load.answered): \(load.failures.prefix(5))")
                #expect(load.answered > 2500)
                #expect(Set(load.statuses.keys) == [200], "\(load.statuses)")
                print("LIFECYCLE connects \(signal): \(load.answered) answered, \(load.failures.count) failed")
                #expect(server.end(SIGTERM) == 0)
                let log = server.log
                #expect(log.components("READY=1") == restarts + 1)
                #expect(log.components(signal == SIGUSR2 ? "RELOADING=1 MONOTONIC_USEC=" : "STOPPING=1") >= restarts)
            }
        }

        @Test(arguments: [1, 2, 3])
        func severalSockets_areAllAcceptedOn(sockets: Int) async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(
                    launcher: Self.parent + ["--sockets", "\(sockets)", "--"], try Self.arguments(directory))
                for _ in 0..<2 {
                    for _ in 0..<40 {
                        let client = try TCPClient(port: server.port)
                        #expect(try client.ask("GET", "/healthz").status == 200)
                        client.close()
                    }
                    server.signal(SIGUSR2)
                    try Self.wait(server, for: " listening ", times: 2)
                }
                #expect(server.end(SIGTERM) == 0)
            }
        }

        /// Without anybody who holds its socket the server does so itself.
        @Test func restartInPlace_ofAServerOfItsOwnSockets_refusesNobody() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(try Self.arguments(directory))
                let load = try Self.connecting(server.port) { more in
                    for restart in 1...4 {
                        try more(500)
                        server.signal(SIGUSR2)
                        try Self.wait(server, for: " listening ", times: restart + 1)
                    }
                    try more(500)
                }
                #expect(load.failures.isEmpty, "\(load.failures.count) of \(load.answered): \(load.failures.prefix(5))")
                print("LIFECYCLE connects in place: \(load.answered) answered, \(load.failures.count) failed")
                #expect(server.log.components("SIGUSR2") == 4)
                #expect(server.end(SIGTERM) == 0)
            }
        }

        /// The stop wins over a restart that is under way.
        @Test func stopDuringTheDrainOfARestart_ends() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(try Self.arguments(directory, drainSeconds: 3))
                let reader = try EventStreamClient.start(port: server.port, task: "drip", text: "100000 5")
                _ = try reader.next(2)
                server.signal(SIGUSR2)
                try Self.wait(server, for: "restarting", times: 1)
                server.signal(SIGTERM)
                #expect(server.wait() == 0)
                #expect(server.log.components(" listening ") == 1)
                #expect(try reader.rest().suffix(2).first?.json["error_type"] == "server_shutdown")
            }
        }

        @Test(arguments: [
            ("LISTEN_FDS=two", "LISTEN_FDS must be"), ("LISTEN_FDS=0", "LISTEN_FDS must be"), ("LISTEN_PID=me", "LISTEN_PID must be"),
            ("LISTEN_FDNAMES=a:b", "LISTEN_FDNAMES must be"),
        ])
        func wrongListenVariables_stopTheStart_sayingWhichAndWhy(variable: String, message: String) throws {
            let directory = try TemporaryDirectory()
            do {
                _ = try ServerProcess(
                    program: "millrace", launcher: Self.parent + ["--env", variable, "--"],
                    ["serve", "--port", "0", "--data-dir", directory.path])
                Issue.record("it started")
            } catch let error as MillraceError {
                #expect(error.message.contains(message) && error.message.contains("unset it"), "\(error.message)")
            }
        }

        /// systemd's own tool hands the socket over.
        @Test func systemdSocketActivate_isUnderstood() async throws {
            try await onThreads {
                let tool = "/usr/bin/systemd-socket-activate"
                guard access(tool, X_OK) == 0 else {
                    Counterpart.leftOut("systemd-socket-activate")
                    return
                }
                let directory = try TemporaryDirectory()
                // It starts the server at the first connection; the port must be known before.
                let port = try MillraceCounterparts.Counterpart.freePort()
                let thread = try NamedThread(name: "first-client") {
                    // Refused until the tool listens.
                    for _ in 0..<2000 {
                        if let client = try? TCPClient(port: port) {
                            _ = try? client.ask("GET", "/healthz")
                            return
                        }
                        TestFiles.pause(milliseconds: 5)
                    }
                }
                // It passes only those variables on that it is told: a sanitizer has some.
                let names: [String] = ["LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "SWIFT_BACKTRACE"]
                let variables = names.filter { getenv($0) != nil }
                let server = try ServerProcess(
                    launcher: [tool, "-l", "127.0.0.1:\(port)", "--fdname=web"] + variables.flatMap { ["-E", $0] },
                    try Self.arguments(directory))
                thread.join()
                #expect(server.port == port)
                #expect(server.log.contains("inherited_sockets=1"))
                let client = try TCPClient(port: server.port)
                #expect(try client.ask("GET", "/healthz").status == 200)
                #expect(server.end(SIGTERM) == 0)
            }
        }
    }
}

extension String {
    /// How often a text occurs.
    func components(_ text: String) -> Int { ranges(of: text).count }
}
