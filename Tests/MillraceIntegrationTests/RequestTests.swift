import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// What the API answers to requests that are wrong, each with a problem that says what to do.
    @Suite struct RequestTests {
        private static let echo = ScriptedTask("echo") { request, context in try await context.emit(.content(request.text)) }
        private static let stream = "/api/v1/generate/stream"

        /// A body and the fields that its problem names.
        private static let badFields: [(body: String, fields: [String])] = [
            ("{}", ["parts"]),
            (#"{"parts":[]}"#, ["parts"]),
            (#"{"parts":"hello"}"#, ["parts"]),
            (#"{"parts":[7]}"#, ["parts[0]"]),
            (#"{"parts":[{"content":7}]}"#, ["parts[0].content"]),
            (#"{"parts":[{"part_kind":"song","content":"x"}]}"#, ["parts[0].part_kind"]),
            (#"{"parts":[{"part_kind":"tool_call","tool_name":"x","tool_id":"y","tool_args":{}}]}"#, ["parts[0].part_kind"]),
            (#"{"message":{"parts":[]}}"#, ["message.parts"]),
            (#"{"message":{}}"#, ["message.parts"]),
            (#"{"message":7}"#, ["message"]),
            (#"{"task":7,"parts":[{"content":"x"}]}"#, ["task"]),
            (#"{"task":"","parts":[{"content":"x"}]}"#, ["task"]),
            (#"{"chat_id":"a/b","parts":[{"content":"x"}]}"#, ["chat_id"]),
            (#"{"chat_id":"","parts":[{"content":"x"}]}"#, ["chat_id"]),
            (#"{"parent_id":"m_1","parts":[{"content":"x"}]}"#, ["parent_id"]),
            (#"{"model_id":"nobody","parts":[{"content":"x"}]}"#, ["model_id"]),
            (#"{"persona":[],"parts":[{"content":"x"}]}"#, ["persona"]),
            (#"{"context":{},"parts":[{"content":"x"}]}"#, ["context"]),
            (#"{"context":[{}],"parts":[{"content":"x"}]}"#, ["context[0].type"]),
            (#"{"parts":[{"part_kind":"document","data":"not base64!"}]}"#, ["parts[0].data"]),
            (#"{"parts":[{"part_kind":"document","pointer":"file:///etc/passwd"}]}"#, ["parts[0].pointer"]),
            (#"{"parts":[{"part_kind":"image","pointer":"http://169.254.169.254/latest"}]}"#, ["parts[0].pointer"]),
            (#"{"context":[{"type":"document","pointer":"s3://bucket/key"}],"parts":[{"content":"x"}]}"#, ["context[0].pointer"]),
            (#"{"task":1,"chat_id":2,"persona":3}"#, ["task", "chat_id", "persona", "parts"]),
            ("[]", ["body"]), ("7", ["body"]), (#""hello""#, ["body"]),
        ]

        @Test func fieldsAreWrong_422NamesEachOfThem() async throws {
            try await withServer([Self.echo]) { server in
                let client = try server.connect()
                for (body, fields) in Self.badFields {
                    let answer = try client.ask("POST", Self.stream, body: body)
                    #expect(answer.status == 422, "\(body): \(answer.text)")
                    #expect(answer["content-type"] == "application/problem+json")
                    let named = answer.json["errors"]?.array?.compactMap { $0["field"]?.string } ?? []
                    #expect(Set(named) == Set(fields), "\(body): \(answer.text)")
                    #expect(answer.json["errors"]?.array?.allSatisfy { $0["message"]?.string?.isEmpty == false } == true)
                    #expect(answer.json["status"] == 422 && answer.json["title"] != nil && answer.json["type"] != nil)
                    #expect(answer.json["instance"]?.string == answer["x-request-id"])
                }
                #expect(try client.ask("GET", "/api/v1/runs").json["items"] == [], "a refused request must leave nothing behind")
                #expect(try client.ask("GET", "/api/v1/chats").json["items"] == [])
            }
        }

        @Test(arguments: ["", "{", "nonsense", #"{"a":1"#, #"{"parts":[{"content":"x"}]} tail"#, "{'a':1}", "\u{0}"])
        func bodyIsNotJSON_is400(body: String) async throws {
            try await withServer([Self.echo]) { server in
                let answer = try server.ask("POST", Self.stream, body: body)
                #expect(answer.status == 400, "\(answer.text)")
                #expect(answer["content-type"] == "application/problem+json")
            }
        }

        /// Whether there is a handler for documents depends on what lies beside the tests.
        private static func withoutDocuments(_ names: [JSONValue]?) -> [JSONValue]? { names?.filter { $0 != "document_analysis" } }

        @Test func taskIsUnknown_404ListsTheKnown() async throws {
            try await withServer([Self.echo]) { server in
                let answer = try server.ask("POST", Self.stream, body: EventStreamClient.generateBody(task: "nobody", text: "x"))
                #expect(answer.status == 404)
                #expect(answer.json["detail"] == "No handler found for task: nobody")
                #expect(Self.withoutDocuments(answer.json["known_tasks"]?.array) == ["chat", "echo", "rag_oss"])
            }
        }

        @Test func parentIsUnknown_isRefusedAndNamedOneBranches() async throws {
            try await withServer([Self.echo]) { server in
                func say(_ members: String) throws -> HTTPAnswer {
                    try server.ask("POST", "/api/v1/generate/invoke", body: "{\"task\":\"echo\",\(members)}")
                }
                let first = try say(#""chat_id":"c","parts":[{"content":"one"}]"#)
                #expect(first.status == 200)
                let firstID = first.json["message_id"]?.string ?? ""
                _ = try say(#""chat_id":"c","parts":[{"content":"two"}]"#)
                #expect(try say(#""chat_id":"c","parent_id":"m_nobody","parts":[{"content":"x"}]"#).status == 404)
                let branch = try say(#""chat_id":"c","parent_id":"\#(firstID)","parts":[{"content":"other two"}]"#)
                #expect(branch.status == 200)
                let messages = try server.ask("GET", "/api/v1/chats/c/messages").json["items"]?.array ?? []
                #expect(messages.count == 6)
                #expect(messages.filter { $0["parent_id"] == .string(firstID) }.count == 2)
            }
        }

        @Test func bothPathsAndFormsOfTheMessage_areTheSameRoute() async throws {
            try await withServer([Self.echo]) { server in
                for path in [Self.stream, "/generate/stream"] {
                    for body in [
                        #"{"task":"echo","parts":[{"part_kind":"text","content":"hello"}],"unknown":true}"#,
                        #"{"task":"echo","message":{"parts":[{"content":"hello"}]}}"#,
                    ] {
                        let reader = try EventStreamClient(port: server.port, TCPClient.request("POST", path, body: body))
                        #expect(try reader.rest().map(\.content).joined() == "hello")
                    }
                }
            }
        }

        @Test func handlersAndTheirConfiguration_areServedAndStored() async throws {
            try await withServer([Self.echo]) { server in
                let list = try server.ask("GET", "/api/v1/task-handlers").json
                #expect(Self.withoutDocuments(list["items"]?.array?.map { $0["name"] ?? .null }) == ["chat", "echo", "rag_oss"])
                #expect(list["default"] == "chat")
                #expect(try server.ask("GET", "/api/v1/task-handlers/echo").json["is_default"] == false)
                let unknown = try server.ask("GET", "/api/v1/task-handlers/nobody")
                #expect(unknown.status == 404)
                let put = try server.ask(
                    "PUT", "/api/v1/admin/task/echo", body: #"{"guardrail":{"blocked_input_message":"g"},"temperature":1}"#)
                #expect(put.status == 200, "\(put.text)")
                let stored = try server.ask("GET", "/api/v1/admin/task/echo").json
                #expect(stored["configuration"]?["guardrail"]?["blocked_input_message"] == "g")
                #expect(try server.ask("PUT", "/api/v1/admin/task/echo", body: #"{"guardrail":7}"#).status == 422)
            }
        }
    }
}
