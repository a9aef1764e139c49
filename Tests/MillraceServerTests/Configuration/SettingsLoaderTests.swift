import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct SettingsLoaderTests {
    @Test func noSources_giveTheDefaults() {
        let report = inspect()
        #expect(report.settings == ServerSettings())
        #expect(report.origins.isEmpty && report.problems.isEmpty && report.warnings.isEmpty && report.files.isEmpty)
        #expect(report.settings.port == 8000)
    }

    @Test func everySource_isBeatenByTheOneBeforeIt() {
        let yaml = "env: dev\nserver: {port: 1}\ndev:\n  server: {port: 2}\n"
        #expect(inspect(yaml: "server: {port: 1}").settings.port == 1)
        #expect(inspect(yaml: yaml).settings.port == 2)
        #expect(inspect(yaml: yaml, dotEnv: "MILLRACE_PORT=3").settings.port == 3)
        #expect(inspect(yaml: yaml, dotEnv: "MILLRACE_PORT=3", environment: ["MILLRACE_PORT": "4"]).settings.port == 4)
        let all = inspect(yaml: yaml, dotEnv: "MILLRACE_PORT=3", environment: ["MILLRACE_PORT": "4"], flags: ["port": "5"])
        #expect(all.settings.port == 5)
        #expect(all.origins["server.port"] == .flag("port"))
        #expect(all.problems.isEmpty)
    }

    @Test func emptyVariable_countsAsNotSet() {
        #expect(inspect(dotEnv: "MILLRACE_PORT=3", environment: ["MILLRACE_PORT": ""]).settings.port == 3)
    }

    @Test func environmentSection_isChosenByFlagVariableOrFile() {
        let yaml = """
            env: dev
            base:
              limits: {bodyBytes: 1, headerCount: 2}
              writerConfig: {model: a, depth: {x: 1, y: 2}}
            dev: {limits: {bodyBytes: 10}}
            prod:
              limits: {bodyBytes: 100}
              writerConfig: {depth: {x: 9}}
            canary: {limits: {bodyBytes: 1000}}
            """
        #expect(inspect(yaml: yaml).settings.limits.bodyBytes == 10)
        #expect(inspect(yaml: yaml, flags: ["env": "canary"]).settings.limits.bodyBytes == 1000)
        let prod = inspect(yaml: yaml, environment: ["MILLRACE_ENV": "prod"])
        #expect(prod.settings.limits.bodyBytes == 100)
        #expect(prod.settings.limits.headerCount == 2)
        #expect(prod.settings.environment == "prod")
        #expect(prod.settings.handlerConfiguration == ["writerConfig": ["model": "a", "depth": ["x": 9, "y": 2]]])
        #expect(prod.warnings.isEmpty)
        let slip = inspect(yaml: yaml, flags: ["env": "canari"])
        #expect(slip.problems.map(\.description) == ["config.yaml, line 1: env: no section is named 'canari': did you mean 'canary'?"])
    }

    @Test func everyProblem_isReportedAtOnceWithItsPlace() {
        let report = inspect(
            yaml: "server:\n  port: eighty\n  host: [a]\nlimits:\n  headerCount: 0\n  bodyBytes: \"5\"\nruns: 3\n",
            dotEnv: "\nMILLRACE_LOOPS=-1\nnonsense\n", environment: ["MILLRACE_LOG_LEVEL": "inf"], flags: ["log-format": "xml"])
        #expect(
            report.problems.map(\.description) == [
                ".env, line 3: expected NAME=VALUE",
                ".env, line 2: server.loops: expected a whole number from 0 to 1024, found '-1'",
                "environment variable MILLRACE_LOG_LEVEL: log.level: expected one of debug, info, warning, error (did you mean info?), found 'inf'",
                "flag --log-format: log.format: expected text or json, found 'xml'",
                "config.yaml, line 7: runs: expected a group of keys, found '3'",
                "config.yaml, line 3: server.host: expected text, found a list",
                "config.yaml, line 2: server.port: expected a whole number from 0 to 65535, found 'eighty'",
                "config.yaml, line 5: limits.headerCount: expected a whole number from 1 to 10000, found '0'",
                "config.yaml, line 6: limits.bodyBytes: expected a whole number from 0 to 1099511627776 without quotes, found '5'",
            ])
    }

    @Test func overriddenWrongValue_isStillAProblem() {
        #expect(inspect(yaml: "server: {port: x}", flags: ["port": "1"]).problems.count == 1)
    }

    @Test func unknownNames_warnWithASuggestion() {
        let report = inspect(
            yaml: "servr: {port: 1}\nserver: {prot: 1}\nprod: {server: {hots: a}}\nzebraStripes: 1\n", dotEnv: "MILLRACE_PROT=1\nOTHER=1\n",
            environment: ["MILLRACE_LOPS": "1", "PATH": "/bin"])
        #expect(report.problems.isEmpty)
        #expect(
            report.warnings.map(\.description) == [
                "environment variable MILLRACE_LOPS: MILLRACE_LOPS: unknown variable: did you mean 'MILLRACE_LOOPS'?",
                ".env, line 1: MILLRACE_PROT: unknown variable: did you mean 'MILLRACE_PORT'?",
                "config.yaml, line 1: servr: unknown key: did you mean 'server'?",
                "config.yaml, line 2: server.prot: unknown key: did you mean 'server.port'?",
                "config.yaml, line 3: server.hots: unknown key: did you mean 'server.host'?",
                "config.yaml, line 4: zebraStripes: unknown key",
            ])
    }

    @Test func sameKeyInBaseAndTopLevel_isAProblem() {
        let report = inspect(yaml: "server: {port: 1}\nbase:\n  server: {port: 2}\n")
        #expect(report.problems.map(\.description) == ["config.yaml, line 3: server.port: already given in line 1: keep one of them"])
    }

    @Test(arguments: [("0.0.0.0", false, 1), ("0.0.0.0", true, 0), ("127.0.0.9", false, 0), ("::1", false, 0), ("::", false, 1)])
    func address_beyondLoopbackNeedsConsent(host: String, consent: Bool, problems: Int) {
        var flags = ["host": host]
        if consent { flags["allow-unauthenticated"] = "true" }
        #expect(inspect(flags: flags).problems.count == problems)
    }

    @Test func lists_comeFromSequencesAndCommas() {
        #expect(inspect(yaml: "server: {allowedHosts: [a.example, b.example]}").settings.allowedHosts == ["a.example", "b.example"])
        #expect(inspect(environment: ["MILLRACE_ALLOWED_HOSTS": "a, b,"]).settings.allowedHosts == ["a", "b"])
        #expect(inspect(environment: ["MILLRACE_CORS_ALLOWED_ORIGINS": "https://a.example/x"]).problems.count == 1)
    }

    @Test func missingNamedFile_isAProblem() {
        let report = inspect(flags: ["config": "absent.yaml"])
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.origin == .flag("config"))
    }

    @Test(arguments: SettingTable.all.map(\.name))
    func everySetting_writesWhatItReads(name: String) throws {
        let setting = try #require(SettingTable.all.first { $0.name == name })
        var settings = ServerSettings()
        let sample: SettingValue =
            switch setting.kind {
            case .text: .text("sample")
            case .integer(let range): .integer(range.upperBound - 1)
            case .number(let range): .number(range.upperBound / 2)
            case .seconds(let range): .seconds(range.upperBound / 2)
            case .bool: .bool(true)
            case .choice(let names): .text(names.last { $0 != setting.text(ServerSettings()) } ?? "")
            case .list: .list(["a", "b"])
            case .choices(let names): .list(names)
            }
        setting.write(&settings, sample)
        #expect(setting.read(settings) == sample)
        #expect(settings != ServerSettings())
        for other in SettingTable.all where other.name != name { #expect(other.read(settings) == other.read(ServerSettings())) }
        // The default itself must be a value that the table accepts.
        let text = setting.text(ServerSettings())
        if !text.isEmpty { #expect((try? setting.parse(text).get()) == setting.read(ServerSettings())) }
    }

    @Test func names_areUnique() {
        #expect(Set(SettingTable.all.map(\.environmentName)).count == SettingTable.all.count)
        #expect(Set(SettingTable.all.compactMap(\.key)).count == SettingTable.all.compactMap(\.key).count)
        #expect(Set(SettingTable.all.compactMap(\.flag)).count == SettingTable.all.compactMap(\.flag).count)
    }

    @Test func secrets_areMasked() {
        let secret = SettingDescriptor(
            key: "a.key", environmentName: "A", kind: .integer(0...9), documentation: "", isSecret: true, write: { _, _ in },
            read: { _ in .text("hunter2") })
        #expect(secret.display(ServerSettings()) == "********")
        #expect(!secret.quoted("hunter2").contains("hunter2"))
        var settings = ServerSettings()
        settings.handlerConfiguration = ["xConfig": ["apiKey": "hunter2", "maxTokens": 5, "inner": [["password": "hunter2"]]]]
        #expect(!settings.description.contains("hunter2"))
        #expect(settings.description.contains("\"maxTokens\":5"))
        #expect(settings.description.contains("server.port: 8000"))
    }
}
