import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

/// The settings of AWS and of what lies behind the seams.
@Suite struct BackendSettingsTests {
    private static let groups = ["aws.", "objects.", "content.", "search.", "cache.", "secrets.", "documents.", "ingestion."]
    private static let table = SettingTable.all.filter { setting in groups.contains { setting.name.hasPrefix($0) } }

    private static func setting(_ name: String) throws -> SettingDescriptor { try #require(table.first { $0.name == name }) }

    /// Values that are right, at the edges of what is.
    private static func right(_ setting: SettingDescriptor) -> [String] {
        switch setting.kind {
        case .integer(let range): [String(range.lowerBound), String(range.upperBound)]
        case .number(let range), .seconds(let range): [SettingKind.number(range.lowerBound), SettingKind.number(range.upperBound)]
        case .bool: ["true", "false"]
        case .choice(let names), .choices(let names): names
        case .text, .list:
            if setting.name == "cache.url" {
                ["redis://127.0.0.1:6379/2", "redis://[::1]", "unix:///run/redis/redis.sock", "unix:///x?db=3"]
            } else if setting.name.lowercased().hasSuffix("url") || setting.name.lowercased().hasSuffix("endpoint") {
                ["http://127.0.0.1:9", "https://search-x.eu-central-1.es.amazonaws.com"]
            } else if setting.name.hasSuffix("password") {
                ["env:NAME", "file:/run/secrets/x", "secret:a/b", "secret:a#b"]
            } else {
                ["sample", "a/b.c-d_e"]
            }
        }
    }

    private static func wrong(_ setting: SettingDescriptor) -> [String] {
        switch setting.kind {
        case .integer(let range):
            (range.lowerBound > 0 ? [String(range.lowerBound - 1)] : ["-1"]) + [String(range.upperBound + 1), "1.5", "x"]
        case .number(let range), .seconds(let range): ["-1", SettingKind.number(range.upperBound + 1), "soon"]
        case .bool: ["maybe"]
        case .choice, .choices: ["nonsense"]
        case .text, .list:
            if setting.name == "cache.url" {
                ["redis://", "http://127.0.0.1", "unix:relative", "redis://h:0", "redis://h/x", "rediss://h", "redis://me:geheim@h"]
            } else if setting.name.lowercased().hasSuffix("url") || setting.name.lowercased().hasSuffix("endpoint") {
                ["127.0.0.1:9", "ftp://h", "http://", "http://me:geheim@h", "https://h/?x=1", "https://h h"]
            } else if setting.name.hasSuffix("password") {
                ["geheim", "env:", "env:1", "secret:", "secret:a b", "secret:a#"]
            } else {
                []
            }
        }
    }

    private static func yaml(_ setting: SettingDescriptor, _ value: String) -> String {
        let parts = (setting.key ?? "").split(separator: ".")
        let text = setting.kind == .text || setting.kind == .list ? "'\(value)'" : value
        return "# The second line.\n\(parts[0]):\n  \(parts[1]): \(text)\n"
    }

    @Test func table_holdsEveryGroup() {
        for group in Self.groups { #expect(Self.table.contains { $0.name.hasPrefix(group) }) }
        #expect(Self.table.count > 45)
    }

    @Test(arguments: table.map(\.name)) func value_isTheSameFromTheFileAndTheEnvironment(name: String) throws {
        let setting = try Self.setting(name)
        for value in Self.right(setting) {
            let environment = inspect(environment: [setting.environmentName: value])
            #expect(environment.problems.isEmpty && environment.warnings.isEmpty, "\(value): \(environment.problems)")
            #expect(setting.text(environment.settings) == value)
            let file = inspect(yaml: Self.yaml(setting, value))
            #expect(file.problems.isEmpty && file.warnings.isEmpty, "\(value): \(file.problems)")
            #expect(setting.text(file.settings) == value)
            #expect(file.settings == environment.settings)
        }
    }

    @Test(arguments: table.map(\.name)) func wrongValue_isNamedWithItsFileAndLine_andTheDefaultStays(name: String) throws {
        let setting = try Self.setting(name)
        for value in Self.wrong(setting) {
            let file = inspect(yaml: Self.yaml(setting, value))
            #expect(file.problems.count == 1, "\(value)")
            let text = file.problems.first?.description ?? ""
            #expect(text.hasPrefix("config.yaml, line 3: \(name): expected "), "\(text)")
            #expect(!text.contains("expected expected") && !text.contains("geheim"), "\(text)")
            #expect(setting.text(file.settings) == setting.text(ServerSettings()))
            let environment = inspect(environment: [setting.environmentName: value])
            #expect(environment.problems.count == 1, "\(value)")
            let found = environment.problems.first?.description ?? ""
            #expect(found.hasPrefix("environment variable \(setting.environmentName): \(name): expected "), "\(found)")
            #expect(!found.contains("geheim"), "\(found)")
        }
    }

    /// AWS's own variables are not Millrace's, and come from `.env` too; nothing prints their values.
    @Test func variablesOfAWS_areTakenFromTheEnvironmentBeforeDotEnv() {
        let report = inspect(
            dotEnv: "AWS_ACCESS_KEY_ID=from-file\nAWS_SECRET_ACCESS_KEY=geheim\nOTHER=1\n",
            environment: ["AWS_ACCESS_KEY_ID": "from-environment", "AWS_REGION": "", "HOME": "/h"])
        #expect(report.problems.isEmpty && report.warnings.isEmpty)
        let values = report.settings.aws.variables.values
        #expect(values["AWS_ACCESS_KEY_ID"] == "from-environment" && values["AWS_SECRET_ACCESS_KEY"] == "geheim")
        // References such as env:OTHER in the settings are looked up there, too.
        #expect(values["OTHER"] == "1" && values["HOME"] == "/h")
        var shown = report.settings.description
        dump(report.settings, to: &shown)
        #expect(!shown.contains("geheim"))
    }

    // MARK: Bedrock

    private static let everyOption = """
        aws: {region: us-east-1}
        models:
          main:
            type: bedrock
            model: eu.anthropic.claude-x
            region: eu-central-1
            profile: team
            url: https://vpce.example.com
            streaming: false
            maxTokens: 10000000
            topP: 1
            thinkingTokens: 1024
            effort: high
            structuredOutput: forced_tool
            promptCaching: 1h
            reasoningHistory: all
            citesDocuments: false
            seesImages: false
            readsDocuments: false
            guardrail: {identifier: g1, version: DRAFT, trace: enabled_full, streamProcessingMode: async, checksLastTurnOnly: true}
            additionalModelRequestFields: {top_k: 5}
            additionalModelResponseFieldPaths: [/stop_sequence]
            latency: optimized
            serviceTier: flex
            requestMetadata: {team: mill}
            price: {prompt: 3, completion: 15}
        embedders:
          words:
            type: bedrock
            model: amazon.titan-embed-text-v2:0
            dimensions: 256
            normalizes: false
            truncation: start
            concurrency: 64
        """

    @Test func everyOptionOfBedrock_isRead() throws {
        let report = inspect(yaml: Self.everyOption)
        #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
        guard case .bedrock(let server, let model, let options) = try #require(report.settings.models.first).kind else {
            Issue.record("no model on Bedrock")
            return
        }
        #expect(model == "eu.anthropic.claude-x" && server.region == "eu-central-1" && server.profile == "team")
        #expect(server.server.url == "https://vpce.example.com")
        var expected = BedrockOptions()
        expected.streaming = false
        expected.defaultMaxTokens = 10_000_000
        expected.topP = 1
        expected.thinking = .budget(tokens: 1024)
        expected.effort = "high"
        expected.structuredOutput = .forcedTool
        expected.promptCaching = .oneHour
        expected.reasoningHistory = .all
        expected.citesDocuments = false
        expected.seesImages = false
        expected.readsDocuments = false
        var guardrail = BedrockOptions.Guardrail(identifier: "g1", version: "DRAFT")
        guardrail.trace = .enabledFull
        guardrail.streamProcessingMode = .async
        guardrail.checksLastTurnOnly = true
        expected.guardrail = guardrail
        expected.additionalModelRequestFields = ["top_k": 5]
        expected.additionalModelResponseFieldPaths = ["/stop_sequence"]
        expected.latency = .optimized
        expected.serviceTier = "flex"
        expected.requestMetadata = ["team": "mill"]
        #expect(options == expected)
        guard case .bedrock(_, let embedding) = try #require(report.settings.embedders.first).kind else {
            Issue.record("no embedder on Bedrock")
            return
        }
        var words = BedrockEmbedderOptions()
        words.dimensions = 256
        words.normalizes = false
        words.truncation = .start
        words.concurrency = 64
        #expect(embedding == words)
    }

    @Test(arguments: [
        ("maxTokens: 10000000", "maxTokens: 0", "maxTokens"), ("topP: 1", "topP: 1.1", "topP"),
        ("thinkingTokens: 1024", "thinkingTokens: 1023", "thinkingTokens"), ("effort: high", "thinking: adaptive", "thinkingTokens"),
        ("promptCaching: 1h", "promptCaching: 2h", "promptCaching"), ("version: DRAFT, ", "", "guardrail: needs 'version'"),
        ("trace: enabled_full", "trace: all", "guardrail.trace"), ("latency: optimized", "latency: low", "latency"),
        ("url: https://vpce.example.com", "url: vpce", "url"), ("concurrency: 64", "concurrency: 65", "concurrency"),
        ("dimensions: 256", "dimensions: 0", "dimensions"), ("truncation: start", "truncation: middle", "truncation"),
        ("profile: team", "profile: team\n    apiKey: env:KEY", "apiKey"),
        ("additionalModelRequestFields: {top_k: 5}", "additionalModelRequestFields: [5]", "additionalModelRequestFields"),
    ])
    func wrongOptionOfBedrock_isNamedWithItsLine(right: String, wrong: String, key: String) throws {
        let yaml = Self.everyOption.replacing(right, with: wrong)
        #expect(yaml != Self.everyOption)
        let report = inspect(yaml: yaml, environment: ["KEY": "geheim"])
        #expect(report.problems.count == 1, "\(report.problems)")
        let text = report.problems.first?.description ?? ""
        #expect(text.hasPrefix("config.yaml, line ") && text.contains(key), "\(text)")
        #expect(!text.contains("geheim"))
    }
}
