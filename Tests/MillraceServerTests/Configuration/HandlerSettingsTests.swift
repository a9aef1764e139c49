import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct HandlerSettingsTests {
    /// One field of every kind.
    private struct ReportSettings: HandlerSettings, Equatable {
        enum Tone: String, CaseIterable { case dry, friendly }

        var maxDocumentSizeMb = 10
        var threshold = 0.5
        var timeoutSeconds = 300.0
        var isStrict = false
        var title = "Report"
        var footer: String?
        var tone = Tone.dry
        var formats = ["pdf", "txt"]
        var tags: [String] = []
        var apiKeySecretName: String?

        static let group = "contractAnalysisConfig"
        static let fields: [SettingField<Self>] = [
            .integer("maxDocumentSizeMb", \.maxDocumentSizeMb, in: 1...1024, "the largest document, in MB"),
            .number("threshold", \.threshold, in: -1...1, "the least similarity"),
            .seconds("timeoutSeconds", \.timeoutSeconds, in: 1...3600, "how long an analysis may take"),
            .flag("isStrict", \.isStrict, "whether doubts are errors"),
            .text("title", \.title, "what stands above"),
            .text("footer", \.footer, "what stands below"),
            .choice("tone", \.tone, "how it sounds"),
            .list("formats", \.formats, of: ["pdf", "txt", "docx"], "what is read"),
            .list("tags", \.tags, "what it is filed under"),
            .secretName("apiKeySecretName", \.apiKeySecretName, "the key of the service"),
        ]

        func problems() -> [String] {
            isStrict && formats.isEmpty ? ["isStrict needs formats: name one, or set isStrict to false"] : []
        }
    }

    private func load(yaml: String? = nil, dotEnv: String? = nil, environment: [String: String] = [:]) -> SettingsReport {
        inspect(yaml: yaml, dotEnv: dotEnv, environment: environment, handlers: [ReportSettings.self])
    }

    @Test(arguments: [
        ("maxDocumentSizeMb", "MAX_DOCUMENT_SIZE_MB"), ("ragOss", "RAG_OSS"), ("useAPIKey", "USE_API_KEY"), ("s3Bucket", "S3_BUCKET"),
        ("top5Hits", "TOP5_HITS"), ("k", "K"), ("URL", "URL"),
    ])
    func variable_isMadeOfTheKeysWords(key: String, variable: String) {
        #expect(HandlerSettingsGroup.words(key) == variable)
    }

    @Test func nothingGiven_isTheDefaults() {
        #expect(load().settings.handler(ReportSettings.self) == ReportSettings())
    }

    @Test func everyKind_isReadFromTheFile() {
        let report = load(
            yaml: """
                contractAnalysisConfig:
                  maxDocumentSizeMb: 20
                  threshold: -0.25
                  timeoutSeconds: 1.5
                  isStrict: true
                  title: "7"
                  footer: end
                  tone: friendly
                  formats: [docx]
                  tags: [a, b]
                  apiKeySecretName: app/services#key
                """)
        #expect(report.problems.isEmpty && report.warnings.isEmpty)
        var expected = ReportSettings()
        expected.maxDocumentSizeMb = 20
        expected.threshold = -0.25
        expected.timeoutSeconds = 1.5
        expected.isStrict = true
        expected.title = "7"
        expected.footer = "end"
        expected.tone = .friendly
        expected.formats = ["docx"]
        expected.tags = ["a", "b"]
        expected.apiKeySecretName = "app/services#key"
        #expect(report.settings.handler(ReportSettings.self) == expected)
        #expect(report.origins["contractAnalysisConfig.tone"] == .file(path: "config.yaml", line: 8))
    }

    @Test func everySource_isBeatenByTheOneBeforeIt() {
        func size(_ report: SettingsReport) -> Int { report.settings.handler(ReportSettings.self).maxDocumentSizeMb }
        let yaml = """
            base: {contractAnalysisConfig: {maxDocumentSizeMb: 1, title: base}}
            dev: {contractAnalysisConfig: {maxDocumentSizeMb: 2}}
            """
        let name = "CONTRACT_ANALYSIS_MAX_DOCUMENT_SIZE_MB"
        #expect(size(load(yaml: yaml)) == 1)
        let dev = load(yaml: yaml, environment: ["MILLRACE_ENV": "dev"])
        #expect(size(dev) == 2)
        #expect(dev.settings.handler(ReportSettings.self).title == "base")
        #expect(size(load(yaml: yaml, dotEnv: "\(name)=3")) == 3)
        let all = load(yaml: yaml, dotEnv: "\(name)=3", environment: [name: "4", "MILLRACE_ENV": "dev"])
        #expect(size(all) == 4)
        #expect(all.origins["contractAnalysisConfig.maxDocumentSizeMb"] == .environment(name))
        #expect(all.problems.isEmpty && all.warnings.isEmpty)
        #expect(load(dotEnv: "CONTRACT_ANALYSIS_FORMATS=txt, pdf").settings.handler(ReportSettings.self).formats == ["txt", "pdf"])
    }

    @Test func everyProblem_isReportedAtOnceWithItsPlace() {
        let report = load(
            yaml: """
                contractAnalysisConfig:
                  maxDocumentSizeMb: 0
                  threshold: much
                  timeoutSeconds: "5"
                  isStrict: maybe
                  title: ""
                  tone: dri
                  formats: [pdf, docs]
                  apiKeySecretName: not a name
                """, dotEnv: "CONTRACT_ANALYSIS_TAGS=ok\nCONTRACT_ANALYSIS_TITLE=\n",
            environment: ["CONTRACT_ANALYSIS_THRESHOLD": "2"])
        #expect(
            report.problems.map(\.description) == [
                "environment variable CONTRACT_ANALYSIS_THRESHOLD: contractAnalysisConfig.threshold: expected a number from -1 to 1, found '2'",
                "config.yaml, line 2: contractAnalysisConfig.maxDocumentSizeMb: expected a whole number from 1 to 1024, found '0'",
                "config.yaml, line 3: contractAnalysisConfig.threshold: expected a number from -1 to 1, found 'much'",
                "config.yaml, line 4: contractAnalysisConfig.timeoutSeconds: expected a number of seconds from 1 to 3600 without quotes, found '5'",
                "config.yaml, line 5: contractAnalysisConfig.isStrict: expected true or false, found 'maybe'",
                "config.yaml, line 6: contractAnalysisConfig.title: expected text that is not empty, found ''",
                "config.yaml, line 7: contractAnalysisConfig.tone: expected dry or friendly (did you mean dry?), found 'dri'",
                "config.yaml, line 8: contractAnalysisConfig.formats: expected a list of pdf, txt, docx (did you mean docx?), found a list",
                "config.yaml, line 9: contractAnalysisConfig.apiKeySecretName: expected the name of a secret, such as app/api-key or "
                    + "app/services#apiKey, found a value that is not shown",
            ])
        #expect(report.settings.handler(ReportSettings.self).tags == ["ok"])
    }

    @Test func severalTogether_areCheckedByTheSettings() {
        let report = load(yaml: "contractAnalysisConfig:\n  isStrict: true\n  formats: []\n")
        #expect(
            report.problems.map(\.description) == [
                "config.yaml, line 3: contractAnalysisConfig: isStrict needs formats: name one, or set isStrict to false"
            ])
    }

    @Test func unknownNames_warnWithASuggestion() {
        let report = load(
            yaml: "contractAnalysisConfig:\n  maxDocumentSizeMB: 3\ncontractAnalisisConfig: {}\nsomebodyElsesConfig: {x: 1}\n",
            dotEnv: "CONTRACT_ANALYSIS_OTHER=1\n", environment: ["CONTRACT_ANALYSIS_TITEL": "x", "CONTRACT_ANALYSIS_HOME": "/"])
        #expect(report.problems.isEmpty)
        #expect(
            report.warnings.map(\.description) == [
                "environment variable CONTRACT_ANALYSIS_TITEL: CONTRACT_ANALYSIS_TITEL: unknown variable: did you mean "
                    + "'CONTRACT_ANALYSIS_TITLE'?",
                ".env, line 1: CONTRACT_ANALYSIS_OTHER: unknown variable",
                "config.yaml, line 2: contractAnalysisConfig.maxDocumentSizeMB: unknown key: did you mean "
                    + "'contractAnalysisConfig.maxDocumentSizeMb'?",
                "config.yaml, line 3: contractAnalisisConfig: unknown key: did you mean 'contractAnalysisConfig'?",
            ])
    }

    @Test func groupThatIsNone_isAProblem() {
        #expect(
            load(yaml: "contractAnalysisConfig: 3").problems.map(\.description) == [
                "config.yaml, line 1: contractAnalysisConfig: expected a group of keys, found '3'"
            ])
        #expect(load(yaml: "contractAnalysisConfig:\n").problems.isEmpty)
    }

    @Test func entries_sayValueAndOrigin_withSecretsMasked() {
        let group = HandlerSettingsGroup(ReportSettings.self)
        let report = load(
            yaml: "contractAnalysisConfig: {maxDocumentSizeMb: 3, apiKeySecretName: app/key}\notherConfig: {apiKey: hunter2}\n",
            environment: ["MILLRACE_PORT": "9"])
        let entries = SettingEntry.all(report, handlers: [group])
        func line(_ key: String) -> String? { entries.first { $0.key == key }.map { "\($0.value) (\($0.origin))" } }
        #expect(line("server.port") == "9 (environment variable MILLRACE_PORT)")
        #expect(line("server.host") == "127.0.0.1 (default)")
        #expect(line("contractAnalysisConfig.maxDocumentSizeMb") == "3 (config.yaml, line 1)")
        #expect(line("contractAnalysisConfig.footer") == "(not set) (default)")
        #expect(line("contractAnalysisConfig.apiKeySecretName") == "app/key (config.yaml, line 1)")
        #expect(line("otherConfig") == "{\"apiKey\":\"********\"} (config.yaml, line 2)")
    }

    @Test func groupThatNobodyReads_isRefusedToItsHandler() throws {
        var settings = ServerSettings()
        settings.dataDirectory = ":memory:"
        settings.handlerConfiguration = ["contractAnalysisConfig": ["maxDocumentSizeMb": 3]]
        #expect(throws: MillraceError.self) {
            _ = try Server(settings: settings, logger: .silent) { _, clients in _ = try clients.settings(ReportSettings.self) }
        }
        settings.declaredHandlerGroups = ["contractAnalysisConfig"]
        var given = ReportSettings()
        given.title = "given"
        settings.set(given)
        var live: LiveSettings<ReportSettings>?
        let server = try Server(settings: settings, logger: .silent) { _, clients in live = try clients.settings(ReportSettings.self) }
        #expect(live?.current == given)
        server.board.replace([:])
        #expect(live?.current == ReportSettings())
    }

    @Test func exampleEnvironment_namesBothSpellings() {
        #expect(
            SettingTable.exampleEnvironment.contains(
                """
                # In config.yaml: chatConfig.historyCharacters
                #CHAT_HISTORY_CHARACTERS=200000

                """))
    }
}
