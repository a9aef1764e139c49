import Glibc
import MillraceBackends
import MillraceCore
import Testing

@Suite struct DataDirectoryTests {
    @Test func secondLock_isRefused_namingTheProcess_untilTheFirstEnds() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/deep/data"
        do {
            let first = try DataDirectory(path: path)
            #expect(first.databasePath == "\(path)/millrace.db")
            let error = await expectError(.conflict) { _ = try DataDirectory(path: path) }
            #expect(error?.message.contains("'\(path)'") == true)
            #expect(error?.message.contains("process \(getpid())") == true)
            #expect(error?.message.contains("--data-dir") == true)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
            #expect(first.path == path)
        }
        _ = try DataDirectory(path: path)
    }

    @Test(arguments: ["/dev/null", "/dev/null/data", "/proc/millrace"])
    func pathThatCannotBeADirectory_isRefused(path: String) async {
        let error = await expectError(.configuration) { _ = try DataDirectory(path: path) }
        #expect(error?.message.contains("'\(path)'") == true)
    }
}
