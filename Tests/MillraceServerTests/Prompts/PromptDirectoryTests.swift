import Glibc
import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct PromptDirectoryTests {
    private let directory = PromptFolderOnDisk()

    private func load(_ flags: [String: String] = [:]) -> SettingsReport {
        SettingsLoader.inspect(SettingsSources(flags: flags, directory: directory.path))
    }

    @Test func directoryBesideTheConfiguration_isReadWithTheSettings() {
        directory.write("config.yaml", "chatConfig: {historyCharacters: 9}\n")
        directory.write("prompts/chat/system.xml.j2", "one {{ persona }}\n")
        directory.write("prompts/rag/analysis/user.j2", "two")
        directory.write("prompts/rag/README.md", "{% not a template")
        directory.write("prompts/rag/.hidden.j2", "{% not a template")
        let report = load()
        #expect(report.problems.isEmpty && report.warnings.isEmpty)
        #expect(report.settings.promptFiles["chat"]?["system.xml.j2"]?.text == "one {{ persona }}\n")
        #expect(report.settings.promptFiles["rag"]?.keys.sorted() == ["analysis/user.j2"])
        #expect(report.settings.promptFiles["rag"]?["analysis/user.j2"]?.reference.name == "rag/analysis/user.j2")
        #expect(report.settings.promptFiles["rag"]?["analysis/user.j2"]?.reference.origin == .file)
        #expect(report.files.contains("\(directory.path)/prompts/chat/system.xml.j2"))
        #expect(report.stamps.keys.contains("\(directory.path)/prompts/rag/analysis"))
    }

    /// A setting names another one, from the file's directory on.
    @Test func setting_namesAnotherDirectory_whichMustBeThere() {
        directory.write("server/config.yaml", "prompts: {directory: texts}\n")
        directory.write("server/texts/chat/system.xml.j2", "one")
        directory.write("server/prompts/chat/system.xml.j2", "other")
        let report = load(["config": "server/config.yaml"])
        #expect(report.problems.isEmpty)
        #expect(report.settings.promptFiles["chat"]?["system.xml.j2"]?.text == "one")
        directory.write("server/config.yaml", "prompts: {directory: text}\n")
        #expect(
            load(["config": "server/config.yaml"]).problems.map(\.description) == [
                "\(directory.path)/server/config.yaml, line 1: prompts.directory: there is no directory \(directory.path)/server/text"
            ])
    }

    @Test func everythingThatIsWrong_isNamed_withFileLineAndColumn() {
        directory.write("prompts/chat/a.j2", "one\n  {{ two")
        directory.write("prompts/chat/b.j2", "{% endif %}")
        directory.write("prompts/chat/c d.j2", "x")
        directory.write("prompts/chat/e.j2", [0xFF])
        directory.write("prompts/lost.j2", "x")
        let report = load()
        let prefix = directory.path + "/prompts/"
        let problems = report.problems.map { $0.description.dropFirst(prefix.count).prefix(26) }
        #expect(
            problems == [
                "chat/a.j2, line 2: column ", "chat/b.j2, line 1: column ", "chat/c d.j2, line 1: a pro",
                "chat/e.j2, line 1: the tex",
            ])
        #expect(
            report.warnings.map(\.description) == [
                "\(prefix)lost.j2, line 1: this prompt belongs to no handler: put it into a folder with the handler's name"
            ])
    }

    @Test func tooDeep_andTooLong_areProblems() {
        directory.write("prompts/h/1/2/3/4/5/6/7/8/a.j2", "x")
        directory.write("prompts/h/1/2/3/4/5/6/7/a.j2", "x")
        directory.write("prompts/h/long.j2", String(repeating: "x", count: PromptRules.mostBytes + 1))
        let report = load()
        #expect(report.problems.count == 2, "\(report.problems)")
        #expect(report.settings.promptFiles["h"]?.count == 1)
    }

    @Test func reload_takesNewPrompts_orKeepsTheOld_andLooksAtWhatIsWrong() throws {
        let sources = SettingsSources(directory: directory.path)
        directory.write("prompts/chat/system.xml.j2", "one")
        var reload = SettingsReload(try SettingsLoader.load(sources)) { try SettingsLoader.load(sources) }
        directory.write("prompts/chat/system.xml.j2", "two")
        directory.write("prompts/chat/more.j2", "more")
        guard case .changed(let changed, let others) = reload.reload() else {
            Issue.record("refused")
            return
        }
        #expect(changed == ["prompt chat/more.j2", "prompt chat/system.xml.j2"] && others == [])
        // One of two is wrong, and one is new: neither counts.
        directory.write("prompts/chat/system.xml.j2", "three")
        directory.write("prompts/chat/new.j2", "{{")
        guard case .failed(let problems) = reload.reload() else {
            Issue.record("taken")
            return
        }
        #expect(problems.count == 1 && problems[0].contains("new.j2, line 1: column"))
        #expect(reload.report.settings.promptFiles["chat"]?["system.xml.j2"]?.text == "two")
        // The new file is mended in place, which only its own state shows.
        let neverLooked = reload.filesHaveChanged()
        #expect(!neverLooked)
        directory.write("prompts/chat/new.j2", "{{ 1 }}")
        let first = reload.filesHaveChanged()
        let second = reload.filesHaveChanged()
        #expect(!first && second)
    }

    @Test func embeddedFile_holdsAnyText() throws {
        let texts = ["b.j2": "say \"\"\"#\n\\(x) ##\n", "a/é.xml.j2": "no end", "c.j2": ""]
        let source = try EmbeddedPromptsFile(typeName: "TestPrompts", texts: texts).source()
        #expect(
            source.hasSuffix(
                "        \"a/é.xml.j2\": #\"\"\"\nno end\n\"\"\"#,\n        \"b.j2\": ###\"\"\"\nsay \"\"\"#\n\\(x) ##\n\n\"\"\"###,\n"
                    + "        \"c.j2\": #\"\"\"\n\n\"\"\"#,\n    ]\n}\n"))
        #expect(throws: MillraceError.self) { try EmbeddedPromptsFile(typeName: "T", texts: ["a.j2": "x\r\n"]).source() }
        #expect(try EmbeddedPromptsFile(typeName: "T", texts: [:]).source().contains("[\n        :\n    ]"))
    }
}

/// A directory for files in directories, which goes with the value.
final class PromptFolderOnDisk {
    let path: String

    init() {
        var template = Array("/tmp/millrace-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        precondition(!path.isEmpty, "cannot make a directory in /tmp")
    }

    func write(_ name: String, _ text: String) { write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) {
        do { try Directories.make(Directories.parent(of: "\(path)/\(name)")) } catch { Issue.record(error) }
        // In place, which a directory's own state does not show.
        guard let file = fopen("\(path)/\(name)", "w") else {
            Issue.record("cannot write \(name)")
            return
        }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let handle = opendir(path) {
            var names: [String] = []
            while let entry = readdir(handle) {
                names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    })
            }
            closedir(handle)
            for name in names where name != "." && name != ".." { remove("\(path)/\(name)") }
        }
        Glibc.remove(path)
    }
}
