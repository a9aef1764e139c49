import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// More connections than are allowed, than there are descriptors for, and more runs than an owner may have.
    @Suite struct ManyConnectionsTests {
        /// A server in a process of its own that may open so many descriptors.
        private static func server(descriptors: Int, _ folder: TemporaryFolder, _ yaml: String) throws -> ServerProcess {
            try folder.write("config.yaml", yaml)
            return try ServerProcess(
                launcher: ["/bin/sh", "-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\""],
                ["port=0", "data-dir=\(folder.path)/data", "loops=2", "config=\(folder.path)/config.yaml"])
        }

        /// Waits until a process has at most so many descriptors; returns how many it has.
        private static func settle(_ server: ServerProcess, descriptors limit: Int) -> Int {
            for _ in 0..<400 where ProcessStatus.descriptors(of: server.processID) > limit { TestFiles.pause(milliseconds: 25) }
            return ProcessStatus.descriptors(of: server.processID)
        }

        /// Half as many again as the limit of 10,000, from three processes with an address each: those above it get 503, those below it and a
        /// stream among them go on, and when they have gone nothing of them is left. The figures are printed.
        @Test func connectionsAreHalfAgainTheLimit_thoseAboveGet503_andNothingOfThemIsLeft() async throws {
            var descriptors = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &descriptors)
            let wanted = 10_000
            let limit = min(wanted, (Int(clamping: descriptors.rlim_max) - 1000) / 100 * 100)
            if limit < wanted {
                let note =
                    "SCALED DOWN: \(limit) connections are allowed instead of \(wanted): the hard limit of descriptors is \(descriptors.rlim_max)\n"
                _ = note.withCString { write(2, $0, strlen($0)) }
            }
            let folder = try TemporaryFolder()
            let server = try Self.server(descriptors: limit + 1000, folder, "limits: {maxConnections: \(limit), idleTimeoutSeconds: 600}")
            let drip = try EventStreamClient.start(port: server.port, task: "drip", text: "100000 10")
            let responseID = try #require(try drip.next()).responseID
            let base = ProcessStatus.descriptors(of: server.processID)
            let empty = ProcessStatus.residentBytes(of: server.processID)
            let crowds = try (2...4).map { try Crowd(of: limit / 2, to: server.port, from: "127.0.0.\($0)") }
            func all(_ command: String) async throws -> Crowd.Report {
                try await concurrently(crowds.count) { try crowds[$0].run(command) }.reduce(Crowd.Report(), +)
            }
            let open = limit - 1
            var resident: [Int] = []
            for round in 1...2 {
                let began = MonotonicClock.milliseconds()
                let connected = try await all("connect")
                let took = MonotonicClock.milliseconds() - began
                #expect(connected.outcomes == ["200": open, "503": limit / 2 * 3 - open], "\(connected)")
                #expect(ProcessStatus.descriptors(of: server.processID) == base + open)
                let full = ProcessStatus.residentBytes(of: server.processID)
                // Those below the limit are served on, however many knock.
                let asked = try await all("ask")
                #expect(asked.outcomes == ["200": open], "\(asked)")
                let late = try TCPClient(port: server.port)
                #expect(try late.readAnswer().status == 503)
                #expect(try late.readToEnd().isEmpty)
                // The stream goes on: what comes after all that is there within a moment, and nothing is missing.
                let asOf = MonotonicClock.milliseconds()
                _ = try drip.available()
                _ = try #require(try drip.next())
                #expect(MonotonicClock.milliseconds() - asOf < 5000)
                _ = try await all("close")
                #expect(Self.settle(server, descriptors: base) <= base, "descriptors are left")
                #expect(try TestClient(port: server.port).request("GET", "/healthz").status == 200)
                resident.append(ProcessStatus.residentBytes(of: server.processID))
                print(
                    "connections: round \(round): \(open) of \(limit / 2 * 3) in \(took) ms, longest \(connected.longest) ms, asked again "
                        + "\(asked.longest) ms, \((full - empty) / open) bytes each, resident \(empty >> 10), \(full >> 10), \(resident[round - 1] >> 10) KiB"
                )
            }
            #expect(resident[1] - resident[0] < 4 << 20, "what the first crowd cost is used again by the second")
            _ = try TestClient(port: server.port).request("POST", "/api/v1/runs/\(responseID)/cancel")
            let rest = try drip.rest()
            #expect(rest.last?.event == "response_end")
            #expect(zip(rest, rest.dropFirst()).allSatisfy { $1.sequence == $0.sequence + 1 })
        }

        /// Out of descriptors below the limit of connections: nobody is served worse who is in, accepting rests instead of spinning, and goes
        /// on when there is room.
        @Test func descriptorsRunOut_acceptingRests_andGoesOnLater() async throws {
            let folder = try TemporaryFolder()
            let server = try Self.server(descriptors: 150, folder, "limits: {idleTimeoutSeconds: 600}")
            let base = ProcessStatus.descriptors(of: server.processID)
            let crowd = try Crowd(of: 190, to: server.port, from: "127.0.0.2", patience: 2)
            let before = ProcessStatus.processorMilliseconds(of: server.processID)
            let connected = try crowd.run("connect")
            let spent = ProcessStatus.processorMilliseconds(of: server.processID) - before
            let served = connected.outcomes["200"] ?? 0
            #expect(served >= 150 - base - 10 && served < 150, "\(connected)")
            #expect(connected.outcomes["503"] == nil)
            #expect(spent < 1000, "\(spent) ms of processor time in 2 s of want")
            let asked = try crowd.run("ask")
            #expect(asked.outcomes == ["200": served], "\(asked)")
            _ = try crowd.run("close")
            #expect(Self.settle(server, descriptors: base) <= base)
            #expect(try TestClient(port: server.port).request("GET", "/healthz").status == 200)
            let again = try Crowd(of: 50, to: server.port, from: "127.0.0.3")
            #expect(try again.run("connect").outcomes == ["200": 50])
        }

        @Test func ownerStartsRunsWithoutEnd_thoseAboveTheLimitGet429_andMayTryAgain() async throws {
            let gate = StepGate()
            let waiting = ScriptedTask("waiting") { _, _ in try await gate.pass() }
            try await withServer([waiting], configure: { $0.runs.maxConcurrentRunsPerOwner = 5 }) { server in
                let body = EventStreamClient.generateBody(task: "waiting")
                let request = TCPClient.request("POST", "/api/v1/generate/stream", body: body)
                let clients = try (0..<40).map { _ in try server.connect() }
                for client in clients { try client.send(request) }
                let answers = try clients.map { try HTTPAnswer(head: try $0.read(until: "\r\n\r\n")) }
                #expect(answers.count { $0.status == 200 } == 5)
                let refused = answers.filter { $0.status != 200 }
                #expect(refused.allSatisfy { $0.status == 429 && $0["retry-after"] == "1" && !$0.closes })
                #expect(try server.ask("GET", "/readyz").json["runs"] == 5)
                // Leaving does not free a place, since a run goes on without its readers; its end does.
                for client in clients { client.close() }
                #expect(try server.ask("POST", "/api/v1/generate/stream", body: body).status == 429)
                gate.open(5)
                for _ in 0..<200 where try server.ask("GET", "/readyz").json["runs"] != 0 { TestFiles.pause(milliseconds: 25) }
                gate.open()
                #expect(try server.start("waiting").rest().last?.event == "response_end")
            }
        }
    }
}
