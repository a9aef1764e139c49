import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// A run's record names the model that was chosen for it.
    @Suite struct ModelChoiceTests {
        @Test(arguments: [(nil, "b"), ("a", "a")] as [(String?, String)])
        func record_namesTheChosenModel(named: String?, chosen: String) async throws {
            let task = ScriptedTask("choosing", options: TaskHandlerOptions(modelID: "b")) { request, context in
                try await context.emit(.content(request.modelID ?? "none"))
            }
            let models = ["a", "b"].map { ScriptedLanguageModel(id: $0, []) }
            try await withServer([task], models: models) { server in
                var body: [String: JSONValue] = ["task": "choosing", "parts": [["content": "hi"]]]
                body["model_id"] = named.map { .string($0) }
                let answer = try server.ask("POST", "/api/v1/generate/invoke", body: JSONValue.object(body).text)
                #expect(answer.json["parts"]?[0]?["content"] == .string(chosen))
                let run = try server.ask("GET", "/api/v1/runs/\(answer.json["message_id"]?.string ?? "")")
                #expect(run.json["model_id"] == .string(chosen))
            }
        }

        @Test func unknownModel_isRefused_andNamesThoseThereAre() async throws {
            try await withServer(models: [ScriptedLanguageModel(id: "a", [])]) { server in
                let answer = try server.ask(
                    "POST", "/api/v1/generate/invoke", body: #"{"parts":[{"content":"hi"}],"model_id":"c"}"#)
                #expect(answer.status == 422)
                #expect(answer.json["detail"]?.string?.contains("there are: a, local") == true)
            }
        }

        @Test func unavailableModel_isRefusedWithTheReason() async throws {
            try await withServer(configure: { settings in
                var model = ModelSettings(
                    id: "gpt", kind: .openAI(ModelServerSettings(url: "https://api.openai.com/v1"), model: "x", OpenAIOptions()))
                model.unavailable = "the environment variable KEY is not set"
                settings.models = [model]
            }) { server in
                let answer = try server.ask("POST", "/api/v1/generate/invoke", body: #"{"parts":[{"content":"hi"}],"model_id":"gpt"}"#)
                #expect(answer.status == 503)
                let detail = "the model 'gpt' is not available: the environment variable KEY is not set"
                #expect(answer.json["detail"]?.string == detail)
                #expect(answer.json["errors"] == [["field": "model_id", "message": .string(detail)]])
                #expect(answer["content-type"] == "application/problem+json")
                let ready = try server.ask("GET", "/readyz")
                #expect(ready.status == 200, "what is optional makes nobody unready")
                // Whether millrace-extract is there depends on what was built.
                let checks = (ready.json["checks"]?.array ?? []).filter { $0["name"] != "documents" }
                #expect(
                    checks == [
                        ["name": "store", "status": "ok"], ["name": "objects", "status": "ok"], ["name": "search", "status": "ok"],
                        [
                            "name": "secrets", "status": "unavailable",
                            "message": "this server keeps nothing, and so no secrets: name a file with secrets.path",
                        ],
                        ["name": "cache", "status": "ok"],
                        ["name": "model:gpt", "status": "unavailable", "message": "the environment variable KEY is not set"],
                    ])
            }
        }

        @Test func taskModel_isWhatRecordAndStreamName() async throws {
            let tasks = ["one", "two"].map { name in
                ScriptedTask(name, options: TaskHandlerOptions(modelID: "b")) { request, context in
                    try await context.emit(.content(request.modelID ?? "none"))
                }
            }
            try await withServer(
                tasks, models: ["a", "b", "c"].map { ScriptedLanguageModel(id: $0, []) }, configure: { $0.taskModels = ["one": "a"] }
            ) { server in
                for (task, named, chosen) in [("one", nil, "a"), ("two", nil, "b"), ("one", "c", "c")] as [(String, String?, String)] {
                    var body: [String: JSONValue] = ["task": .string(task), "parts": [["content": "hi"]]]
                    body["model_id"] = named.map { .string($0) }
                    let answer = try server.ask("POST", "/api/v1/generate/invoke", body: JSONValue.object(body).text)
                    let id = answer.json["message_id"]?.string ?? ""
                    let run = try server.ask("GET", "/api/v1/runs/\(id)")
                    #expect(run.json["model_id"] == .string(chosen))
                    let start = try #require(try server.log(of: id).first)
                    #expect(try JSONValue(parsing: start.data)["model_id"] == .string(chosen))
                }
            }
        }

        /// Nothing listens on port 9 of loopback.
        @Test func serverThatKeepsFailing_isFailingInReadiness() async throws {
            try await withServer(configure: { settings in
                let kind = ModelSettings.Kind.openAI(ModelServerSettings(url: "http://127.0.0.1:9/v1"), model: "x", OpenAIOptions())
                settings.models = [
                    ModelSettings(id: "gpt", kind: kind), ModelSettings(id: "main", kind: .fallback(models: ["gpt", "local"])),
                ]
                settings.http.attempts = 1
                settings.http.circuitOpenSeconds = 3600
            }) { server in
                let before = try server.ask("GET", "/readyz").json["checks"]?.array ?? []
                #expect(before.map { $0["name"] }.suffix(2) == ["model:gpt", "model:main"])
                #expect(before.suffix(2).allSatisfy { $0["status"] == "ok" })
                for _ in 0..<10 {
                    let body = #"{"parts":[{"content":"hi"}],"model_id":"gpt"}"#
                    #expect(try server.ask("POST", "/api/v1/generate/invoke", body: body).json["status"] == "error")
                }
                let ready = try server.ask("GET", "/readyz")
                #expect(ready.status == 200)
                let models = Array((ready.json["checks"]?.array ?? []).suffix(2))
                #expect(models.map { $0["status"] } == ["failing", "ok"], "another one answers in the other's place")
                let message = models.first?["message"]?.string ?? ""
                #expect(message.hasPrefix("its server has failed too often and is left alone for 3"), "\(message)")
            }
        }
    }
}
