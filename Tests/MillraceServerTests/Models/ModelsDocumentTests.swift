import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

/// `Docs/models.md` and `examples/models` say what is so.
@Suite struct ModelsDocumentTests {
    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
    private static let keys = ["OPENAI_API_KEY": "k1", "ANTHROPIC_API_KEY": "k2", "OPENROUTER_API_KEY": "k3"]

    private static func read(_ path: String) throws -> String {
        String(decoding: try BoundedFile.read("\(root)/\(path)", limit: 1 << 20), as: UTF8.self)
    }

    /// The example, read where `house.key` is.
    private func example(_ environment: [String: String], key: String? = "k4\n") -> SettingsReport {
        let directory = TemporaryDirectory()
        if let key { directory.write("house.key", key) }
        return SettingsLoader.inspect(
            SettingsSources(
                flags: ["config": "\(Self.root)/examples/models/config.yaml"], environment: environment, directory: directory.path))
    }

    private func registry(_ settings: ServerSettings) throws -> LanguageModelRegistry {
        let local = ScriptedLanguageModel(id: "local", [.text("local")])
        var assembly = try ModelAssembly(
            settings: settings, existing: [local], transport: CannedTransport([:]), logger: .silent,
            blocking: try BlockingExecutor(name: "example", threads: 1))
        _ = try assembly.embedders()
        return try assembly.registry(local: local)
    }

    @Test func example_isReadAndMade_withoutFindings() throws {
        let report = example(Self.keys)
        #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
        let registry = try registry(report.settings)
        #expect(registry.ids == ["auto", "claude", "gpt", "house", "local", "main", "router", "small"])
        #expect(registry.unavailable.isEmpty)
        #expect(registry.defaultModel.id == "main")
        #expect(try registry.model(nil, task: "chat").id == "auto")
    }

    @Test func exampleWithoutAnyKey_startsAllTheSame() throws {
        let report = example([:], key: nil)
        #expect(report.problems.isEmpty)
        let registry = try registry(report.settings)
        #expect(registry.unavailable.keys.sorted() == ["claude", "gpt", "house", "router"])
        #expect(registry.defaultModel.id == "main")
    }

    @Test func sectionsOfTheExample_recordAndReplay() throws {
        func server(_ section: String) throws -> ModelServerSettings {
            let report = example(["MILLRACE_ENV": section])
            #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
            return try #require(report.settings.models.first { $0.id == "gpt" }?.kind.server)
        }
        #expect(try server("dev").recordDirectory?.hasSuffix("/recordings/gpt") == true)
        #expect(try server("test").replayDirectory?.hasSuffix("/recordings/gpt") == true)
    }

    @Test func modelInTheDocument_isTheOneThatIsCompiled() throws {
        let document = try Self.read("Docs/models.md")
        let source = try Self.read("Tests/MillraceServerTests/Models/StoryModel.swift")
        let start = try #require(source.firstRange(of: "struct StoryModel"))
        let end = try #require(source.firstRange(of: "\nfunc storyServer"))
        #expect(document.contains(source[start.lowerBound..<end.lowerBound]))
        for line in [
            "let stories = try CustomLanguageModel(StoryModel(key: Credential(key)))",
            "let server = try Server(settings: ServerSettings(), models: [stories])",
        ] {
            #expect(document.contains(line) && source.contains(line))
        }
    }

    @Test func modelInTheDocument_readsAnAnswer() async throws {
        let model = StoryModel(key: Credential("k"))
        #expect(try model.events(in: ["words": "Once"]) == [.text("Once")])
        #expect(try model.events(in: ["count": 3]) == [.usage(Usage(completionTokens: 3))])
        #expect(try model.stopReason(in: ["the_end": true]) == .endTurn)
        let request = ModelRequest(turns: [.init(role: .user, parts: [.text("Tell")])])
        #expect(try model.body(for: request) == ["text": "Tell", "length": 500])
        #expect(try CustomLanguageModel(model).id == "stories")
    }

    /// Every YAML block is a configuration without findings.
    @Test func configurationInTheDocument_isRight() throws {
        var rest = try Self.read("Docs/models.md")[...]
        var count = 0
        while let start = rest.firstRange(of: "```yaml\n") {
            rest = rest[start.upperBound...]
            let end = try #require(rest.firstRange(of: "```"))
            let report = inspect(yaml: String(rest[..<end.lowerBound]), environment: Self.keys)
            #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
            rest = rest[end.upperBound...]
            count += 1
        }
        #expect(count >= 5)
    }

    /// Every key that the reader asks for stands in a table of the document.
    @Test func everyKey_isInTheDocument() throws {
        let document = try Self.read("Docs/models.md")
        let server = [
            "url", "apiKey", "headers", "connectTimeoutSeconds", "firstByteTimeoutSeconds", "idleTimeoutSeconds", "record", "replay",
            "model", "price",
        ]
        let openAI = [
            "maxTokensField", "seesImages", "includesUsage", "strictOutput", "reasoningReplay", "organization", "project", "extra",
        ]
        let anthropic = [
            "maxTokens", "thinking", "thinkingTokens", "showsReasoning", "effort", "structuredOutput", "promptCaching",
            "reasoningHistory", "citesDocuments", "betas",
        ]
        let custom = [
            "method", "body", "response", "format", "text", "promptTokens", "completionTokens", "cachedPromptTokens", "stopReason",
            "stopReasons", "doneMarker", "completeWhen", "error",
        ]
        let compositions = ["models", "rules", "otherwise", "tools", "images", "documents", "outputSchema", "tokensOver"]
        let embedder = [
            "dimensions", "sendsDimensions", "encoding", "batchCount", "batchCharacters", "documentPrefix", "queryPrefix",
            "pricePerMillionTokens",
        ]
        let bedrock = [
            "region", "profile", "streaming", "topP", "readsDocuments", "guardrail", "identifier", "version", "trace",
            "streamProcessingMode", "checksLastTurnOnly", "additionalModelRequestFields", "additionalModelResponseFieldPaths", "latency",
            "serviceTier", "requestMetadata", "family", "normalizes", "truncation", "concurrency",
        ]
        let settings = SettingTable.all.compactMap(\.key).filter { $0.hasPrefix("http.") || $0.hasPrefix("tokens.") }
        for key in server + openAI + anthropic + custom + compositions + embedder + bedrock + settings {
            #expect(document.contains("| `\(key)`"), "\(key) has no row")
        }
    }
}
