import MillraceCore
import MillraceServer
import Testing

@testable import MillraceCLI

@Suite struct ConfigCommandTests {
    private static let entries = [
        SettingEntry(key: "server.port", value: "9", origin: .file(path: "config.yaml", line: 3)),
        SettingEntry(key: "chatConfig.historyCharacters", value: "5", origin: .environment("CHAT_HISTORY_CHARACTERS")),
        SettingEntry(key: "log.level", value: "info", origin: .defaultValue),
    ]

    @Test func table_saysValueAndOrigin() {
        #expect(
            ConfigCommand.table(Self.entries, isJSON: false) == """
                server.port = 9  (config.yaml, line 3)
                chatConfig.historyCharacters = 5  (environment variable CHAT_HISTORY_CHARACTERS)
                log.level = info  (default)

                """)
    }

    @Test func json_isAnObjectALine() throws {
        let lines = ConfigCommand.table(Self.entries, isJSON: true).split(separator: "\n").map { String($0) }
        #expect(lines.count == 3)
        #expect(try JSONValue(parsing: lines[0]) == ["key": "server.port", "value": "9", "origin": "config.yaml, line 3"])
    }
}
