import FoundationEssentials
import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Clients that others wrote understand the stream, and resume it.
    @Suite struct ClientTests {
        /// The text that is attached, and the sentence that answers the question.
        private static let lease = """
            Lease for the mill house. The tenant moves in on 1 May.

            The monthly rent is 1,250 euros, due on the third working day. Heating is paid separately.

            The deposit is three months' rent. Pets need the landlord's consent.
            """
        private static let quote = "The monthly rent is 1,250 euros, due on the third working day."

        /// A chat request with the text attached.
        private static func body(_ question: String = "How much is the monthly rent?") -> String {
            let data = Data(lease.utf8).base64EncodedString()
            let parts: JSONValue = [
                ["part_kind": "document", "title": "lease.txt", "mime_type": "text/plain", "data": .string(data)],
                ["part_kind": "text", "content": .string(question)],
            ]
            return JSONValue.object(["task": "chat", "parts": parts]).text
        }

        private static func write(_ text: String, _ name: String, in directory: TemporaryDirectory) throws -> String {
            let path = directory.path + "/" + name
            guard let file = fopen(path, "w") else { throw ClientFailure("cannot write \(path)") }
            defer { fclose(file) }
            fputs(text, file)
            return path
        }

        @Test func curl_streamsAChatThatQuotesTheAttachedText_andResumes() async throws {
            try await withServer { server in
                guard Command.exists(["curl", "--version"]) else {
                    Counterpart.leftOut("curl")
                    return
                }
                let directory = try TemporaryDirectory()
                let request = try Self.write(Self.body(), "request.json", in: directory)
                let base = "http://127.0.0.1:\(server.port)"
                let command = try Command([
                    "curl", "-sN", "--max-time", "20", "-H", "Content-Type: application/json", "--data-binary", "@\(request)",
                    "\(base)/api/v1/generate/stream",
                ])
                #expect(command.status == 0)
                #expect(command.output.hasPrefix("retry: 2000\nevent: response_start\nid: r_"))
                var parser = SSEParser()
                let seen = try parser.receive(Array(command.output.utf8))
                #expect(seen.first?.event == "response_start" && seen.last?.event == "response_end")
                #expect(seen.last?.json["status"] == "completed")
                #expect(seen.filter { $0.event == "content" }.count > 5, "it must come in pieces")
                #expect(seen.map(\.content).joined().contains(Self.quote))
                #expect(seen.contains { $0.event == "citation" })

                // Cut behind the fifth event, and on from there.
                let id = seen[4].id
                let rest = try Command([
                    "curl", "-sN", "--max-time", "20", "-H", "Last-Event-ID: \(id)", "\(base)/api/v1/runs/\(seen[4].responseID)/events",
                ])
                var second = SSEParser()
                #expect(try second.receive(Array(rest.output.utf8)) == Array(seen[5...]))
            }
        }

        @Test(arguments: ["httpx_sse", "sseclient"])
        func pythonClient_streamsAChatThatQuotesTheAttachedText_andResumes(module: String) async throws {
            try await withServer { server in
                let python = TestFiles.packageRoot + "/.venv/bin/python"
                guard Command.exists([python, "-c", "import httpx, \(module)"]) else {
                    Counterpart.leftOut("the Python client \(module)")
                    return
                }
                let directory = try TemporaryDirectory()
                let request = try Self.write(Self.body(), "request.json", in: directory)
                let driver = TestFiles.packageRoot + "/Tests/MillraceIntegrationTests/Clients/\(module)_client.py"
                let command = try Command([python, driver, "http://127.0.0.1:\(server.port)", request])
                #expect(command.status == 0, "\(command.output)")
                let result = try JSONValue(parsing: command.output)
                let whole = result["whole"]?.array ?? []
                let text = whole.compactMap { event in
                    event["event"] == "content" ? try? JSONValue(parsing: event["data"]?.string ?? "")["content"]?.string : nil
                }
                #expect(text.joined().contains(Self.quote))
                // What it saw is what our own reader sees, and resuming makes no difference.
                let id = whole.first?["id"]?.string?.prefix { $0 != ":" } ?? ""
                let log = try server.log(of: String(id))
                #expect(whole.map { $0["event"]?.string } == log.map(\.event))
                #expect(whole.map { $0["id"]?.string } == log.map(\.id))
                #expect(whole.map { $0["data"]?.string } == log.map(\.data))
                let resumed = result["resumed"]?.array ?? []
                #expect(resumed.map { $0["id"] } == whole.map { $0["id"] })
                #expect(resumed.map { $0["data"] } == whole.map { $0["data"] })
                #expect(result["status_at_the_end"] == 204)
            }
        }

        /// A browser's EventSource sees every event once, although its first connection is cut, and stops at the end (204).
        @Test func browser_followsARunAcrossACutConnection_andStopsAtItsEnd() async throws {
            let gate = StepGate()
            let count = 12
            let steps = ScriptedTask("steps") { _, context in
                for number in 1...count {
                    try await gate.pass()
                    try await context.emit(.content("\(number)\n\n"))
                }
            }
            // A reader that is not read is cut after a while; so is one that has been open for a moment here: the stall of a proxy.
            try await withServer([steps], configure: { $0.runs.retryMilliseconds = 50 }) { server in
                let python = TestFiles.packageRoot + "/.venv/bin/python"
                guard Command.exists(["/usr/bin/chromium", "--version"]), Command.exists([python, "-c", "import playwright"]) else {
                    Counterpart.leftOut("a browser (chromium, playwright)")
                    return
                }
                let reader = try server.start("steps")
                let id = try #require(try reader.next()).responseID
                let proxy = try CuttingProxy(to: server.port)
                defer { proxy.stop() }
                // The browser connects through the proxy, which cuts the run's stream behind some events.
                proxy.whenCut = { gate.open(count) }
                gate.open(5)
                let driver = TestFiles.packageRoot + "/Tests/MillraceIntegrationTests/Clients/eventsource_browser.py"
                let command = try Command([python, driver, "http://127.0.0.1:\(proxy.port)", id])
                #expect(command.status == 0, "\(command.output)")
                let result = try JSONValue(parsing: command.output)
                let log = try server.log(of: id)
                #expect(result["seen"]?.array?.map { $0["id"]?.string } == log.map(\.id))
                #expect(result["seen"]?.array?.map { $0["data"]?.string } == log.map(\.data))
                #expect(result["opened"]?.integer == 2, "it came back once, and the 204 let it rest")
                reader.close()
            }
        }
    }
}
