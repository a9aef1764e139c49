import Millrace
import MillraceBackends
import MillraceCore
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
    }
}
