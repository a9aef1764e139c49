import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Slowloris in its three forms: a head that trickles in, a body that does (R-U-D-Y), and a reader that does not take its answer.
    @Suite struct SlowPeerTests {
        private static let invoke = "/api/v1/generate/invoke"
        private static let echo = ScriptedTask("echo") { request, context in try await context.emit(.content(request.text)) }
        private static func body(_ text: String = "hello") -> String { EventStreamClient.generateBody(task: "echo", text: text) }

        /// Deadlines of tenths of a second instead of seconds.
        private static let impatient: @Sendable (inout ServerSettings) -> Void = {
            $0.limits.headerTimeoutSeconds = 0.3
            $0.limits.idleTimeoutSeconds = 5
            $0.limits.bodyGraceSeconds = 0.2
            $0.limits.minBodyBytesPerSecond = 10_000
        }

        // MARK: The head

        @Test(arguments: [
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", "GET /", "G", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r",
        ])
        func headTricklesOn_isCutByTheDeadline_howeverMuchKeepsComing(start: String) async throws {
            try await withServer([Self.echo], configure: Self.impatient) { server in
                let client = try server.connect()
                let began = MonotonicClock.milliseconds()
                try client.send(start)
                if !start.hasSuffix("\r") { try client.trickle(String(repeating: "a", count: 4000)) }
                let answer = try client.readAnswer()
                #expect(answer.status == 408 && answer.closes)
                #expect(MonotonicClock.milliseconds() - began >= 290, "each byte does not put the deadline off, and none comes before it")
                _ = try client.readToEnd()
                #expect(server.log.waitForLine("status=408") != nil)
            }
        }

        /// The second head on a connection has the same deadline, also where its first bytes came with the first request.
        @Test func secondHeadTrickles_isCutLikeTheFirst() async throws {
            try await withServer([Self.echo], configure: Self.impatient) { server in
                let client = try server.connect()
                try client.send(TCPClient.request("GET", "/healthz") + "GET /hea")
                #expect(try client.readAnswer().status == 200)
                try client.trickle(String(repeating: "a", count: 4000))
                #expect(try client.readAnswer().status == 408)
                _ = try client.readToEnd()
            }
        }

        /// Empty lines before a request are no request: they do not put off the end of an idle connection.
        @Test func onlyEmptyLinesCome_connectionCountsAsIdle() async throws {
            try await withServer(configure: { $0.limits.idleTimeoutSeconds = 0.3 }) { server in
                let client = try server.connect()
                try client.send("\r\n\r\n\r\n")
                #expect(try client.readToEnd().isEmpty)
            }
        }

        // MARK: The body

        enum Form: String, CaseIterable, Sendable { case plain, chunked, chunkExtension, trailers, raw, multipart }

        /// A head, the beginning of its body, and what trickles behind it without an end.
        private static func slowBody(_ form: Form) -> (start: String, rest: String) {
            let json = "POST \(invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            let upload = "POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\n"
            let letters = String(repeating: "a", count: 4000)
            return switch form {
            case .plain: (json + "Content-Length: 100000\r\n\r\n{\"", letters)
            case .chunked: (json + "Transfer-Encoding: chunked\r\n\r\n", String(repeating: "1\r\n{\r\n", count: 800))
            case .chunkExtension: (json + "Transfer-Encoding: chunked\r\n\r\n1;", letters)
            case .trailers: (json + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: ", letters)
            case .raw: (upload + "Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n", letters)
            case .multipart:
                (
                    upload + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
                        + "Content-Disposition: form-data; name=file; filename=x\r\n\r\n", letters
                )
            }
        }

        @Test(arguments: Form.allCases) func bodyTricklesOn_isCutByTheLeastRate(form: Form) async throws {
            try await withServer([Self.echo], configure: Self.impatient) { server in
                let client = try server.connect()
                let (start, rest) = Self.slowBody(form)
                try client.send(start)
                try client.trickle(rest)
                let answer = try client.readAnswer()
                #expect(answer.status == 408 && answer.closes, "\(form): \(answer.status)")
                _ = try client.readToEnd()
                #expect(try server.ask("GET", "/api/v1/content").json["items"] == [], "nothing of a cut upload is kept")
                #expect(try server.ask("GET", "/api/v1/runs").json["items"] == [], "and no run was started")
            }
        }

        /// What a fast start earns by the average rate (here 100 s) must not be a licence to hold the body for ever.
        @Test(arguments: ["application/json", "text/plain"]) func bodyStopsAfterAFastStart_isCut(type: String) async throws {
            try await withServer(
                configure: {
                    $0.limits.minBodyBytesPerSecond = 10_000
                    $0.limits.bodyStallTimeoutSeconds = 0.3
                }
            ) { server in
                let client = try server.connect()
                let path = type == "text/plain" ? "/api/v1/content" : Self.invoke
                try client.send("POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\nContent-Length: 2000000\r\n\r\n")
                try client.send(Array(repeating: UInt8(ascii: " "), count: 1_000_000))
                let answer = try client.readAnswer()
                #expect(answer.status == 408 && answer.closes)
                _ = try client.readToEnd()
            }
        }

        @Test func clientWaitsForContinue_andSendsNothing_isCut() async throws {
            try await withServer([Self.echo], configure: Self.impatient) { server in
                let client = try server.connect()
                try client.send(
                    "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
                        + "Expect: 100-continue\r\n\r\n")
                #expect(try client.readAnswer().status == 100)
                #expect(try client.readAnswer().status == 408)
                _ = try client.readToEnd()
            }
        }

        // MARK: Slow and in time

        /// The body that a handler does not take yet: its client has done its part, and the deadlines stand still.
        @Test func handlerIsSlowToReadItsBody_clientIsNotCut() async throws {
            let (isHeld, isReleased) = (Monitor(false), Monitor(false))
            // Files are written on the thread that this one keeps.
            let hold = ScriptedTask("hold") { _, context in
                try await context.runBlocking {
                    isHeld.updateAndWakeAll { $0 = true }
                    isReleased.wait { $0 ? () : nil }
                }
            }
            let folder = try TemporaryFolder()
            try await withServer(
                [Self.echo, hold],
                configure: {
                    Self.impatient(&$0)
                    $0.dataDirectory = folder.path
                    $0.limits.bodyStallTimeoutSeconds = 0.2
                    $0.loops = 1
                    $0.blockingThreads = 1
                }
            ) { server in
                defer { isReleased.updateAndWakeAll { $0 = true } }
                let holding = try server.start("hold")
                isHeld.wait { $0 ? () : nil }
                let client = try server.connect()
                let size = 300_000
                let head = "POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: \(size)\r\n\r\n"
                try client.send(Array(head.utf8) + Array(repeating: UInt8(ascii: "x"), count: size))
                // These are slow themselves, and come later: when they are cut, the time of the first would be up, too.
                for _ in 0..<2 {
                    let slow = try server.connect()
                    try slow.send(Self.slowBody(.plain).start)
                    #expect(try slow.readAnswer().status == 408)
                }
                #expect(
                    try client.poll(milliseconds: 0) == false, "it is told nothing: \(String(decoding: client.received, as: UTF8.self))")
                isReleased.updateAndWakeAll { $0 = true }
                let made = try client.readAnswer()
                #expect(made.status == 201 && made.json["length"] == .integer(size), "\(made.status)")
                _ = try holding.rest()
            }
        }

        @Test func requestComesByteByByteInTime_isAnswered() async throws {
            try await withServer([Self.echo]) { server in
                let body = Self.body("byte by byte")
                let chunks = body.utf8.map { "1\r\n\(Character(Unicode.Scalar($0)))\r\n" }.joined()
                let head = "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                let requests = [
                    TCPClient.request("POST", Self.invoke, body: body),
                    head + "Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\nX-Trailer: y\r\n\r\n",
                ]
                let client = try server.connect()
                for request in requests {
                    for byte in request.utf8 { try client.send([byte]) }
                    let answer = try client.readAnswer()
                    #expect(answer.status == 200 && answer.json["parts"]?[0]?["content"] == "byte by byte")
                }
                let form =
                    "--b\r\nContent-Disposition: form-data; name=title\r\n\r\nslow\r\n--b\r\nContent-Disposition: form-data; "
                    + "name=file; filename=x\r\n\r\n\(String(repeating: "y", count: 500))\r\n--b--\r\n"
                let upload = TCPClient.request(
                    "POST", "/api/v1/content", headers: ["Content-Type: multipart/form-data; boundary=b"], body: form)
                for byte in upload.utf8 { try client.send([byte]) }
                let made = try client.readAnswer()
                #expect(made.status == 201 && made.json["length"] == 500 && made.json["title"] == "slow")
            }
        }

        // MARK: The answer

        /// A download, a run's stored events and pipelined small answers: what a client does not take is cut after the stall, and meanwhile
        /// costs no more than the connection's buffers.
        @Test func answerIsNotTaken_connectionIsCut_andOthersAreServed() async throws {
            try await withServer(
                [Self.echo],
                configure: {
                    $0.loops = 1
                    $0.limits.writeStallTimeoutSeconds = 0.3
                }
            ) { server in
                let size = 40 << 20
                let made = try server.ask(
                    "POST", "/api/v1/content", headers: ["Content-Type: text/plain"], body: String(repeating: "x", count: size))
                let path = "/api/v1/generate/content/\(made.json["content_id"]?.string ?? "")"
                let before = OwnProcess.residentBytes
                let readers = try (0..<10).map { _ in try TCPClient(port: server.port, receiveBuffer: 4096) }
                for reader in readers { try reader.send(TCPClient.request("GET", path)) }
                for reader in readers {
                    // The head, so that each is being answered.
                    _ = try reader.read(until: "\r\n\r\n")
                }
                #expect(try server.ask("GET", "/healthz").status == 200)
                #expect(OwnProcess.residentBytes - before < 30 << 20, "ten readers of 40 MiB each hold little")
                #expect(server.log.waitForLine("path=\(path)", "complete=false", count: 10), "all are cut")
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }

        /// A reader that takes a little now and then is slow, not gone: it is kept, and gets everything.
        @Test func answerIsTakenInDrops_isWhole() async throws {
            let piece = String(repeating: "z", count: 4000)
            let flood = ScriptedTask("flood") { _, context in for _ in 1...500 { try await context.emit(.content(piece)) } }
            try await withServer([flood], configure: { $0.limits.writeStallTimeoutSeconds = 0.5 }) { server in
                let client = try TCPClient(port: server.port, receiveBuffer: 4096)
                try client.send(TCPClient.request("POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "flood")))
                // Longer than the patience in all, and never as long at once.
                for _ in 0..<10 {
                    _ = try client.receiveMore()
                    TestFiles.pause(milliseconds: 100)
                }
                let answer = try client.readAnswer()
                #expect(answer.status == 200 && answer.text.contains("response_end"))
            }
        }
    }
}
