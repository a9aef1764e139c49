import Testing

@testable import MillraceBench

@Suite struct ChildProcessTests {
    @Test func output_isReadByLine() throws {
        var child = try ChildProcess("/bin/echo", ["-e", #"one\ntwo"#], output: .pipe, errors: "/dev/null")
        #expect(child.nextLine() == "one")
        #expect(child.nextLine() == "two")
        #expect(child.nextLine() == nil)
    }

    @Test func pinnedChild_runsOnThatCore() throws {
        var child = try ChildProcess("/bin/grep", ["Cpus_allowed_list", "/proc/self/status"], output: .pipe, errors: "/dev/null", core: 0)
        #expect(child.nextLine() == "Cpus_allowed_list:\t0")
    }

    @Test func missingProgram_isAnError() {
        #expect(throws: (any Error).self) {
            _ = try ChildProcess("/does/not/exist", [], output: .pipe, errors: "/dev/null").identifier
        }
    }

    @Test func temporaryDirectory_isRemovedWithItsFiles() throws {
        let path = try Files.makeTemporaryDirectory(in: "/tmp")
        try Files.write("text", to: "\(path)/file")
        #expect(Files.read("\(path)/file") == "text")
        Files.removeTree(path)
        #expect(Files.read("\(path)/file") == nil)
        #expect(Files.executable(path) == nil)
    }
}
