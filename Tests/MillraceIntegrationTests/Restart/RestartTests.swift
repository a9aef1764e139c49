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

        // MARK: Connections

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
                if signal == SIGUSR1 { #expect(log.contains("waiting for the data directory")) }
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

        // MARK: Streams

        /// What one reader saw of one run.
        private struct Reading: Sendable {
            var ids: [String] = []
            var kinds: [String] = []
            var status: String?
            var errorType: String?
            var sequences: [Int] { ids.map { $0.split(separator: ":").last.flatMap { Int($0) } ?? 0 } }

            mutating func take(_ message: SSEMessage) {
                ids.append(message.id)
                kinds.append(message.event)
                if message.event == "error" { errorType = message.json["error_type"]?.string }
                if message.event == "response_end" { status = message.json["status"]?.string }
            }
        }

        /// What all readers saw together.
        private struct Readings: Sendable {
            var runs: [Reading] = []
            var reconnects = 0
            var refused = 0
            var failures: [String] = []
            var isOver = false
        }

        /// Reads a stream to its end or the run's, and goes on with Last-Event-ID in the former case.
        /// - Parameter pace: called behind each event.
        private static func follow(
            _ port: Int, _ first: EventStreamClient, _ reading: inout Reading, pace: (Int) -> Void = { _ in }
        ) throws -> Int {
            var stream = first
            var reconnects = 0
            while true {
                while let message = try stream.next() {
                    reading.take(message)
                    pace(reading.ids.count)
                }
                stream.close()
                if reading.status != nil { return reconnects }
                guard let last = reading.ids.last else { throw ClientFailure("a stream without an event") }
                reconnects += 1
                stream = try EventStreamClient.follow(port: port, String(last.prefix { $0 != ":" }), lastEventID: last)
            }
        }

        /// Keeps starting and following runs until it is over.
        private static func keepReading(_ port: Int, _ readings: Monitor<Readings>) {
            while !readings.wait({ $0.isOver }) {
                do {
                    let client = try TCPClient(port: port)
                    try client.send(
                        TCPClient.request(
                            "POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "drip", text: "25 80")))
                    guard let stream = try EventStreamClient(started: client) else {
                        readings.update {
                            $0.refused += 1
                            return true
                        }
                        continue
                    }
                    var reading = Reading()
                    let reconnects = try follow(port, stream, &reading)
                    readings.update { [reading] in
                        $0.runs.append(reading)
                        $0.reconnects += reconnects
                        return true
                    }
                } catch {
                    readings.update {
                        $0.failures.append("\(error)")
                        return true
                    }
                    return
                }
            }
        }

        /// 200 streams and slow readers of a long log, in place restarted three times.
        @Test func restartUnderLoad_everyReaderHasEveryEventOnce_andCutRunsEndServerShutdown() async throws {
            try await onThreads {
                guard Counterpart.hasPython(modules: "httpx, httpx_sse") else { return }
                let directory = try TemporaryDirectory()
                let server = try ServerProcess(launcher: Self.parent + ["--"], try Self.arguments(directory))
                let port = server.port
                let long = try EventStreamClient.start(port: port, task: "drip", text: "20000 0").rest()
                #expect(long.last?.event == "response_end")

                let readings = Monitor(Readings())
                var threads: [NamedThread] = []
                for number in 0..<150 { threads.append(try NamedThread(name: "reader-\(number)") { Self.keepReading(port, readings) }) }
                let slow = Monitor(Readings())
                for number in 0..<10 {
                    threads.append(
                        try NamedThread(name: "slow-\(number)") {
                            var reading = Reading()
                            do {
                                let stream = try EventStreamClient(
                                    port: port, TCPClient.request("GET", "/api/v1/runs/\(long[0].responseID)/events"), receiveBuffer: 4096)
                                let reconnects = try Self.follow(port, stream, &reading) { count in
                                    // About as fast as a person's connection, and behind until the last restart, however fast it is read.
                                    guard count % 50 == 0, !readings.wait({ $0.isOver }) else { return }
                                    TestFiles.pause(milliseconds: count < 10_000 ? 20 : 500)
                                }
                                slow.update { [reading] in
                                    $0.runs.append(reading)
                                    $0.reconnects += reconnects
                                    return true
                                }
                            } catch {
                                slow.update {
                                    $0.failures.append("\(error)")
                                    return true
                                }
                            }
                        })
                }
                let stopFile = directory.path + "/stop"
                let others = Monitor<Result<Command, any Error>?>(nil)
                threads.append(
                    try NamedThread(name: "httpx") {
                        let result = Result {
                            try Command([
                                Counterpart.python, TestFiles.packageRoot + "/Tests/MillraceIntegrationTests/Clients/restart_readers.py",
                                "http://127.0.0.1:\(port)", "50", stopFile,
                            ])
                        }
                        others.updateAndWakeAll { $0 = result }
                    })
                let restarts = 3
                for restart in 1...restarts {
                    let before = readings.wait { $0.runs.count }
                    // Runs of this process are under way, and some have ended.
                    let isUnderWay: Bool? = readings.wait(nanoseconds: 30_000_000_000) {
                        $0.runs.count > before + 100 || !$0.failures.isEmpty ? true : nil
                    }
                    #expect(isUnderWay == true)
                    server.signal(restart == 2 ? SIGHUP : SIGUSR2)
                    try Self.wait(server, for: " listening ", times: restart + 1)
                }
                let before = readings.wait { $0.runs.count }
                _ = readings.wait(nanoseconds: 30_000_000_000) { $0.runs.count > before + 150 || !$0.failures.isEmpty ? true : nil }
                readings.updateAndWakeAll { $0.isOver = true }
                try directory.write("stop", "")
                for thread in threads { thread.join() }

                let own = readings.wait { $0 }
                #expect(own.failures.isEmpty, "\(own.failures.count): \(own.failures.prefix(5))")
                let answer = try JSONValue(parsing: try others.wait { $0 }.get().output)
                #expect(answer["failures"]?.array?.isEmpty == true, "\(answer["failures"] ?? .null)")
                let foreign = (answer["runs"]?.array ?? []).map { run in
                    var reading = Reading()
                    reading.ids = run["ids"]?.array?.compactMap(\.string) ?? []
                    reading.status = run["last"]?.array?.last?.string
                    reading.errorType = run["error"]?.string
                    return reading
                }
                var completed = 0
                var cut = 0
                for reading in own.runs + foreign {
                    #expect(reading.sequences == Array(1...reading.ids.count), "\(reading.ids)")
                    if reading.status == "completed" {
                        #expect(reading.ids.count == 27)
                        completed += 1
                    } else {
                        #expect(reading.status == "error" && reading.errorType == "server_shutdown", "\(reading)")
                        cut += 1
                    }
                }
                #expect(completed > 200 && cut > 50, "\(completed) completed, \(cut) cut")
                let slowly = slow.wait { $0 }
                #expect(slowly.failures.isEmpty, "\(slowly.failures)")
                #expect(slowly.runs.count == 10 && slowly.reconnects >= 10)
                for reading in slowly.runs { #expect(reading.ids == long.map(\.id)) }
                print(
                    "LIFECYCLE streams (none failed): \(own.runs.count) runs of 150 readers, \(foreign.count) of 50 with httpx-sse; \(completed) completed, "
                        + "\(cut) cut; slow readers read on \(slowly.reconnects) times; refused while draining: \(own.refused), "
                        + "\(answer["refused_while_draining"]?.integer ?? -1)")
                // What was read is what is stored.
                for reading in own.runs.suffix(20) {
                    let id = String(reading.ids[0].prefix { $0 != ":" })
                    #expect(try EventStreamClient.follow(port: port, id).rest().map(\.id) == reading.ids)
                }
                #expect(server.end(SIGTERM) == 0)
                #expect(!server.log.contains("closed runs that a crash had cut off"))
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
                let server = try ServerProcess(
                    launcher: [tool, "-l", "127.0.0.1:\(port)", "--fdname=web"], try Self.arguments(directory))
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
