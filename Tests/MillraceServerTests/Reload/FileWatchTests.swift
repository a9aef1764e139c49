import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct FileWatchTests {
    @Test func change_isSaidOnce_whenItHasStoodStill() {
        let directory = TemporaryDirectory()
        let path = directory.path + "/a"
        directory.write("a", "1")
        var watch = FileWatch([path: FileStamp(path)])
        func look() -> Bool { watch.look { FileStamp($0) } }
        #expect(!look() && !look())
        directory.write("a", "12")
        #expect(!look())
        // Somebody is still writing.
        directory.write("a", "123")
        #expect(!look())
        #expect(look())
        #expect(!look() && !look())
    }

    @Test func fileThatComesOrGoes_isAChange() {
        let directory = TemporaryDirectory()
        let path = directory.path + "/a"
        var watch = FileWatch([path: nil])
        func look() -> Bool { watch.look { FileStamp($0) } }
        directory.write("a", "1")
        #expect(!look())
        #expect(look())
        watch.know([path: nil])
        #expect(!look())
        #expect(look())
    }

    @Test func changeThatIsTakenBack_isNone() {
        var watch = FileWatch(["a": FileStamp("/")])
        #expect(!watch.look { _ in nil })
        #expect(!watch.look { _ in FileStamp("/") })
        #expect(!watch.look { _ in FileStamp("/") })
    }

    @Test func reload_namesWhatChanged_andKeepsTheOldWhereItIsWrong() throws {
        let directory = TemporaryDirectory()
        let sources = SettingsSources(directory: directory.path)
        directory.write("config.yaml", "chatConfig: {historyCharacters: 1}\nserver: {port: 1}\n")
        var reload = SettingsReload(try SettingsLoader.load(sources)) { try SettingsLoader.load(sources) }
        directory.write(
            "config.yaml", "chatConfig: {historyCharacters: 2}\nserver: {port: 2}\nmodels: {m: {type: fallback, models: [local]}}\n")
        guard case .changed(let handlers, let others) = reload.reload() else {
            Issue.record("refused")
            return
        }
        #expect(handlers == ["chatConfig.historyCharacters"])
        #expect(others == ["server.port", "models"])
        directory.write("config.yaml", "chatConfig: {historyCharacters: x}\n")
        guard case .failed(let problems) = reload.reload() else {
            Issue.record("taken")
            return
        }
        #expect(problems.count == 1)
        #expect(reload.report.settings.port == 2)
    }
}
