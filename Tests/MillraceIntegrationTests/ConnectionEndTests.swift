import Millrace
import MillraceCore
import Testing

extension IntegrationTests {
    /// When a connection ends, and what is answered before: the client's end of its side, and HTTP/1.0.
    @Suite struct ConnectionEndTests {
        private static let invoke = "/api/v1/generate/invoke"
        private static let echo = ScriptedTask("echo") { request, context in try await context.emit(.content(request.text)) }
        private static func body(_ text: String = "hello") -> String { EventStreamClient.generateBody(task: "echo", text: text) }

        @Test func clientEndsItsSide_theAnswersStillCome() async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                try client.send(TCPClient.request("POST", Self.invoke, body: Self.body()))
                client.finishSending()
                #expect(try client.readAnswer().json["status"] == "completed")
                #expect(try client.readToEnd().isEmpty)

                // So do the answers to all that it had asked before.
                let several = try server.connect()
                let requests = (0..<5).map { TCPClient.request("POST", Self.invoke, body: Self.body("\($0)")) }
                try several.send(requests.joined() + "GET /health")
                several.finishSending()
                for number in 0..<5 {
                    #expect(try several.readAnswer().json["parts"]?[0]?["content"] == .string("\(number)"))
                }
                #expect(try several.readToEnd().isEmpty, "half a request is no request")
            }
        }

        /// Of a body whose length is not known the connection's end is the end: for HEAD, too, which is told so.
        @Test(arguments: ["GET", "HEAD"]) func http10_asksForAStream_andToKeepTheConnection_itIsClosed(method: String) async throws {
            try await withServer([Self.echo]) { server in
                let id = try server.run("echo", "go")[0].responseID
                let client = try server.connect()
                try client.send("\(method) /api/v1/runs/\(id)/events HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
                let head = try HTTPAnswer(head: try client.read(until: "\r\n\r\n"))
                #expect(head.status == 200 && head.closes && head["content-length"] == nil && head["transfer-encoding"] == nil)
                let rest = String(decoding: try client.readToEnd(), as: UTF8.self)
                #expect(method == "HEAD" ? rest.isEmpty : rest.contains("response_end"))
            }
        }

        /// The same answers as to a client that goes on listening and asking, wherever the requests were cut.
        @Test func clientPipelinesAndEndsItsSide_allAnswersCome_atEverySplit() async throws {
            try await withServer([Self.echo]) { server in
                let requests = [
                    TCPClient.request("GET", "/healthz"), TCPClient.request("GET", "/api/v1/task-handlers"),
                    TCPClient.request("POST", Self.invoke, body: Self.body("third")), TCPClient.request("GET", "/nowhere"),
                ]
                func told(_ answer: HTTPAnswer) -> String {
                    "\(answer.status) \(answer.json["parts"]?[0]?["content"]?.string ?? answer.json["detail"]?.string ?? answer.text)"
                }
                let expected = try requests.map { request in
                    let client = try server.connect()
                    try client.send(request)
                    return told(try client.readAnswer())
                }
                #expect(expected[2] == "200 third")
                for count in [3, 4] {
                    let bytes = Array(requests.prefix(count).joined().utf8)
                    let ends = (1...count).map { requests.prefix($0).joined().utf8.count }
                    for split in 0...bytes.count {
                        let client = try server.connect()
                        try client.send(Array(bytes[..<split]))
                        // The server has read the first part where that can be told.
                        let early = ends.count { $0 <= split }
                        var answers = try (0..<early).map { _ in told(try client.readAnswer()) }
                        try client.send(Array(bytes[split...]))
                        client.finishSending()
                        for _ in early..<count { answers.append(told(try client.readAnswer())) }
                        #expect(answers == Array(expected.prefix(count)), "cut at \(split)")
                        #expect(try client.readToEnd().isEmpty)
                    }
                }
                // A body that can never be complete is not waited for.
                for length in ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n10\r\n{"] {
                    let client = try server.connect()
                    try client.send(
                        requests[0] + requests[1]
                            + "POST \(Self.invoke) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\(length)")
                    client.finishSending()
                    for expected in expected.prefix(2) { #expect(told(try client.readAnswer()) == expected) }
                    #expect(try client.readToEnd().isEmpty)
                }
            }
        }
    }
}
