import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// Faults that last: what is seen while they do, and that the server goes on by itself when they are over.
    @Suite struct LastingFaultTests {
        /// Runs `body` with a server that works; the faults that it makes are over afterwards, and what was promised is looked for.
        private func withServer(
            _ body: (FaultedServer, FaultControl, inout ServerLedger) throws -> Void
        ) throws {
            let data = FaultDirectory.make()
            defer { TestFiles.remove(data) }
            let control = try FaultControl()
            let server = try FaultedServer(control, data: data)
            try #require(server.waitUntilItAnswers(), "\(server.log)")
            var ledger = ServerLedger()
            try body(server, control, &ledger)
            control.lift()
            #expect(server.end(SIGTERM) == 0, "\(server.log)")
            var outcome = FaultCase.Outcome()
            try FaultCase.checkAfterRestart(ledger, data, &outcome)
            #expect(outcome.defects.isEmpty)
            #expect(ServerLedger.damage(of: "\(data)/millrace.db").isEmpty)
        }

        /// The status of an answer; `nil`: there was none.
        private func status(_ client: TestClient, _ path: String) -> Int? { try? client.request("GET", path).status }

        private static func body(_ task: String, _ text: String) -> String { TestClient.body(task, text) }

        @Test(arguments: ["ENOSPC", "EIO", "EDQUOT"])
        func diskTakesNothing_readersAreTold_andItGoesOnByItself(failure: String) throws {
            try withServer { server, control, ledger in
                ledger.runs.append(.init(key: "cut", text: "400 2", chat: "cut"))
                let reader = try server.client.start("drip", "400 2", chat: "cut", headers: ["Idempotency-Key": "\"cut\""])
                var seen: [ReceivedEvent] = []
                while seen.count < 5, let event = try reader.next() { seen.append(event) }
                for call in ["pwrite", "write", "ftruncate"] {
                    for target in ["database", "wal", "object"] { control.add(Failure(failure), call: call, target: target) }
                }
                while let event = try reader.next() { seen.append(event) }
                #expect(seen.last?.kind == "error")
                #expect(seen.last?.json["error_type"] == "storage_unavailable")
                #expect(!reader.isWhole)
                ledger.runs[0].readers.append(Array(seen.dropLast()))
                let client = server.client
                #expect(status(client, "/readyz") == 503)
                let posts = ["/api/v1/generate/stream": Self.body("drip", "1 0"), "/api/v1/chats": "{}", "/api/v1/content?title=a": "text"]
                for (path, body) in posts {
                    let type = path.contains("content") ? "text/plain" : "application/json"
                    let refused = try client.request("POST", path, headers: ["Content-Type": type], body: body)
                    #expect(refused.status == 503, "\(path)")
                    #expect(refused.headers["content-type"] == "application/problem+json")
                }
                // What is stored can be read.
                #expect(status(client, "/api/v1/runs") == 200)
                control.lift()
                #expect(status(client, "/readyz") == 200)
                let after = try client.start("drip", "3 0").all()
                #expect(after.last?.json["status"] == "completed")
            }
        }

        @Test func diskIsSlow_onlyDelays() throws {
            try withServer { server, control, ledger in
                control.add(.delay(milliseconds: 60), call: "fdatasync")
                ledger.runs.append(.init(key: "slow", text: "20 1", chat: "slow"))
                let reader = try server.client.start("drip", "20 1", chat: "slow", headers: ["Idempotency-Key": "\"slow\""])
                let seen = try reader.all()
                #expect(seen.map(\.sequence) == Array(1...22))
                ledger.runs[0].readers.append(seen)
            }
        }

        /// The kernel has nothing for a connection: accepting rests, does not spin, and goes on when there is something again.
        @Test(arguments: ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"])
        func nothingForAConnection_acceptingRests_andGoesOn(failure: String) throws {
            try withServer { server, control, _ in
                control.step = 1
                control.add(Failure(failure), call: "accept4")
                control.add(Failure("EMFILE"), call: "open", target: "other")
                let waiting = try TestConnection(port: server.control.port)
                try waiting.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                TestFiles.pause(milliseconds: 600)
                let accepts = control.count(step: 1, call: "accept4")
                #expect((1...40).contains(accepts), "\(accepts) calls of accept4 in 0.6 s")
                #expect(server.waitForLog("cannot accept"))
                control.lift()
                let answer = String(decoding: try waiting.receiveAll(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200"))
                #expect(status(server.client, "/healthz") == 200)
            }
        }

        @Test(arguments: ["ENOMEM", "ENOSPC"])
        func noWatches_connectionsAreClosed_andItGoesOn(failure: String) throws {
            try withServer { server, control, _ in
                control.add(Failure(failure), call: "epoll_ctl", target: "connection")
                for _ in 0..<20 {
                    let answer = try? server.client.request("GET", "/healthz")
                    #expect(answer?.status == nil)
                }
                #expect(server.waitForLog("cannot watch a connection"))
                control.lift()
                #expect(status(server.client, "/healthz") == 200)
            }
        }

        /// SIGTERM is heard and works when there are neither threads nor descriptors.
        @Test func nothingIsLeft_itStopsCleanly() throws {
            try withServer { server, control, ledger in
                ledger.runs.append(.init(key: "one", text: "5 0", chat: "one"))
                ledger.runs[0].readers.append(
                    try server.client.start("drip", "5 0", chat: "one", headers: ["Idempotency-Key": "\"one\""]).all())
                for call in ["epoll_create1", "eventfd", "socket", "pipe2"] { control.add(Failure("EMFILE"), call: call) }
                control.add(Failure("EAGAIN"), call: "pthread_create")
                #expect(server.end(SIGTERM) == 0, "\(server.log)")
            }
        }

        /// The log's pipe has gone: nobody notices.
        @Test(arguments: ["EPIPE", "EAGAIN", "ENOSPC"])
        func logCannotBeWritten_nobodyNotices(failure: String) throws {
            try withServer { server, control, ledger in
                control.add(Failure(failure), call: "write", target: "log")
                for number in 0..<3 {
                    ledger.runs.append(.init(key: "k\(number)", text: "5 0", chat: "k\(number)"))
                    let reader = try server.client.start("drip", "5 0", chat: "k\(number)", headers: ["Idempotency-Key": "\"k\(number)\""])
                    ledger.runs[number].readers.append(try reader.all())
                    #expect(ledger.runs[number].readers[0].last?.json["status"] == "completed")
                }
            }
        }

        /// What is read one byte at a time and written by halves arrives whole.
        @Test func allTransfersAreShort_everythingArrives() throws {
            try withServer { server, control, ledger in
                for call in ["recv", "send", "read", "write", "pread", "pwrite", "getrandom"] { control.add(.short, call: call) }
                let scenario = FaultScenario(server)
                scenario.run()
                #expect(scenario.answers.isEmpty)
                ledger = scenario.ledger
            }
        }
    }
}
