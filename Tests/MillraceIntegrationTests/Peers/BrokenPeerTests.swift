import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Clients that end connections in every way and at every stage, or speak something else than HTTP/1.1.
    @Suite struct BrokenPeerTests {
        private static let invoke = "/api/v1/generate/invoke"
        private static let stream = "/api/v1/generate/stream"
        private static let echo = ScriptedTask("echo") { request, context in try await context.emit(.content(request.text)) }
        private static func body(_ text: String = "hello") -> String { EventStreamClient.generateBody(task: "echo", text: text) }
        private static let json = "Content-Type: application/json"

        // MARK: Resets and half-closed connections

        /// Where in an exchange a client goes away.
        enum Stage: String, CaseIterable, Sendable {
            case beforeTheHead, inTheHead, inTheBody, inTheChunk, inTheUpload, inTheForm, whileTheHandlerWorks, whileStreaming
            case whileDownloading, afterTheAnswer
        }

        enum Departure: String, CaseIterable, Sendable { case reset, close, halfClose }

        /// Brings a connection to a stage.
        private static func client(at stage: Stage, _ server: ServerUnderTest, file: String) throws -> TCPClient {
            let client = try TCPClient(port: server.port, receiveBuffer: stage == .whileDownloading ? 4096 : nil)
            let run = { EventStreamClient.generateBody(task: "patient") }
            switch stage {
            case .beforeTheHead: break
            case .inTheHead: try client.send("POST \(invoke) HTTP/1.1\r\nHost: local")
            case .inTheBody: try client.send("POST \(invoke) HTTP/1.1\r\nHost: localhost\r\n\(json)\r\nContent-Length: 100\r\n\r\n{")
            case .inTheChunk:
                try client.send("POST \(invoke) HTTP/1.1\r\nHost: localhost\r\n\(json)\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{")
            case .inTheUpload:
                try client.send(
                    "POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n")
                try client.send(Array(repeating: UInt8(ascii: "x"), count: 200_000))
            case .inTheForm:
                try client.send(
                    "POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                        + "Content-Length: 1000\r\n\r\n--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\nhalf")
            case .whileTheHandlerWorks: try client.send(TCPClient.request("POST", invoke, body: run()))
            case .whileStreaming:
                try client.send(TCPClient.request("POST", stream, body: run()))
                _ = try client.read(until: "response_start")
            case .whileDownloading:
                try client.send(TCPClient.request("GET", file))
                _ = try client.read(until: "\r\n\r\n")
            case .afterTheAnswer: try client.ask("GET", "/healthz")
            }
            return client
        }

        @Test(arguments: Stage.allCases, Departure.allCases)
        func clientGoesAway_nothingIsLeftBehind(stage: Stage, departure: Departure) async throws {
            // Its runs end with their last reader.
            let patient = ScriptedTask("patient", options: TaskHandlerOptions(detach: .cancel(graceSeconds: 0))) { _, context in
                try await context.sleep(for: .seconds(600))
            }
            try await withServer([patient]) { server in
                let length = stage == .whileDownloading ? 10_000_000 : 10
                let made = try server.ask(
                    "POST", "/api/v1/content", headers: ["Content-Type: text/plain"], body: String(repeating: "x", count: length))
                let file = "/api/v1/generate/content/\(made.json["content_id"]?.string ?? "")"
                let before = OwnProcess.descriptors
                let clients = try (0..<10).map { _ in try Self.client(at: stage, server, file: file) }
                for client in clients {
                    switch departure {
                    case .reset: client.reset()
                    case .close: client.close()
                    case .halfClose: client.finishSending()
                    }
                }
                if departure == .halfClose {
                    for client in clients {
                        // Who waits for a bounded answer gets it, and the connection ends; all others are just closed.
                        let rest = try client.readToEnd()
                        if stage == .whileDownloading { #expect(rest.count == length, "a download goes on: \(rest.count)") }
                        client.close()
                    }
                }
                let after = OwnProcess.settle(descriptors: before)
                #expect(after <= before, "\(after - before) descriptors are left")
                for _ in 0..<200 where try server.ask("GET", "/readyz").json["runs"] != 0 { TestFiles.pause(milliseconds: 25) }
                #expect(try server.ask("GET", "/readyz").json["runs"] == 0)
                #expect(try server.ask("GET", "/api/v1/content").json["items"]?.array?.count == 1, "what was cut is not kept")
            }
        }

        // MARK: Other protocols

        @Test func clientsSpeakSomethingElse_eachGetsOneAnswerAndTheEnd() async throws {
            let cases: [(name: String, bytes: [UInt8], status: Int)] = [
                ("HTTP/2 preface", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}".utf8), 505),
                ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03] + (0..<506).map { UInt8($0 & 255) }, 400),
                ("SSH", Array("SSH-2.0-OpenSSH_9.2p1 Debian\r\n".utf8), 400),
                ("SMTP", Array("EHLO localhost\r\n".utf8), 400),
                ("Redis", Array("*1\r\n$4\r\nPING\r\n".utf8), 400),
                ("PROXY protocol", Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n".utf8), 400),
                ("HTTP/0.9", Array("GET /\r\n".utf8), 400),
                ("NUL bytes", [UInt8](repeating: 0, count: 100_000), 400),
                ("0xFF bytes", [UInt8](repeating: 0xFF, count: 100_000), 414),
                ("line ends", Array(String(repeating: "\r\n", count: 10_000).utf8), 400),
                ("a long word", [UInt8](repeating: UInt8(ascii: "A"), count: 100_000), 414),
            ]
            try await withServer { server in
                for item in cases {
                    let client = try server.connect()
                    try client.send(item.bytes)
                    let answer = try client.readAnswer()
                    #expect(answer.status == item.status && answer.closes, "\(item.name): \(answer.status)")
                    #expect(try client.readToEnd().isEmpty, "\(item.name)")
                }
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }

        /// RFC 9110, section 7.8: an upgrade may be ignored, and the request is answered as it stands.
        @Test(arguments: [
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            "Connection: Upgrade\r\nUpgrade: TLS/1.0",
        ])
        func upgradeIsAskedFor_requestIsAnsweredAsItStands(headers: String) async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                try client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n\r\n")
                let answer = try client.readAnswer()
                #expect(answer.status == 200 && answer["upgrade"] == nil && answer.json["status"] == "ok")
                #expect(try client.ask("GET", "/healthz").status == 200, "the connection still speaks HTTP/1.1")
            }
        }

        // MARK: Expect

        @Test func continueIsExpected_inWaysThatMakeNoSense() async throws {
            try await withServer([Self.echo]) { server in
                func answers(_ request: String, _ count: Int = 1) throws -> [Int] {
                    let client = try server.connect()
                    try client.send(request)
                    return try (0..<count).map { _ in try client.readAnswer().status }
                }
                let head = "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\n\(Self.json)\r\n"
                // Without a body nobody waits for a word.
                #expect(try answers("GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n") == [200])
                #expect(try answers(head + "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n") == [400])
                // HTTP/1.0 knows no 100.
                let body = Self.body()
                let old =
                    head.replacing("HTTP/1.1", with: "HTTP/1.0") + "Content-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n"
                #expect(try answers(old + body) == [200])
                #expect(try answers(head + "Content-Length: 2\r\nExpect: 100-continue, 100-continue\r\n\r\n{}") == [417])
                #expect(try answers(head + "Content-Length: 2\r\nExpect: 200-ok\r\n\r\n{}") == [417])
                // Too large, and said so before it is sent.
                #expect(try answers(head + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n") == [413])
                // Said also when more than one read of it waits behind what is too much.
                let chunk = "80000\r\n" + String(repeating: " ", count: 0x80000) + "\r\n"
                #expect(try answers(head + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 24)) == [413])
                // A second request on the same connection instead of the body is taken for the body, and is no JSON.
                let smuggled = TCPClient.request("GET", "/healthz")
                let client = try server.connect()
                try client.send(head + "Content-Length: \(smuggled.utf8.count)\r\nExpect: 100-continue\r\n\r\n")
                #expect(try client.readAnswer().status == 100)
                try client.send(smuggled)
                #expect(try client.readAnswer().status == 400)
            }
        }

        // MARK: Floods

        /// A client that pipelines without end and reads nothing: the server stops reading, holds a few buffers, and closes after the stall.
        @Test func requestsArePipelinedWithoutReading_serverTakesABoundedAmount() async throws {
            try await withServer(
                configure: {
                    $0.loops = 1
                    $0.limits.writeStallTimeoutSeconds = 0.5
                }
            ) { server in
                let request = Array(String(repeating: TCPClient.request("GET", "/healthz"), count: 1000).utf8)
                let before = OwnProcess.residentBytes
                let client = try TCPClient(port: server.port, receiveBuffer: 4096)
                let taken = client.sendAsMuchAsPossible(request, milliseconds: 300, limit: 1 << 30)
                #expect(taken < 40 << 20, "\(taken) bytes of requests were taken")
                #expect(OwnProcess.residentBytes - before < 20 << 20)
                #expect(try server.ask("GET", "/healthz").status == 200)
                #expect(server.log.waitForLine("path=/healthz", "complete=false") != nil, "it is closed")
                _ = try client.readToEnd()
            }
        }

        /// One client may keep its connection full; another one gets its turn all the same.
        @Test func requestsArePipelinedAndRead_othersGetTheirTurn() async throws {
            try await withServer(configure: { $0.loops = 1 }) { server in
                let burst = String(repeating: TCPClient.request("GET", "/healthz"), count: 1000)
                let floods = 3
                let slowest = try await concurrently(floods + 1) { number in
                    let client = try server.connect()
                    if number < floods {
                        for _ in 0..<3 {
                            try client.send(burst)
                            for _ in 0..<1000 { _ = try client.readAnswer() }
                        }
                        return 0
                    }
                    var slowest = 0
                    for _ in 0..<20 {
                        let began = MonotonicClock.milliseconds()
                        _ = try client.ask("GET", "/healthz")
                        slowest = max(slowest, MonotonicClock.milliseconds() - began)
                    }
                    return slowest
                }
                #expect(slowest[floods] < 1000, "\(slowest[floods]) ms")
            }
        }

        /// A refused request's rest is dropped for a while: however fast it comes, the loop goes on serving others, and the while ends.
        @Test func refusedBodiesAreSentAtFullSpeed_loopServesOthers_andTheConnectionsEnd() async throws {
            try await withServer(configure: { $0.loops = 1 }) { server in
                let floods = 3
                let piece = Array(repeating: UInt8(ascii: "x"), count: 1 << 20)
                let slowest = try await concurrently(floods + 1) { number in
                    let client = try server.connect()
                    if number < floods {
                        try client.send("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000000\r\n\r\n")
                        // Until the server has had enough and closes.
                        _ = client.sendAsMuchAsPossible(piece, milliseconds: 20_000)
                        return 0
                    }
                    var slowest = 0
                    for _ in 0..<30 {
                        let began = MonotonicClock.milliseconds()
                        _ = try client.ask("GET", "/healthz")
                        slowest = max(slowest, MonotonicClock.milliseconds() - began)
                        TestFiles.pause(milliseconds: 30)
                    }
                    return slowest
                }
                #expect(slowest[floods] < 1000, "\(slowest[floods]) ms")
            }
        }
    }
}
