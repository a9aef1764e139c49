import Millrace
import MillraceCore
import Testing

extension IntegrationTests {
    /// Requests that two readers could understand differently, or that cost too much: each gets its status and a closed connection, and what
    /// comes behind it on the connection is not executed.
    @Suite struct MalformedRequestTests {
        struct Case: Sendable, CustomTestStringConvertible {
            var status: Int
            var bytes: [UInt8]
            var testDescription: String { "\(status) \(String(decoding: bytes.prefix(120), as: UTF8.self).debugDescription)" }
            init(_ status: Int, _ text: String) {
                self.status = status
                bytes = Array(text.utf8)
            }
            init(_ status: Int, bytes: [UInt8]) {
                self.status = status
                self.bytes = bytes
            }
        }

        private static func line(_ line: String, _ status: Int = 400) -> Case { Case(status, "\(line)\r\nHost: localhost\r\n\r\n") }
        private static func target(_ target: String) -> Case { line("GET \(target) HTTP/1.1") }
        private static func header(_ lines: String, _ status: Int = 400) -> Case {
            Case(status, "POST /api/v1/generate/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\(lines)\r\n\r\n")
        }
        private static func bare(_ lines: String) -> Case { Case(400, "GET /healthz HTTP/1.1\r\n\(lines)\r\n\r\n") }
        private static func chunks(_ body: String, _ status: Int = 400) -> Case {
            Case(
                status,
                "POST /api/v1/generate/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + body)
        }

        static let requestLines: [Case] = [
            line("GET"), line("GET /healthz"), line("GET  /healthz HTTP/1.1"), line("GET /healthz  HTTP/1.1"),
            line(" GET /healthz HTTP/1.1"),
            line("GET\t/healthz HTTP/1.1"), line("GET /healthz HTTP/1.1 "), line("GET /healthz http/1.1"), line("GET /healthz HTTP/11"),
            line("GET /healthz HTTP/1.10"), line("GET /healthz HTTQ/1.1"), line("G@T /healthz HTTP/1.1"), line("/healthz HTTP/1.1"),
            line("GET /health z HTTP/1.1"), line("GET /healthz\rHTTP/1.1"), line("GET /healthz HTTP/1.1\r"),
            line("GET /healthz HTTP/2.0", 505), line("GET /healthz HTTP/0.9", 505), line("GET /healthz HTTP/1.2", 505),
            line("PRI * HTTP/2.0", 505),
            target("healthz"), target("/a#b"), target("/a\\b"), target("/a\"b"), target("/<a>"), target("/../etc/passwd"), target("/a/.."),
            target("/a/%2e%2e/b"), target("/a%2f..%2fb"), target("/%00"), target("/%0a"), target("/%zz"), target("/%4"), target("/é"),
            target("/a\u{0}b"), target("/a\u{7F}b"), target("*"), target("ftp://localhost/healthz"),
            target("http://user@localhost/healthz"),
            target("/%ff%fe"), target("/a?%zz"),
            line("CONNECT /healthz HTTP/1.1"), line("CONNECT localhost HTTP/1.1"),
            line("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1", 414),
        ]

        static let lineEndings: [Case] = [
            Case(400, "GET /healthz HTTP/1.1\nHost: localhost\r\n\r\n"), Case(400, "GET /healthz HTTP/1.1\r\nHost: localhost\n\r\n"),
            Case(400, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\n"), Case(400, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\rX"),
            Case(400, "\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Case(400, String(repeating: "\r\n", count: 5) + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Case(400, bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]), Case(400, bytes: [0x00, 0x00]),
        ]

        static let headers: [Case] = [
            bare("Host : localhost"), bare(" Host: localhost"), bare("Host: localhost\r\nX: a\r\n b"),
            bare("Host: localhost\r\nX: a\r\n\tb"),
            bare("Host"), bare("Host: localhost\r\n: value"), bare("Host: localhost\r\nX Y: z"), bare("Host: localhost\r\nX(: z"),
            bare("Host: localhost\r\nX\u{0}: z"), bare("Host: localhost\r\nX: a\u{0}b"), bare("Host: localhost\r\nX: a\u{7F}b"),
            bare("Host: localhost\r\nX: a\u{1}b"), bare("Host: localhost\r\nX: a\rb"), bare("Host: localhost\r\nX: a\nb: c"),
            bare("X: no host"), bare("Host: localhost\r\nHost: localhost"), bare("Host: localhost\r\nHost: other"), bare("Host: a b"),
            bare("Host: local/host"), bare("Host: user@localhost"), bare("Host: localhost:port"), bare("Host: localhost, other"),
            header("Expect: a-miracle\r\nContent-Length: 2", 417),
            header((0..<120).map { "X-\($0): y" }.joined(separator: "\r\n"), 431),
            header("X: \(String(repeating: "y", count: 40000))", 431),
        ]

        static let framing: [Case] = [
            header("Content-Length: 5\r\nContent-Length: 5"), header("Content-Length: 5\r\nContent-Length: 6"),
            header("Content-Length: 5, 5"),
            header("Content-Length: +5"), header("Content-Length: -5"), header("Content-Length: 0x5"), header("Content-Length: 5 5"),
            header("Content-Length:"), header("Content-Length: 5a"), header("Content-Length: 5.0"), header("Content-Length: \u{0665}"),
            header("Content-Length: 99999999999999999999"), header("Content-Length : 5"),
            header("Content-Length: 5\r\nTransfer-Encoding: chunked"), header("Transfer-Encoding: chunked\r\nContent-Length: 5"),
            header("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), header("Transfer-Encoding: chunked, chunked"),
            header("Transfer-Encoding: chunked, gzip"), header("Transfer-Encoding: chunked;q=1"), header("Transfer-Encoding:"),
            header("Transfer-Encoding: \u{B}chunked"), header("Transfer-Encoding : chunked"), header("Transfer-Encoding: \"chunked\""),
            header("Transfer-Encoding: gzip, chunked", 501), header("Transfer-Encoding: gzip", 501),
            header("Transfer-Encoding: identity", 501),
            header("Transfer-Encoding: xchunked", 501),
            Case(400, "POST /api/v1/generate/invoke HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            header("Content-Length: 99999999999", 413),
        ]

        static let chunkedBodies: [Case] = [
            chunks("\r\n"), chunks("g\r\n"), chunks("0x5\r\nhello\r\n"), chunks("+5\r\nhello\r\n"), chunks("-1\r\n"),
            chunks(" 5\r\nhello\r\n"),
            chunks("5 \r\nhello\r\n"), chunks("5\nhello\r\n"), chunks("5\rhello\r\n"), chunks("5\r\nhelloX\r\n"),
            chunks("5\r\nhello\n0\r\n\r\n"),
            chunks("5\r\nhello\r0\r\n\r\n"), chunks("ffffffffffffffff\r\n"), chunks("11111111111111111\r\n"),
            chunks("7fffffffffffffff\r\n", 413),
            chunks("5;\(String(repeating: "x", count: 300))\r\nhello\r\n"), chunks("5;a\u{0}b\r\nhello\r\n"), chunks(";a=b\r\n"),
            chunks("0\r\nContent-Length: 5\r\n\r\n"), chunks("0\r\nTransfer-Encoding: chunked\r\n\r\n"), chunks("0\r\nHost: other\r\n\r\n"),
            chunks("0\r\n folded\r\n\r\n"), chunks("0\r\nno colon\r\n\r\n"), chunks("0\r\n\n"), chunks("0\r\nX: a\u{0}\r\n\r\n"),
        ]

        static let all = requestLines + lineEndings + headers + framing + chunkedBodies

        @Test func everyMalformedRequest_getsItsStatus_andNothingBehindItIsExecuted() async throws {
            #expect(Self.all.count >= 60)
            let notes = Notes()
            let smuggled = ScriptedTask("smuggled") { _, _ in notes.note("executed") }
            let request = TCPClient.request(
                "POST", "/api/v1/generate/invoke", body: EventStreamClient.generateBody(task: "smuggled", text: "x"))
            try await withServer([smuggled]) { server in
                // The counter-check: behind a request that is well formed, it is executed.
                let honest = try server.connect()
                try honest.send(TCPClient.request("GET", "/healthz") + request)
                #expect(try honest.readAnswer().status == 200)
                #expect(try honest.readAnswer().status == 200)
                #expect(notes.all.count == 1)

                let port = server.port
                let outcomes = try await concurrently(8) { worker in
                    var wrong: [String] = []
                    for (index, item) in Self.all.enumerated() where index % 8 == worker {
                        let client = try TCPClient(port: port)
                        try client.send(item.bytes + Array(request.utf8))
                        client.finishSending()
                        guard let answer = try? client.readAnswer() else {
                            wrong.append("\(item.testDescription): no answer")
                            continue
                        }
                        let rest = try client.readToEnd()
                        if answer.status != item.status { wrong.append("\(item.testDescription): got \(answer.status) \(answer.text)") }
                        if !answer.closes { wrong.append("\(item.testDescription): does not announce the close") }
                        if answer["content-type"] != "application/problem+json" { wrong.append("\(item.testDescription): no problem") }
                        if !rest.isEmpty { wrong.append("\(item.testDescription): answered twice") }
                    }
                    return wrong
                }
                for wrong in outcomes.joined() { Issue.record("\(wrong)") }
                #expect(notes.all.count == 1, "a request behind a malformed one was executed")
                #expect(try server.ask("GET", "/api/v1/runs").json["items"]?.array?.count == 1)
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }
    }
}
