import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

extension IntegrationTests {
    /// What every language model promises, held against all of them; the remote ones ask a server that the services' own clients accept.
    @Suite struct LanguageModelConformanceTests {
        private static let names = [
            "local", "scripted", "openai", "anthropic", "bedrock", "custom-sse", "custom-ndjson", "custom-json", "fallback", "route",
            "priced",
        ]

        /// Runs `body` with the model of that name, where what it needs is installed.
        private func with(_ name: String, _ body: (any LanguageModel) async throws -> Void) async throws {
            if name == "bedrock" {
                guard let server = try BedrockServer.shared() else { return }
                return try await body(Self.bedrock(server))
            }
            let isRemote = !["local", "scripted"].contains(name)
            guard let server = isRemote ? try ModelServer.start() : nil else {
                if !isRemote { try await body(Self.embedded(name)) }
                return
            }
            defer { server.stop() }
            try await body(Self.remote(name, server))
        }

        private static func embedded(_ name: String) -> any LanguageModel {
            if name == "local" { return LocalLanguageModel() }
            return ScriptedLanguageModel([
                .text("one "), .text("two "), .text("three"), .usage(Usage(promptTokens: 1, completionTokens: 3)),
            ])
        }

        private static func remote(_ name: String, _ server: ModelServer) throws -> any LanguageModel {
            let key = Credential(ModelServer.key)
            let openAI = OpenAILanguageModel(model: "mill-chat", url: server.url + "/v1", apiKey: key)
            switch name {
            case "openai": return openAI
            case "anthropic": return AnthropicLanguageModel(id: "anthropic", model: "mill-chat", url: server.url, apiKey: key)
            case "fallback":
                let broken = ScriptedLanguageModel(
                    id: "broken", [], failure: .init(afterEvents: 0, error: MillraceError(.modelError, "broken", isRetryable: true)))
                return FallbackLanguageModel(id: "fallback", models: [broken, openAI])
            case "route":
                return RoutingLanguageModel(id: "route", rules: [ModelRule(when: [.hasTools], use: embedded("local"))], otherwise: openAI)
            case "priced": return PricedLanguageModel(openAI, price: try ModelPrice(prompt: 1, completion: 2))
            default: return try custom(String(name.dropFirst("custom-".count)), server, key)
            }
        }

        private static func bedrock(_ server: BedrockServer) -> any LanguageModel {
            let credentials = AWSCredentials(accessKeyID: "AKIATEST", secretAccessKey: "sekrit", origin: "the test")
            let client = AWSServiceClient(
                .bedrockRuntime, endpoint: AWSEndpointSettings(region: "us-east-1", url: server.url),
                authentication: .signature(StaticAWSCredentialProvider(credentials)), transport: HTTPClient())
            return BedrockLanguageModel(
                id: "bedrock", model: "anthropic.claude-x", client: BedrockRuntimeClient(client), region: "us-east-1",
                options: BedrockOptions())
        }

        private static func custom(_ format: String, _ server: ModelServer, _ key: Credential) throws -> any LanguageModel {
            let isWhole = format == "json"
            var response: [String: JSONValue] = [
                "format": ["sse": "server_sent_events", "ndjson": "json_lines", "json": "json"][format] ?? .null,
                "text": isWhole ? "$.result.output[0].text" : "$.result.output[0].delta", "promptTokens": "$.meter.in",
                "completionTokens": "$.meter.out", "stopReason": "$.result.finish",
            ]
            if format == "sse" { response["doneMarker"] = "[END]" }
            let api = try CustomAPI(
                id: "custom",
                configuration: [
                    "url": .string(server.url + "/custom/generate"), "headers": ["X-Service-Token": "{{credential}}"],
                    "body": ["prompt": "{{message}}", "format": .string(format)], "response": .object(response),
                ], credential: key)
            return try CustomLanguageModel(api)
        }

        private static let request = ModelRequest(
            turns: [.init(role: .user, parts: [.text("What turns the wheel of the mill?")])],
            documents: [
                ModelDocument(id: "d1", title: "mill.txt", text: "The water of the millrace turns the wheel of the mill. Bread is baked.")
            ])

        @Test(arguments: names) func anAnswer_comesInPieces_andSaysHowItEnded(name: String) async throws {
            try await with(name) { model in
                var (text, pieces, usage) = ("", 0, Usage?.none)
                let response = try await model.generate(Self.request) { event in
                    switch event {
                    case .text(let piece):
                        text += piece
                        pieces += 1
                    case .usage(let reported): usage = reported
                    default: break
                    }
                }
                #expect(text.contains("wheel") || name == "scripted")
                #expect(pieces > 1 || name == "custom-json")
                #expect(response.stopReason == .endTurn)
                #expect(!response.modelID.isEmpty)
                #expect(response.usage.promptTokens ?? 0 > 0 && response.usage.completionTokens ?? 0 > 0)
                // What was reported on the way is what counts for a call that does not come to its end.
                #expect(usage?.promptTokens == response.usage.promptTokens)
                var again = ""
                _ = try await model.generate(Self.request) { if case .text(let piece) = $0 { again += piece } }
                #expect(again == text)
            }
        }

        @Test(arguments: names) func aReceiverThatThrows_endsTheCallWithItsError(name: String) async throws {
            struct Enough: Error {}
            try await with(name) { model in
                var pieces = 0
                await #expect(throws: Enough.self) {
                    _ = try await model.generate(Self.request) { event in
                        guard case .text = event else { return }
                        pieces += 1
                        throw Enough()
                    }
                }
                #expect(pieces == 1)
            }
        }

        @Test(arguments: names, [false, true]) func aCancelledTask_endsTheCall(name: String, before: Bool) async throws {
            try await with(name) { model in
                var pieces = 0
                await #expect(throws: CancellationError.self) {
                    if before { withUnsafeCurrentTask { $0?.cancel() } }
                    _ = try await model.generate(Self.request) { event in
                        guard case .text = event else { return }
                        pieces += 1
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                    // An answer of one piece has come to its end with it.
                    try Task.checkCancellation()
                }
                #expect(pieces <= (before ? 0 : 1))
            }
        }
    }
}
