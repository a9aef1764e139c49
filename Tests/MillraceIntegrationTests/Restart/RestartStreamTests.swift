import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// Restarts while streams are being read: nobody loses an event, or gets one twice.
    @Suite struct RestartStreamTests {
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
                let server = try ServerProcess(launcher: RestartTests.parent + ["--"], try RestartTests.arguments(directory))
                let port = server.port
                // More than the kernel keeps for a reader.
                let long = try EventStreamClient.start(port: port, task: "drip", text: "60000 0").rest()
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
                    try RestartTests.wait(server, for: " listening ", times: restart + 1)
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
                #expect(slowly.runs.count == 10 && slowly.reconnects > 0)
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
    }
}
