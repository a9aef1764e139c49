import Millrace
import MillraceBackends
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceServer

/// Models out of settings: what is left out, what is refused, and what each call goes through.
@Suite struct ModelAssemblyTests {
    private let blocking: BlockingExecutor
    private let transport = CannedTransport([
        "model": "x", "choices": [["index": 0, "message": ["role": "assistant", "content": "canned"], "finish_reason": "stop"]],
        "usage": ["prompt_tokens": 1_000_000, "completion_tokens": 500_000, "total_tokens": 1_500_000],
    ])

    init() throws { blocking = try BlockingExecutor(name: "assembly", threads: 1) }

    /// The models of a configuration, beside `local`, `a` and `b`, which answer with their names.
    private func registry(
        _ yaml: String, environment: [String: String] = ["KEY": "k1"], tokens: String? = nil
    ) throws -> LanguageModelRegistry {
        let report = inspect(yaml: yaml, environment: environment)
        #expect(report.problems.isEmpty, "\(report.problems)")
        var settings = report.settings
        if let tokens { settings.tokens.vocabularyFile = tokens }
        return try registry(settings)
    }

    private func registry(_ settings: ServerSettings) throws -> LanguageModelRegistry {
        let scripted = ["local", "a", "b"].map { ScriptedLanguageModel(id: $0, [.text($0)]) }
        var assembly = try ModelAssembly(
            settings: settings, existing: scripted, transport: transport, logger: .silent, blocking: blocking)
        return try assembly.registry(local: scripted[0])
    }

    private func failure(_ yaml: String) -> String {
        do {
            _ = try registry(yaml)
            return "nothing failed"
        } catch { return "\(error)" }
    }

    private func ask(_ model: any LanguageModel, _ text: String = "hi", extra: (inout ModelRequest) -> Void = { _ in }) async throws -> (
        text: String, usage: Usage
    ) {
        var request = ModelRequest(turns: [.init(role: .user, parts: [.text(text)])])
        extra(&request)
        var said = ""
        let response = try await model.generate(request) { event in
            if case .text(let piece) = event { said += piece }
        }
        return (said, response.usage)
    }

    private static let unusable = "no: {type: openai, model: x, apiKey: env:ABSENT}"
    private static let reason = "the environment variable ABSENT is not set"

    // MARK: What is not available

    @Test func unavailableModel_isLeftOutWithItsReason() throws {
        let registry = try registry("models: {\(Self.unusable)}")
        #expect(registry.ids == ["a", "b", "local"])
        #expect(registry.unavailable == ["no": Self.reason])
        #expect(throws: MillraceError(.modelUnavailable, "the model 'no' is not available: \(Self.reason)", details: ["field": "model_id"]))
        {
            try registry.model("no")
        }
    }

    @Test func unavailablePartsOfCompositions_arePassedOver() async throws {
        let registry = try registry(
            """
            models:
              main: {type: fallback, models: [no, b, local]}
              auto: {type: route, rules: [{documents: true, model: no}, {documents: true, model: b}], otherwise: a}
              \(Self.unusable)
            """)
        #expect(registry.unavailable.keys.sorted() == ["no"])
        #expect(try await ask(registry.model("main")).text == "b")
        #expect(try await ask(registry.model("auto")).text == "a")
        let documents = try await ask(registry.model("auto")) {
            $0.documents = [ModelDocument(id: "d", title: "t", text: "text")]
        }
        #expect(documents.text == "b")
    }

    @Test func compositionWithoutUsableModel_isUnavailableWithEachReason() throws {
        let registry = try registry(
            """
            models:
              main: {type: fallback, models: [no, other]}
              auto: {type: route, rules: [{tools: true, model: a}], otherwise: main}
              \(Self.unusable)
              other: {type: anthropic, model: x, apiKey: env:OTHER}
            """)
        let why = "it needs 'no': \(Self.reason); 'other': the environment variable OTHER is not set"
        #expect(registry.unavailable["main"] == why)
        #expect(registry.unavailable["auto"] == "it needs 'main': \(why)")
    }

    // MARK: What is refused

    @Test(arguments: [
        (
            "models: {m: {type: fallback, models: [a, lokal]}}",
            "the model 'm' names the model 'lokal', which there is not: did you mean 'local'?"
        ),
        (
            "models: {m: {type: route, rules: [{tools: true, model: othr}], otherwise: a}, other: {type: openai, model: x}}",
            "the model 'm' names the model 'othr', which there is not: did you mean 'other'?"
        ),
        ("models: {m: {type: fallback, models: [zebra]}}", "the model 'm' names the model 'zebra', which there is not"),
        ("models: {m: {type: fallback, models: [m]}}", "models cannot be made of each other in a circle: m → m"),
        (
            "models: {m: {type: fallback, models: [a, n]}, n: {type: route, rules: [{tools: true, model: m}], otherwise: a}}",
            "models cannot be made of each other in a circle: m → n → m"
        ),
        (
            "taskModels: {chat: lokal}\nmodels: {}",
            "the task 'chat' is to use the model 'lokal', which there is not: did you mean 'local'? there are: a, b, local"
        ),
        ("defaults: {model: lokal}", "defaults.model: no model is called 'lokal'; there are: a, b, local: did you mean 'local'?"),
        ("defaults: {model: no}\nmodels: {\(unusable)}", "defaults.model: the model 'no' is not available: \(reason)"),
        (
            "tokens: {vocabularyFile: /absent.tiktoken}",
            "tokens.vocabularyFile: the token vocabulary cannot be read: cannot open /absent.tiktoken: No such file or directory"
        ),
    ])
    func wrongNames_areConfigurationErrors(yaml: String, message: String) {
        #expect(failure(yaml) == "configuration: \(message)")
    }

    @Test func idsThatCollide_areConflicts() throws {
        #expect(
            failure("models: {a: {type: openai, model: x}}")
                == "conflict: the configured model 'a' has the id of one that is registered in code")
        var settings = ServerSettings()
        let kind = ModelSettings.Kind.fallback(models: ["a"])
        settings.models = [ModelSettings(id: "twice", kind: kind), ModelSettings(id: "twice", kind: kind)]
        #expect(throws: MillraceError(.conflict, "two models are called 'twice'")) { try registry(settings) }
    }

    @Test func missingRecordings_areAConfigurationMistakeThatNamesTheDirectory() {
        #expect(failure("models: {m: {type: openai, model: x, replay: /absent-recordings}}").contains("/absent-recordings"))
    }

    // MARK: What is made

    @Test func defaultAndTaskModels_areChosen() throws {
        let registry = try registry("defaults: {model: main}\ntaskModels: {chat: b}\nmodels: {main: {type: fallback, models: [a]}}")
        #expect(registry.defaultModel.id == "main")
        #expect(try registry.model(nil, task: "chat").id == "b")
        #expect(try registry.model(nil, task: "other").id == "main")
        #expect(try registry.model("a", task: "chat").id == "a")
    }

    @Test func unavailableTaskModel_letsTheServerStart() throws {
        let registry = try registry("taskModels: {chat: no}\nmodels: {\(Self.unusable)}")
        #expect(throws: MillraceError.self) { try registry.model(nil, task: "chat") }
        #expect(try registry.model(nil, task: "other").id == "local")
    }

    @Test func pricedModel_saysWhatItCosts_alsoWithinAFallback() async throws {
        let registry = try registry(
            """
            models:
              gpt: {type: openai, model: x, apiKey: env:KEY, url: "http://127.0.0.1:1/v1", price: {prompt: 2, completion: 10}}
              free: {type: openai, model: x, url: "http://127.0.0.1:1/v1"}
              main: {type: fallback, models: [gpt]}
            """)
        #expect(try await ask(registry.model("gpt")).usage.estimatedCost == 7)
        #expect(try await ask(registry.model("main")).usage.estimatedCost == 7)
        #expect(try await ask(registry.model("free")).usage.estimatedCost == nil, "unknown is no 0")
        #expect(transport.requests.map { $0.headers["Authorization"] } == ["Bearer k1", "Bearer k1", nil])
        #expect(transport.requests.allSatisfy { $0.url == "http://127.0.0.1:1/v1/chat/completions" })
    }

    @Test func serverSettings_reachTheRequest() async throws {
        let registry = try registry(
            """
            models:
              gpt:
                type: openai
                model: x
                url: http://127.0.0.1:1/v1/
                headers: {X-Team: blue, api-key: env:KEY}
                connectTimeoutSeconds: 1
                firstByteTimeoutSeconds: 2
                idleTimeoutSeconds: 0.5
            """)
        _ = try await ask(registry.model("gpt"))
        let request = try #require(transport.requests.first)
        #expect(request.url == "http://127.0.0.1:1/v1/chat/completions")
        #expect(request.headers["X-Team"] == "blue" && request.headers["Api-Key"] == "k1")
        #expect(request.timeouts.connect == .seconds(1) && request.timeouts.firstByte == .seconds(2))
        #expect(request.timeouts.idle == .seconds(0.5) && request.timeouts.total == nil)
    }

    @Test func replayedCustomAPI_needsNoKey() throws {
        let directory = TemporaryDirectory()
        let registry = try registry(
            """
            models:
              house:
                type: custom
                url: https://a.example/g
                apiKey: env:ABSENT
                headers: {Authorization: "Key {{credential}}"}
                body: {input: "{{prompt}}"}
                response: {text: $.t}
                replay: \(directory.path)
            """)
        #expect(try registry.model("house").id == "house")
    }

    @Test func embedder_isPricedByItsTokens() async throws {
        let answer: JSONValue = [
            "model": "x", "data": [["index": 0, "embedding": [1, 0]]], "usage": ["prompt_tokens": 500_000, "total_tokens": 500_000],
        ]
        let report = inspect(
            yaml: """
                embedders:
                  priced: {type: openai, model: x, url: "http://127.0.0.1:1/v1", encoding: float, pricePerMillionTokens: 0.02}
                  free: {type: openai, model: x, url: "http://127.0.0.1:1/v1", encoding: float}
                  no: {type: openai, model: x, apiKey: env:ABSENT}
                """)
        var assembly = try ModelAssembly(
            settings: report.settings, existing: [], transport: CannedTransport(answer), logger: .silent, blocking: blocking)
        let embedders = try assembly.embedders()
        #expect(embedders.ids == ["free", "local", "priced"])
        #expect(embedders.unavailable == ["no": Self.reason])
        #expect(try await embedders.embedder("priced").embed(["a"], for: .query).usage.estimatedCost == 0.01)
        #expect(try await embedders.embedder("free").embed(["a"], for: .query).usage.estimatedCost == nil)
        #expect(throws: MillraceError(.modelUnavailable, "the embedder 'no' is not available: \(Self.reason)")) {
            try embedders.embedder("no")
        }
    }

    /// Six letters are some two tokens by the estimate, and six by a vocabulary that knows single bytes only.
    @Test func vocabularyFile_countsForTheRules() async throws {
        let directory = TemporaryDirectory()
        directory.write("bytes.tiktoken", Self.vocabularyOfBytes)
        let yaml = "models: {auto: {type: route, rules: [{tokensOver: 4, model: a}], otherwise: b}}"
        #expect(try await ask(registry(yaml).model("auto"), "letter").text == "b")
        let path = directory.path + "/bytes.tiktoken"
        #expect(try await ask(registry(yaml, tokens: path).model("auto"), "letter").text == "a")
    }

    /// As many tokens as cl100k_base has: the single bytes, and others that no text holds.
    private static var vocabularyOfBytes: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text = ByteBuffer()
        for rank in 0..<BPEEncoding.cl100k.tokenCount {
            if rank < 256 {
                text.append([alphabet[rank >> 2], alphabet[(rank & 3) << 4]])
                text.append("==")
            } else {
                // Begins with three bytes that are in no UTF-8.
                text.append("////")
                for shift in [18, 12, 6, 0] { text.append(byte: alphabet[rank >> shift & 63]) }
            }
            text.append(" \(rank)\n")
        }
        return text.string
    }
}
