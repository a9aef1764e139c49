import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

extension IntegrationTests {
    /// Oversize everything: each limit of a request at its edge, where exactly the limit passes and one more gets the documented status.
    /// (``HTTPTests`` has request line, headers and body.)
    @Suite struct RequestLimitTests {
        private static let invoke = "/api/v1/generate/invoke"
        private static let echo = ScriptedTask("echo") { request, context in try await context.emit(.content(request.text)) }

        /// A way to make a request in which something has so many bytes, elements or levels.
        struct Limit: Sendable, CustomTestStringConvertible {
            let name: String
            let limit: Int
            let within: Int
            let beyond: Int
            let request: @Sendable (Int) -> String
            var testDescription: String { name }
        }

        private static func x(_ count: Int) -> String { String(repeating: "x", count: count) }

        private static func run(_ members: String) -> String {
            TCPClient.request("POST", invoke, body: #"{"task":"echo","parts":[{"content":"c"}]\#(members)}"#)
        }

        private static func form(_ body: String, boundary: String = "b") -> String {
            TCPClient.request(
                "POST", "/api/v1/content", headers: ["Content-Type: multipart/form-data; boundary=\(boundary)"],
                body: body + "--\(boundary)\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\ntext\r\n--\(boundary)--\r\n")
        }

        static let limits: [Limit] = [
            // JSON
            Limit(name: "JSON depth", limit: 512, within: 200, beyond: 400) {
                run(#","unknown":"# + String(repeating: "[", count: $0 - 1) + String(repeating: "]", count: $0 - 1))
            },
            // The object, the task, the parts, the part, its content, the array.
            Limit(name: "JSON values", limit: 1000, within: 200, beyond: 400) {
                run(#","unknown":["# + Array(repeating: "0", count: $0 - 6).joined(separator: ",") + "]")
            },
            Limit(name: "JSON number", limit: 308, within: 200, beyond: 400) { run(#","unknown":1e\#($0)"#) },
            Limit(name: "parts", limit: 256, within: 200, beyond: 422) {
                TCPClient.request(
                    "POST", invoke,
                    body: #"{"task":"echo","parts":["# + Array(repeating: #"{"content":"c"}"#, count: $0).joined(separator: ",") + "]}")
            },
            Limit(name: "context", limit: 256, within: 200, beyond: 422) {
                run(#","context":["# + Array(repeating: #"{"type":"t"}"#, count: $0).joined(separator: ",") + "]")
            },
            Limit(name: "persona", limit: 64 << 10, within: 200, beyond: 422) { run(#","persona":"\#(x($0))""#) },
            Limit(name: "chat_id", limit: 128, within: 200, beyond: 422) { run(#","chat_id":"\#(x($0))""#) },
            Limit(name: "context title", limit: 1024, within: 200, beyond: 422) { run(#","context":[{"type":"t","title":"\#(x($0))"}]"#) },
            Limit(name: "context type", limit: 64, within: 200, beyond: 422) { run(#","context":[{"type":"\#(x($0))"}]"#) },
            // Unknown names are refused, too, each in its own way.
            Limit(name: "task", limit: 64, within: 404, beyond: 422) {
                TCPClient.request("POST", invoke, body: #"{"task":"\#(x($0))","parts":[{"content":"c"}]}"#)
            },
            Limit(name: "title of a chat", limit: 1024, within: 201, beyond: 422) {
                TCPClient.request("POST", "/api/v1/chats", body: #"{"title":"\#(x($0))"}"#)
            },
            // Headers and the query
            Limit(name: "Idempotency-Key", limit: 255, within: 200, beyond: 422) {
                TCPClient.request(
                    "POST", invoke, headers: ["Idempotency-Key: \(x($0))"], body: #"{"task":"echo","parts":[{"content":"c"}]}"#)
            },
            Limit(name: "page limit", limit: 1000, within: 200, beyond: 422) { TCPClient.request("GET", "/api/v1/runs?limit=\($0)") },
            Limit(name: "leading empty lines", limit: 4, within: 200, beyond: 400) {
                String(repeating: "\r\n", count: $0) + TCPClient.request("GET", "/healthz")
            },
            // `Host: localhost` and the other two lines are 15 + 17 + CRLFs; the rest is one field.
            Limit(name: "one header field", limit: 2048, within: 200, beyond: 431) {
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nCookie: \(x($0 - 17 - 10))\r\n\r\n"
            },
            Limit(name: "the query", limit: 1024, within: 200, beyond: 414) {
                "GET /healthz?\(x($0 - 22)) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            },
            Limit(name: "the path", limit: 1024, within: 404, beyond: 414) { "GET /\(x($0 - 14)) HTTP/1.1\r\nHost: localhost\r\n\r\n" },
            // Chunks
            Limit(name: "chunk line", limit: 256, within: 422, beyond: 400) {
                "POST \(invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "2;\(x($0 - 2))\r\n[]\r\n0\r\n\r\n"
            },
            Limit(name: "trailers", limit: 2048, within: 422, beyond: 431) {
                "POST \(invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "2\r\n[]\r\n0\r\nT: \(x($0 - 17 - 32 - 28 - 5))\r\n\r\n"
            },
            // Forms
            Limit(name: "form parts", limit: 64, within: 201, beyond: 400) {
                form(
                    String(
                        repeating: "--b\r\nContent-Disposition: form-data; name=n\r\n\r\nv\r\n", count: $0 - 1))
            },
            Limit(name: "boundary", limit: 70, within: 201, beyond: 400) { form("", boundary: x($0)) },
            Limit(name: "a text field of a form", limit: 1024, within: 201, beyond: 422) {
                form("--b\r\nContent-Disposition: form-data; name=n\r\n\r\n\(x($0))\r\n")
            },
            // Without the first line's CRLF, which belongs to the boundary.
            Limit(name: "a part's header", limit: 8192 - 2, within: 201, beyond: 400) {
                form("--b\r\nContent-Disposition: form-data; name=\(x($0 - 37))\r\n\r\nv\r\n")
            },
            Limit(name: "title of a file", limit: 1024, within: 201, beyond: 422) {
                TCPClient.request(
                    "POST", "/api/v1/content",
                    headers: ["Content-Disposition: attachment; filename=\(x($0))", "Content-Type: text/plain"], body: "x")
            },
            Limit(name: "upload", limit: 5000, within: 201, beyond: 413) {
                TCPClient.request("POST", "/api/v1/content", headers: ["Content-Type: text/plain"], body: x($0))
            },
        ]

        @Test func eachLimit_holdsAtItsEdge() async throws {
            try await withServer(
                [Self.echo],
                configure: {
                    $0.limits.requestLineBytes = 1024
                    $0.limits.headerBytes = 2048
                    $0.limits.jsonValues = 1000
                    $0.content.uploadBytes = 5000
                }
            ) { server in
                for item in Self.limits {
                    for (size, status) in [(item.limit, item.within), (item.limit + 1, item.beyond)] {
                        let client = try server.connect()
                        try client.send(item.request(size))
                        let answer = try client.readAnswer()
                        #expect(answer.status == status, "\(item.name) of \(size): \(answer.status) \(answer.text.prefix(300))")
                        if status >= 400, answer.closes { #expect(try client.readToEnd().isEmpty) }
                    }
                }
            }
        }

        /// What stands in a head and has no limit of its own has that of all headers.
        @Test(arguments: ["Last-Event-ID", "Idempotency-Key", "X-Request-Id", "Origin", "Range", "If-None-Match", "Authorization"])
        func oneHeader_isAsLongAsAllMayBe(name: String) async throws {
            try await withServer([Self.echo]) { server in
                let run = try server.start("echo", text: "x").rest()[0].responseID
                for path in ["/api/v1/runs/\(run)/events", "/healthz"] {
                    let inside = try server.ask("GET", path, headers: ["\(name): \(Self.x(30_000))"])
                    #expect([200, 400, 403].contains(inside.status), "\(inside.status)")
                    #expect((inside["x-request-id"]?.utf8.count ?? 0) <= 128)
                    #expect(try server.ask("GET", path, headers: ["\(name): \(Self.x(33_000))"]).status == 431)
                }
            }
        }

        @Test(arguments: [
            "", ":", ":1", "x:1", "RUN", "RUN:", "RUN:-1", "RUN:1.5", "RUN:9223372036854775808", "RUN: 1", "RUN:1:1", "RUN:\u{661}",
        ])
        func lastEventIDIsNone_is400(text: String) async throws {
            try await withServer([Self.echo]) { server in
                let run = try server.start("echo", text: "x").rest()[0].responseID
                let id = text.replacing("RUN", with: run)
                let status = try server.ask("GET", "/api/v1/runs/\(run)/events", headers: ["Last-Event-ID: \(id)"]).status
                // An empty one is what an EventSource sends that has seen nothing.
                #expect(status == (text.isEmpty ? 200 : 400), "\(id)")
            }
        }

        /// Numbers cost the time that their length takes, and no more.
        @Test(arguments: ["1", "-1", "0.1", "1e1", "1E-"]) func numberOfAMillionDigits_isReadOrRefusedAtOnce(start: String) async throws {
            try await withServer([Self.echo]) { server in
                let body = #"{"task":"echo","parts":[{"content":"c"}],"unknown":\#(start)\#(String(repeating: "1", count: 1_000_000))}"#
                let began = MonotonicClock.milliseconds()
                let status = try server.ask("POST", Self.invoke, body: body).status
                #expect(status == (start == "0.1" || start == "1E-" ? 200 : 400))
                #expect(MonotonicClock.milliseconds() - began < 30_000)
            }
        }

        // MARK: Texts

        /// What is stored is bound, what is logged is quoted: a text is never anything else.
        @Test func textsThatLookLikeSQLOrLogLines_areJustTexts() async throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/data"
            try await withServer([Self.echo], configure: { $0.dataDirectory = path }) { server in
                let title = "'); DROP TABLE chats; --\u{0}\n\" OR 1=1 level=error"
                let body = JSONValue.object(["chat_id": "c';--", "title": .string(title)]).text
                let made = try server.ask("POST", "/api/v1/chats", body: body)
                #expect(made.status == 201)
                #expect(try server.ask("GET", "/api/v1/chats/c';--").json["title"]?.string == title)
                #expect(try server.ask("GET", "/api/v1/runs?task=%27%20OR%201%3D1%20--").json["items"] == [])
                #expect(try server.ask("GET", "/x=1,level=error;request_id=forged").status == 404)
                #expect(server.log.waitForLine(#"path="/x=1,level=error;request_id=forged""#) != nil)
            }
        }

        /// A text that is too long to be searched is left out, and said to be.
        @Test func uploadedTextIsTooLongToSearch_isLeftOutAloud() async throws {
            try await withServer(configure: { $0.content.searchableBytes = 290_000 }) { server in
                for (size, isLeftOut) in [(290_000, false), (290_001, true)] {
                    let text = String(String(repeating: "The rent is due. ", count: 20_000).prefix(size))
                    let made = try server.ask("POST", "/api/v1/content", headers: ["Content-Type: text/plain"], body: text)
                    let events = try server.run(
                        "chat", "When is the rent due?", ["context": [["type": "document", "pointer": made.json["pointer"] ?? .null]]])
                    #expect(events.last?.json["status"] == "completed")
                    #expect(events.contains { $0.data.contains("attachment_skipped") } == isLeftOut, "\(size)")
                }
            }
        }

        // MARK: Together

        /// Bodies that are being read, all together: what is over the limit is refused, small ones are not, and what is done with is given back.
        @Test func bodiesTogetherAreTooMuch_bigOnesGet503_smallOnesGoOn() async throws {
            try await withServer([Self.echo], configure: { $0.limits.bodyMemoryBytes = 2 << 20 }) { server in
                let text = Self.x(1 << 20)
                let whole = EventStreamClient.generateBody(task: "echo", text: text)
                let request = TCPClient.request("POST", Self.invoke, body: whole)
                let held = try (0..<2).map { _ in try server.connect() }
                for client in held { try client.send(String(request.dropLast())) }
                // Whoever comes last is refused: the third waits until they have arrived.
                let memory = server.server.responder.bodyMemory
                let counted = 2 * (whole.utf8.count - 1 - BodyMemory.uncounted)
                try TestFiles.waitUntil { memory.heldBytes == counted }
                let answer = try server.ask("POST", Self.invoke, body: whole)
                #expect(answer.status == 503 && answer["retry-after"] == "1" && answer.text.contains("limits.bodyMemoryBytes"))
                let small = EventStreamClient.generateBody(task: "echo", text: Self.x(60_000))
                #expect(try server.ask("POST", Self.invoke, body: small).status == 200)
                for client in held {
                    try client.send("}")
                    #expect(try client.readAnswer().status == 200)
                }
                #expect(try server.ask("POST", Self.invoke, body: whole).status == 200, "what they held is free again")
                // Also what was cut.
                let cut = try server.connect()
                try cut.send(String(request.dropLast()))
                try TestFiles.waitUntil { memory.heldBytes > 0 }
                cut.reset()
                try TestFiles.waitUntil { memory.heldBytes == 0 }
                let after = try (0..<2).map { _ in try server.connect() }
                for client in after { try client.send(String(request.dropLast())) }
                for client in after {
                    try client.send("}")
                    #expect(try client.readAnswer().status == 200)
                }
            }
        }
    }
}
