import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct ExampleEnvironmentTests {
    @Test func repositoryFile_isTheGeneratedText() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let text = String(decoding: try BoundedFile.read(root + "/.env.example", limit: 1 << 20), as: UTF8.self)
        #expect(text == SettingTable.exampleEnvironment, "regenerate it: swift run millrace env-example > .env.example")
    }

    @Test func uncommentedExample_givesTheDefaults() {
        let text = SettingTable.exampleEnvironment.split(separator: "\n").map { $0.hasPrefix("#MILLRACE") ? $0.dropFirst() : $0 }
        let directory = TemporaryDirectory()
        directory.write(".env", text.joined(separator: "\n"))
        let report = SettingsLoader.inspect(SettingsSources(directory: directory.path))
        #expect(report.problems.isEmpty)
        #expect(report.warnings.isEmpty)
        #expect(report.settings == ServerSettings())
        #expect(report.origins.count > 30)
    }
}
