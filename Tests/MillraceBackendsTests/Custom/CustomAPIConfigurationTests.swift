import Millrace
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

@Suite struct CustomAPIConfigurationTests {
    private let request = ModelRequest(turns: [.init(role: .user, parts: [.text("Hi")])])

    @Test func description_isReadWhole() async throws {
        let configuration: JSONValue = [
            "url": "https://llm.example.com/generate", "method": "PUT", "model": "house-7b",
            "headers": ["Authorization": "Bearer {{credential}};v=1", "X-Version": "2"], "body": ["m": "{{model}}", "p": "{{prompt}}"],
            "response": [
                "format": "json_lines", "text": "$.t", "promptTokens": "$.i", "completionTokens": "$.o", "cachedPromptTokens": "$.c",
                "stopReason": "$.why", "stopReasons": ["enough": "max_tokens"], "error": "$.e", "doneMarker": "END",
                "completeWhen": "stop_reason",
            ],
        ]
        let api = try CustomAPI(id: "house", configuration: configuration, credential: Credential("k-1"))
        let transport = ScriptedTransport([.init([#"{"t":"a","i":3,"o":1,"c":2,"why":"enough"}"# + "\nEND\n"])])
        var events: [ModelEvent] = []
        let response = try await CustomLanguageModel(api, transport: transport).generate(request) { events.append($0) }
        let usage = Usage(promptTokens: 3, completionTokens: 1, cachedPromptTokens: 2)
        #expect(events == [.text("a"), .usage(usage)])
        #expect(response == ModelResponse(stopReason: .maxTokens, usage: usage, modelID: "house-7b"))
        let sent = try #require(transport.requests.withLock { $0.first })
        #expect(sent.method == "PUT")
        #expect(sent.headers["authorization"] == "Bearer k-1;v=1")
        #expect(sent.headers["x-version"] == "2")
        #expect(api.doneMarker == "END")
        #expect(api.errorMessage(in: ["e": "x"]) == "x")
    }

    @Test(
        arguments: [
            (["text": "$.t"], .endOfBody), (["text": "$.t", "stopReason": "$.s"], .stopReason),
            (["text": "$.t", "stopReason": "$.s", "doneMarker": "X"], .doneMarker),
        ] as [(JSONValue, CustomCompletion)])
    func end_isTheSurestThatIsGiven(response: JSONValue, completion: CustomCompletion) throws {
        let api = try CustomAPI(id: "x", configuration: ["url": "http://h/", "body": ["p": "{{prompt}}"], "response": response])
        #expect(api.completion == completion)
        #expect(api.format == .serverSentEvents)
    }

    @Test func memberThatIsNull_isLeftOut() throws {
        let body: JSONValue = ["p": "{{prompt}}"]
        let response: JSONValue = ["text": "$.t", "doneMarker": nil]
        let api = try CustomAPI(id: "x", configuration: ["url": "http://h/", "model": nil, "body": body, "response": response])
        #expect(api.doneMarker == nil)
        let error = #expect(throws: MillraceError.self) {
            try CustomAPI(id: "x", configuration: ["url": nil, "body": body, "response": response])
        }
        #expect(error?.message.contains("url is missing") == true)
    }

    @Test func everythingThatIsWrong_isSaidAtOnce() {
        let configuration: JSONValue = [
            "methd": "POST", "model": 5, "headers": ["A": "{{credential}}", "B": "{{credentials}}"], "body": ["p": "{{promt}}"],
            "response": ["format": "json_line", "text": "t", "stopReasons": ["a": 1], "doneMarker": "", "usage": "$.u"],
        ]
        let error = #expect(throws: MillraceError.self) { try CustomAPI(id: "x", configuration: configuration) }
        #expect(error?.code == .configuration)
        for part in [
            "url is missing", "model must be a text, not a number", "'A' asks for {{credential}}, and none is configured",
            "{{credentials}}: did you mean {{credential}}?", "did you mean {{prompt}}?", "methd is not known: did you mean 'method'?",
            "response.format is 'json_line': did you mean 'json_lines'?", "the JSON path 't' is wrong at character 1",
            "response.stopReasons must be an object of texts", "response.doneMarker must be a text that is not empty",
            "response.usage is not known",
        ] {
            #expect(error?.message.contains(part) == true, "\(part): \(error?.message ?? "")")
        }
    }

    @Test(arguments: ["text", 1, nil] as [JSONValue])
    func whatIsNoObject_isRefused(configuration: JSONValue) {
        let error = #expect(throws: MillraceError.self) { try CustomAPI(id: "x", configuration: configuration) }
        #expect(error?.message.contains("it must be an object, not a \(configuration.kindName)") == true)
    }

    @Test func urlThatAsksForAModel_needsOne() {
        let configuration: JSONValue = ["url": "http://h/{{model}}", "body": ["p": "{{prompt}}"], "response": ["text": "$.t"]]
        let error = #expect(throws: MillraceError.self) { try CustomAPI(id: "x", configuration: configuration) }
        #expect(error?.message == "the URL of the model 'x' asks for {{model}}, and no model is given")
    }
}
