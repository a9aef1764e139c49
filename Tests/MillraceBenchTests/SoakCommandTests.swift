import Glibc
import Testing

@testable import MillraceBench

/// Starts this build's server and puts the mixed load on it for a few seconds. `.ci/soak` does so for longer.
@Suite(.serialized) struct SoakCommandTests {
    /// The benchmark's own program stands where the package was built.
    private static let program: String? = {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let folders = [
            getenv("MILLRACE_PROGRAMS").map { String(cString: $0) }, Files.directory(of: Files.ownPath()), "/\(root)/.build/debug",
        ]
        return folders.compactMap { $0 }.compactMap { Files.executable("\($0)/millrace-bench") ?? Files.executable("\($0)/MillraceBench") }
            .first
    }()

    @Test func fewSecondsOfMixedLoad_returnToTheBaseLine() throws {
        let program = try #require(Self.program, "millrace-bench was not built")
        let options = try SoakOptions(["--seconds", "3", "--clients", "4", "--seed", "5", "--work-dir", "/tmp"])
        #expect(try SoakCommand(options, program: program).run() == 0)
    }
}
