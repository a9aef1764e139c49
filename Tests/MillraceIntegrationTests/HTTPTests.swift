import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// HTTP/1.1 as a client on the open internet would speak it, well and badly.
    @Suite struct HTTPTests {
        private static let echo = ScriptedTask("echo") { request, context in try await context.emit(.content(request.text)) }
        private static let invoke = "/api/v1/generate/invoke"
        private static func body(_ text: String = "hello") -> String { EventStreamClient.generateBody(task: "echo", text: text) }

        // MARK: Connections

        @Test func connectionIsKeptAlive_andPipelinedRequestsAreAnsweredInOrder() async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                for _ in 0..<3 { #expect(try client.ask("GET", "/healthz").status == 200) }
                // A slow one first: what comes behind it must not overtake it.
                var requests = ""
                for number in 0..<20 {
                    requests +=
                        number % 3 == 0
                        ? TCPClient.request("POST", Self.invoke, headers: ["X-Request-Id: q\(number)"], body: Self.body("text \(number)"))
                        : TCPClient.request("GET", number % 3 == 1 ? "/healthz" : "/nowhere", headers: ["X-Request-Id: q\(number)"])
                }
                try client.send(requests)
                for number in 0..<20 {
                    let answer = try client.readAnswer()
                    #expect(answer["x-request-id"] == "q\(number)")
                    #expect(answer.status == [200, 200, 404][number % 3])
                    if number % 3 == 0 { #expect(answer.json["parts"]?[0]?["content"] == .string("text \(number)")) }
                }
                // A stream on the same connection, and requests behind it.
                try client.send(
                    TCPClient.request("POST", "/api/v1/generate/stream", body: Self.body()) + TCPClient.request("GET", "/healthz"))
                let stream = try client.readAnswer()
                #expect(stream["transfer-encoding"] == "chunked" && stream.text.contains("event: response_end"))
                #expect(try client.readAnswer().text == #"{"status":"ok"}"#)
            }
        }

        @Test func clientWantsToClose_orSpeaksHTTP10_connectionEnds() async throws {
            try await withServer([Self.echo]) { server in
                let closing = try server.connect()
                let answer = try closing.ask("GET", "/healthz", headers: ["Connection: close"])
                #expect(answer.closes)
                #expect(try closing.readToEnd().isEmpty)

                let old = try server.connect()
                try old.send("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                #expect(try old.readAnswer().status == 200)
                #expect(try old.readToEnd().isEmpty)

                // A stream for HTTP/1.0 has no chunks and ends with the connection.
                let stream = try server.connect()
                let body = Self.body()
                try stream.send(
                    "POST /api/v1/generate/stream HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                let events = try stream.readAnswer()
                #expect(events["transfer-encoding"] == nil)
                #expect(events.text.hasPrefix("retry: 2000\nevent: ") && events.text.hasSuffix("}\n\n"))
            }
        }

        @Test func requestComesByteByByteOrChunked_isUnderstood() async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                for byte in TCPClient.request("POST", Self.invoke, body: Self.body("slowly")).utf8 { try client.send([byte]) }
                #expect(try client.readAnswer().json["parts"]?[0]?["content"] == "slowly")

                let body = Array(Self.body("in pieces of one, two, three … bytes").utf8)
                var chunked =
                    "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                var bytes = Array(chunked.utf8)
                var start = 0
                var size = 1
                while start < body.count {
                    let piece = body[start..<min(start + size, body.count)]
                    bytes += Array("\(String(piece.count, radix: 16))\(size == 3 ? ";name=value" : "")\r\n".utf8) + piece + [13, 10]
                    start += size
                    size += 1
                }
                chunked = "0\r\nTrailer: dropped\r\n\r\n"
                bytes += Array(chunked.utf8)
                try client.send(bytes)
                #expect(try client.readAnswer().json["parts"]?[0]?["content"] == "in pieces of one, two, three … bytes")
                #expect(try client.ask("GET", "/healthz").status == 200)
            }
        }

        @Test func clientExpectsContinue_getsIt_onlyWhenTheBodyIsWanted() async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                let body = Self.body()
                func head(_ path: String, _ more: String...) -> String {
                    (["POST \(path) HTTP/1.1", "Host: localhost", "Content-Length: \(body.utf8.count)"] + more).joined(separator: "\r\n")
                        + "\r\n\r\n"
                }
                try client.send(head(Self.invoke, "Content-Type: application/json", "Expect: 100-continue"))
                #expect(try client.readAnswer().status == 100)
                try client.send(body)
                #expect(try client.readAnswer().status == 200)

                // Who sends the body at once needs no word.
                try client.send(head(Self.invoke, "Content-Type: application/json", "Expect: 100-continue") + body)
                #expect(try client.readAnswer().status == 200)

                for (path, type, status) in [(Self.invoke, "text/plain", 415), ("/nowhere", "application/json", 404)] {
                    let refused = try server.connect()
                    try refused.send(head(path, "Content-Type: \(type)", "Expect: 100-continue"))
                    #expect(try refused.readAnswer().status == status)
                    // The body that was not wanted is not taken for the next request.
                    #expect(try refused.readToEnd().isEmpty)
                }
                let odd = try server.connect()
                try odd.send(head(Self.invoke, "Content-Type: application/json", "Expect: a-miracle"))
                #expect(try odd.readAnswer().status == 417)
                #expect(try odd.readToEnd().isEmpty)
            }
        }

        @Test func headAndOptions_answerWithoutBody() async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                let head = try client.ask("HEAD", "/healthz")
                let get = try client.ask("GET", "/healthz")
                #expect(head.status == 200 && head.body.isEmpty)
                #expect(head["content-length"] == get["content-length"])
                #expect(try client.ask("HEAD", "/nowhere").status == 404)
                // HEAD of a stream ends at once.
                let run = try server.start("echo", text: "x").rest()[0].responseID
                let stream = try client.ask("HEAD", "/api/v1/runs/\(run)/events")
                #expect(stream.status == 200 && stream["content-type"]?.hasPrefix("text/event-stream") == true)

                let options = try client.ask("OPTIONS", "/api/v1/chats")
                #expect(options.status == 204)
                #expect(options["allow"]?.split(separator: ", ").sorted().contains("POST") == true)
                #expect(options["access-control-allow-origin"] == nil, "CORS is off until configured")
                #expect(try client.ask("GET", "/healthz").status == 200)
            }
        }

        @Test func corsIsConfigured_thatOriginMayComeAndNoOther() async throws {
            try await withServer([Self.echo], configure: { $0.corsAllowedOrigins = ["https://app.example"] }) { server in
                let client = try server.connect()
                let preflight = try client.ask(
                    "OPTIONS", Self.invoke, headers: ["Origin: https://app.example", "Access-Control-Request-Method: POST"])
                #expect(preflight.status == 204)
                #expect(preflight["access-control-allow-origin"] == "https://app.example")
                #expect(preflight["access-control-allow-methods"]?.contains("POST") == true)
                let answer = try client.ask("POST", Self.invoke, headers: ["Origin: https://app.example"], body: Self.body())
                #expect(answer.status == 200 && answer["access-control-allow-origin"] == "https://app.example")
                #expect(try client.ask("POST", Self.invoke, headers: ["Origin: https://evil.example"], body: Self.body()).status == 403)
            }
        }

        // MARK: The door

        @Test func requestIsWellFormedButWrong_getsItsStatus() async throws {
            try await withServer([Self.echo], configure: { $0.limits.bodyBytes = 1000 }) { server in
                func status(_ request: String) throws -> HTTPAnswer {
                    let client = try server.connect()
                    try client.send(request)
                    return try client.readAnswer()
                }
                func get(_ host: String, _ more: String = "") -> String { "GET /healthz HTTP/1.1\r\nHost: \(host)\r\n\(more)\r\n" }
                for host in ["localhost", "localhost:1", "127.0.0.1:\(server.port)", "[::1]", "LOCALHOST"] {
                    #expect(try status(get(host)).status == 200, "\(host)")
                }
                for host in ["evil.example", "localhost.evil.example", "127.0.0.2", "[::2]", "example.com:80"] {
                    #expect(try status(get(host)).status == 421, "\(host)")
                }
                // An absolute target's authority counts, whatever Host says.
                #expect(try status("GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 421)
                for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:1"] {
                    #expect(try status(get("localhost", "Origin: \(origin)\r\n")).status == 403, "\(origin)")
                }
                #expect(try status(get("localhost:77", "Origin: http://localhost:77\r\n")).status == 200)

                for type in [
                    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "json",
                ] {
                    let answer = try server.ask("POST", Self.invoke, headers: ["Content-Type: \(type)"], body: Self.body())
                    #expect(answer.status == 415, "\(type)")
                }
                for type in ["application/json", "Application/JSON; charset=utf-8"] {
                    #expect(try server.ask("POST", Self.invoke, headers: ["Content-Type: \(type)"], body: Self.body()).status == 200)
                }
                let wrongMethod = try server.ask("DELETE", "/healthz")
                #expect(wrongMethod.status == 405)
                #expect(wrongMethod["allow"]?.contains("GET") == true)
                #expect(try server.ask("BREW", Self.invoke)["allow"]?.contains("POST") == true)
                #expect(try server.ask("GET", "/nowhere").json["status"] == 404)
            }
        }

        // MARK: Limits

        @Test func limitsAreReached_eachAtItsEdge() async throws {
            try await withServer(
                [Self.echo],
                configure: {
                    $0.limits.bodyBytes = 1000
                    $0.limits.requestLineBytes = 200
                    $0.limits.headerCount = 10
                    $0.limits.headerBytes = 1000
                }
            ) { server in
                /// The answer and whether the connection ended behind it.
                func ask(_ request: String) throws -> (Int, ends: Bool) {
                    let client = try server.connect()
                    try client.send(request)
                    let answer = try client.readAnswer()
                    if answer.closes { _ = try client.readToEnd() }
                    return (answer.status, answer.closes)
                }
                func body(of size: Int) -> String {
                    let empty = Self.body("")
                    return Self.body(String(repeating: "x", count: size - empty.utf8.count))
                }
                #expect(try ask(TCPClient.request("POST", Self.invoke, body: body(of: 1000))) == (200, false))
                #expect(try ask(TCPClient.request("POST", Self.invoke, body: body(of: 1001))) == (413, true))
                for (size, status) in [(1000, 200), (1001, 413)] {
                    let answer = try ask(
                        "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                            + "\(String(size, radix: 16))\r\n\(body(of: size))\r\n0\r\n\r\n")
                    #expect(answer == (status, status != 200))
                }
                // `GET /nowhere?… HTTP/1.1` without its CRLF.
                func line(of size: Int) -> String {
                    "GET /nowhere?\(String(repeating: "q", count: size - 22)) HTTP/1.1\r\nHost: localhost\r\n\r\n"
                }
                #expect(try ask(line(of: 200)) == (404, false))
                #expect(try ask(line(of: 201)) == (414, true))
                func headers(_ count: Int) -> String {
                    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + (1..<count).map { "X-\($0): y\r\n" }.joined() + "\r\n"
                }
                #expect(try ask(headers(10)) == (200, false))
                #expect(try ask(headers(11)) == (431, true))
                func headerBytes(_ size: Int) -> String {
                    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "y", count: size - 17 - 5))\r\n\r\n"
                }
                #expect(try ask(headerBytes(1000)) == (200, false))
                #expect(try ask(headerBytes(1001)) == (431, true))
            }
        }

        @Test func clientIsSlow_eachTimeoutHasItsAnswer() async throws {
            try await withServer(
                [Self.echo],
                configure: {
                    $0.limits.headerTimeoutSeconds = 0.2
                    $0.limits.idleTimeoutSeconds = 0.3
                    $0.limits.bodyGraceSeconds = 0.2
                    $0.limits.minBodyBytesPerSecond = 100_000
                }
            ) { server in
                let head = try server.connect()
                try head.send("GET /healthz HTTP/1.1\r\nHost:")
                #expect(try head.readAnswer().status == 408)
                #expect(try head.readToEnd().isEmpty)

                let body = try server.connect()
                try body.send(
                    "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
                #expect(try body.readAnswer().status == 408)
                #expect(try body.readToEnd().isEmpty)

                let idle = try server.connect()
                #expect(try idle.ask("GET", "/healthz").status == 200)
                #expect(try idle.readToEnd().isEmpty, "an idle connection is closed without a word")
                let silent = try server.connect()
                #expect(try silent.readToEnd().isEmpty)
            }
        }

        @Test func tooManyConnections_theNextGets503_untilOneCloses() async throws {
            try await withServer([Self.echo], configure: { $0.limits.maxConnections = 3 }) { server in
                let clients = try (0..<3).map { _ in try server.connect() }
                for client in clients { #expect(try client.ask("GET", "/healthz").status == 200) }
                let refused = try server.connect()
                let answer = try refused.readAnswer()
                #expect(answer.status == 503 && answer["retry-after"] != nil)
                #expect(answer.json["status"] == 503)
                #expect(try clients[0].ask("GET", "/healthz", headers: ["Connection: close"]).status == 200)
                #expect(try clients[0].readToEnd().isEmpty)
                let next = try server.connect()
                #expect(try next.ask("GET", "/healthz").status == 200)
            }
        }

        @Test func readerStopsReading_isClosedAfterAWhile_andDelaysNobody() async throws {
            let (gate, piece) = (StepGate(), String(repeating: "z", count: 4000))
            // Far more than the kernel's buffers and ours hold for a reader.
            let count = 4000
            let flood = ScriptedTask("flood") { _, context in
                try await gate.pass()
                for number in 1...count { try await context.emit(.content("\(number) \(piece)")) }
            }
            try await withServer(
                [flood, Self.echo],
                configure: {
                    $0.loops = 1
                    $0.limits.writeStallTimeoutSeconds = 1.5
                }
            ) { server in
                let reader = try server.start("flood")
                let id = try #require(try reader.next()).responseID
                let stalled = try EventStreamClient(
                    port: server.port, TCPClient.request("GET", "/api/v1/runs/\(id)/events"), receiveBuffer: 4096)
                gate.open()
                // The reader beside it gets everything, and others are served, while it stands still.
                var seen = 0
                while let message = try reader.next() {
                    seen += 1
                    if message.sequence % 1000 == 0 { #expect(try server.ask("GET", "/healthz").status == 200) }
                }
                #expect(seen == count + 1)
                #expect(
                    server.log.waitForLine("path=/api/v1/runs/\(id)/events", "complete=false") != nil, "the stalled reader was not closed")
                // It can come back and read on where it was cut.
                let had = try stalled.rest()
                #expect(!stalled.isWhole)
                let last = try #require(had.last)
                let resumed = try server.follow(id, lastEventID: last.id)
                #expect(had.count + (try resumed.rest().count) == count + 2)
            }
        }
    }
}
