import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

/// Every key of `models:`, `embedders:` and `taskModels:` lands in the settings.
@Suite struct ModelSettingsTests {
    /// The models by id; a report with findings is an error of the test.
    private func models(_ yaml: String, environment: [String: String] = [:]) -> [String: ModelSettings] {
        let report = inspect(yaml: yaml, environment: environment)
        #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
        return Dictionary(uniqueKeysWithValues: report.settings.models.map { ($0.id, $0) })
    }

    @Test func openAI_takesEveryKey() {
        let found = models(
            """
            models:
              gpt:
                type: openai
                url: https://api.example.com/v1
                model: gpt-5-mini
                apiKey: env:KEY
                headers: {HTTP-Referer: "https://app.example.com", Api-Key: env:OTHER}
                connectTimeoutSeconds: 1.5
                firstByteTimeoutSeconds: 2
                idleTimeoutSeconds: 3
                record: /var/tmp/recordings
                maxTokensField: max_completion_tokens
                seesImages: true
                includesUsage: false
                strictOutput: true
                reasoningReplay: reasoning_details
                organization: org-1
                project: proj-1
                extra: {reasoning_effort: low, seed: 7}
                price: {prompt: 1, cachedPrompt: 0.1, completion: 2.5}
            """, environment: ["KEY": "k1", "OTHER": "k2"])
        var server = ModelServerSettings(url: "https://api.example.com/v1", apiKey: "k1")
        server.headers = ["HTTP-Referer": "https://app.example.com", "Api-Key": "k2"]
        server.connectTimeoutSeconds = 1.5
        server.firstByteTimeoutSeconds = 2
        server.idleTimeoutSeconds = 3
        server.recordDirectory = "/var/tmp/recordings"
        var options = OpenAIOptions()
        options.maxTokensField = .maxCompletionTokens
        options.seesImages = true
        options.includesUsage = false
        options.strictOutput = true
        options.reasoningReplay = .reasoningDetails
        options.organization = "org-1"
        options.project = "proj-1"
        options.extra = ["reasoning_effort": "low", "seed": 7]
        let price = try? ModelPrice(prompt: 1, cachedPrompt: 0.1, completion: 2.5)
        #expect(found == ["gpt": ModelSettings(id: "gpt", kind: .openAI(server, model: "gpt-5-mini", options), price: price)])
    }

    @Test(arguments: [
        ("openai", "https://api.openai.com/v1"), ("anthropic", "https://api.anthropic.com"),
    ])
    func leftOutKeys_haveTheirDefaults(type: String, url: String) {
        let found = models("models: {m: {type: \(type), model: x}}")
        let server = ModelServerSettings(url: url)
        #expect(server.connectTimeoutSeconds == 10 && server.firstByteTimeoutSeconds == 120 && server.idleTimeoutSeconds == 60)
        let kind: ModelSettings.Kind =
            type == "openai" ? .openAI(server, model: "x", OpenAIOptions()) : .anthropic(server, model: "x", AnthropicOptions())
        #expect(found["m"]?.kind == kind)
        #expect(found["m"]?.price == nil && found["m"]?.unavailable == nil)
    }

    @Test func anthropic_takesEveryKey() {
        let found = models(
            """
            models:
              claude:
                type: anthropic
                url: https://gateway.example.com
                model: claude-x
                apiKey: env:KEY
                headers: {X-Team: blue}
                connectTimeoutSeconds: 1
                firstByteTimeoutSeconds: 2
                idleTimeoutSeconds: 3
                replay: /var/tmp/recordings
                maxTokens: 4096
                thinking: adaptive
                showsReasoning: true
                effort: high
                structuredOutput: forced_tool
                promptCaching: 1h
                reasoningHistory: all
                citesDocuments: false
                seesImages: false
                betas: [a-1, b-2]
                price: {prompt: 3, completion: 15}
            """, environment: ["KEY": "k1"])
        var server = ModelServerSettings(url: "https://gateway.example.com", apiKey: "k1")
        server.headers = ["X-Team": "blue"]
        server.connectTimeoutSeconds = 1
        server.firstByteTimeoutSeconds = 2
        server.idleTimeoutSeconds = 3
        server.replayDirectory = "/var/tmp/recordings"
        var options = AnthropicOptions()
        options.defaultMaxTokens = 4096
        options.thinking = .adaptive
        options.showsReasoning = true
        options.effort = "high"
        options.structuredOutput = .forcedTool
        options.promptCaching = .oneHour
        options.reasoningHistory = .all
        options.citesDocuments = false
        options.seesImages = false
        options.betas = ["a-1", "b-2"]
        #expect(found["claude"]?.kind == .anthropic(server, model: "claude-x", options))
        #expect(found["claude"]?.price == (try? ModelPrice(prompt: 3, completion: 15)))
    }

    @Test(
        arguments: [
            ("thinking: default", .modelDefault), ("thinking: disabled", .disabled), ("thinkingTokens: 2048", .budget(tokens: 2048)),
        ] as [(String, AnthropicOptions.Thinking)])
    func thinking_isANameOrABudget(line: String, thinking: AnthropicOptions.Thinking) {
        guard case .anthropic(_, _, let options)? = models("models: {m: {type: anthropic, model: x, \(line)}}")["m"]?.kind else {
            Issue.record("no anthropic model was read")
            return
        }
        #expect(options.thinking == thinking)
    }

    @Test func custom_takesEveryKey() {
        let found = models(
            """
            models:
              house:
                type: custom
                url: https://llm.example.com/generate?version=2
                method: PUT
                model: house-7b
                apiKey: env:KEY
                headers: {X-Api-Key: "{{credential}}", X-Team: blue}
                connectTimeoutSeconds: 1
                firstByteTimeoutSeconds: 2
                idleTimeoutSeconds: 3
                body: {model: "{{model}}", input: "{{messages}}", limit: "{{max_tokens}}", level: 0.5, flag: true}
                response:
                  format: json_lines
                  text: $.delta.text
                  promptTokens: $.usage.in
                  completionTokens: $.usage.out
                  cachedPromptTokens: $.usage.cached
                  stopReason: $.finish
                  stopReasons: {"full": max_tokens}
                  error: $.error.message
                  doneMarker: "[DONE]"
                  completeWhen: done_marker
                price: {prompt: 0, completion: 0}
            """, environment: ["KEY": "k1"])
        var server = ModelServerSettings(url: "https://llm.example.com/generate?version=2", apiKey: "k1")
        server.connectTimeoutSeconds = 1
        server.firstByteTimeoutSeconds = 2
        server.idleTimeoutSeconds = 3
        let configuration: JSONValue = [
            "url": "https://llm.example.com/generate?version=2", "method": "PUT", "model": "house-7b",
            "headers": ["X-Api-Key": "{{credential}}", "X-Team": "blue"],
            "body": ["model": "{{model}}", "input": "{{messages}}", "limit": "{{max_tokens}}", "level": 0.5, "flag": true],
            "response": [
                "format": "json_lines", "text": "$.delta.text", "promptTokens": "$.usage.in", "completionTokens": "$.usage.out",
                "cachedPromptTokens": "$.usage.cached", "stopReason": "$.finish", "stopReasons": ["full": "max_tokens"],
                "error": "$.error.message", "doneMarker": "[DONE]", "completeWhen": "done_marker",
            ],
        ]
        #expect(found["house"]?.kind == .custom(server, configuration: configuration))
    }

    @Test func compositions_takeEveryKey() {
        let found = models(
            """
            models:
              main: {type: fallback, models: [a, local]}
              auto:
                type: route
                rules:
                  - {images: true, tools: true, model: a}
                  - {documents: true, model: b}
                  - {outputSchema: true, model: c}
                  - {tokensOver: 30000, model: d}
                otherwise: local
            """)
        #expect(found["main"]?.kind == .fallback(models: ["a", "local"]))
        let rules: [ModelSettings.Rule] = [
            .init(when: [.hasImages, .hasTools], use: "a"), .init(when: [.hasDocuments], use: "b"),
            .init(when: [.wantsOutputSchema], use: "c"), .init(when: [.estimatedTokens(over: 30_000)], use: "d"),
        ]
        #expect(found["auto"]?.kind == .route(rules: rules, otherwise: "local"))
    }

    @Test func embedder_takesEveryKey() {
        let report = inspect(
            yaml: """
                embedders:
                  vectors:
                    type: openai
                    url: http://127.0.0.1:11434/v1
                    model: nomic
                    apiKey: env:KEY
                    headers: {X-Team: blue}
                    connectTimeoutSeconds: 1
                    firstByteTimeoutSeconds: 2
                    idleTimeoutSeconds: 3
                    record: /var/tmp/recordings
                    dimensions: 256
                    sendsDimensions: false
                    encoding: float
                    batchCount: 10
                    batchCharacters: 1000
                    documentPrefix: "search_document: "
                    queryPrefix: "search_query: "
                    extra: {user: me}
                    pricePerMillionTokens: 0.02
                """, environment: ["KEY": "k1"])
        #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
        var server = ModelServerSettings(url: "http://127.0.0.1:11434/v1", apiKey: "k1")
        server.headers = ["X-Team": "blue"]
        server.connectTimeoutSeconds = 1
        server.firstByteTimeoutSeconds = 2
        server.idleTimeoutSeconds = 3
        server.recordDirectory = "/var/tmp/recordings"
        var options = OpenAIEmbedderOptions()
        options.dimensions = 256
        options.sendsDimensions = false
        options.encodingFormat = .float
        options.batchCount = 10
        options.batchCharacters = 1000
        options.documentPrefix = "search_document: "
        options.queryPrefix = "search_query: "
        options.extra = ["user": "me"]
        var expected = EmbedderSettings(id: "vectors", kind: .openAI(server, options), model: "nomic")
        expected.pricePerMillionTokens = 0.02
        #expect(report.settings.embedders == [expected])
        #expect(
            inspect(yaml: "embedders: {v: {type: openai, model: m}}").settings.embedders == [
                EmbedderSettings(
                    id: "v", kind: .openAI(ModelServerSettings(url: "https://api.openai.com/v1"), OpenAIEmbedderOptions()), model: "m")
            ])
    }

    @Test func taskModels_areTakenByName() {
        #expect(inspect(yaml: "taskModels: {chat: local, rag_oss: gpt}").settings.taskModels == ["chat": "local", "rag_oss": "gpt"])
    }

    // MARK: Sections

    @Test func section_isLaidOverTheBaseMemberByMember() {
        let yaml = """
            models:
              gpt: {type: openai, model: big, apiKey: env:KEY, headers: {A: a, B: b}, price: {prompt: 1, completion: 2}}
              spare: {type: openai, model: spare}
            taskModels: {chat: gpt, other: spare}
            dev:
              models:
                gpt: {model: small, url: "http://127.0.0.1:1/v1", apiKey: null, headers: {B: c}, price: {completion: 9}}
                spare: null
                own: {type: openai, model: own}
              taskModels: {other: own}
            """
        let report = inspect(yaml: yaml, environment: ["MILLRACE_ENV": "dev"])
        #expect(report.problems.isEmpty && report.warnings.isEmpty)
        var server = ModelServerSettings(url: "http://127.0.0.1:1/v1")
        server.headers = ["A": "a", "B": "c"]
        let price = try? ModelPrice(prompt: 1, completion: 9)
        let gpt = ModelSettings(id: "gpt", kind: .openAI(server, model: "small", OpenAIOptions()), price: price)
        let own = ModelSettings(
            id: "own", kind: .openAI(ModelServerSettings(url: "https://api.openai.com/v1"), model: "own", OpenAIOptions()))
        #expect(report.settings.models == [gpt, own])
        #expect(report.settings.taskModels == ["chat": "gpt", "other": "own"])
        #expect(inspect(yaml: yaml).settings.models.map(\.id) == ["gpt", "spare"])
    }

    /// What the base says of a server of one kind means nothing to another: a key would be sent to the wrong one.
    @Test func sectionWithAnotherType_replacesTheEntry() {
        let report = inspect(
            yaml: """
                models: {m: {type: openai, model: a, url: "http://127.0.0.1:1/v1", seesImages: true}}
                prod: {models: {m: {type: anthropic, model: b}}}
                """, flags: ["env": "prod"])
        #expect(report.problems.isEmpty && report.warnings.isEmpty)
        let kind = ModelSettings.Kind.anthropic(ModelServerSettings(url: "https://api.anthropic.com"), model: "b", AnthropicOptions())
        #expect(report.settings.models == [ModelSettings(id: "m", kind: kind)])
    }
}
