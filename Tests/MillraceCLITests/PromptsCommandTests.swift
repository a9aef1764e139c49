import Glibc
import MillraceCore
import Testing

@testable import MillraceCLI

@Suite struct PromptsCommandTests {
    private static let handler =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        + "/Sources/MillraceTaskHandlers/chat"

    private func run(_ arguments: String...) -> Int32 {
        MillraceCommand.run(["prompts", "embed"] + arguments, environment: [:])
    }

    /// What is checked in is what the command makes.
    @Test func embed_makesTheFileThatIsCheckedIn() throws {
        var template = Array("/tmp/millrace-test-XXXXXX".utf8CString)
        let directory = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        let path = directory + "/ChatPrompts.swift"
        defer {
            unlink(path)
            rmdir(directory)
        }
        #expect(run(Self.handler + "/prompts", path) == ExitCode.success)
        #expect(
            try BoundedFile.read(path, limit: 1 << 20) == BoundedFile.read(Self.handler + "/ChatPrompts.swift", limit: 1 << 20))
        #expect(run(Self.handler + "/prompts", directory + "/chat.swift") == ExitCode.failure)
        #expect(run(directory + "/none", path) == ExitCode.failure)
        #expect(run(directory) == ExitCode.usage)
    }
}
