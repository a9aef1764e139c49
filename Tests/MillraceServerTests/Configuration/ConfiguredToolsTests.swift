import Millrace
import MillraceCore
import MillraceTaskHandlers
import Testing

@testable import MillraceServer

@Suite struct ConfiguredToolsTests {
    private static func settings(_ yaml: String, environment: [String: String] = [:]) throws -> ServerSettings {
        let directory = TemporaryDirectory()
        directory.write("config.yaml", yaml)
        var settings = try SettingsLoader.load(SettingsSources(environment: environment, directory: directory.path)).settings
        settings.dataDirectory = ":memory:"
        settings.port = 0
        return settings
    }

    @Test func millracesOwnTools_areRight_othersAreNot() throws {
        let names = BuiltInTools.names.joined(separator: ", ")
        #expect(ConfiguredTools.problems(try Self.settings("chatConfig: {tools: [\(names)]}\n")).isEmpty)
        #expect(ConfiguredTools.problems(try Self.settings("chatConfig: {historyCharacters: 1}\n")).isEmpty)
        let problems = ConfiguredTools.problems(
            try Self.settings("{}", environment: ["CHAT_TOOLS": "curent_time, calculate"]))
        #expect(
            problems == [
                ConfigurationProblem(
                    key: "chatConfig.tools", origin: .environment("CHAT_TOOLS"),
                    message: "there is no tool 'curent_time': did you mean 'current_time'?")
            ])
    }

    @Test func teamsTool_isRightWhereItIsRegistered() throws {
        let settings = try Self.settings("chatConfig: {tools: [weather]}\n")
        #expect(throws: ConfigurationError.self) { try Server(settings: settings, logger: .silent).stop() }
        let server = try Server(settings: settings, logger: .silent) { registry, _ in
            #expect(registry.tools.names == BuiltInTools.names.sorted())
            try registry.tools.register(Tool(name: "weather", description: "d", arguments: ["type": "object"]) { _, _ in "rain" })
        }
        server.stop()
    }

    @Test func reload_refusesAToolThatThereIsNot_andKeepsTheOld() throws {
        let directory = TemporaryDirectory()
        let sources = SettingsSources(directory: directory.path)
        directory.write("config.yaml", "chatConfig: {tools: [calculate]}\n")
        var reload = SettingsReload(try SettingsLoader.load(sources)) { try SettingsLoader.load(sources) }
        directory.write("config.yaml", "chatConfig: {tools: [calculat]}\n")
        guard case .failed(let problems) = reload.reload(check: { ConfiguredTools.problems($0) }) else {
            Issue.record("taken")
            return
        }
        #expect(problems.count == 1 && problems[0].contains("did you mean 'calculate'?"))
        #expect(reload.report.settings.handler(ChatSettings.self).tools == ["calculate"])
    }
}
