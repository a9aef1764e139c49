import Glibc
import MillraceCounterparts

/// What botocore, AWS's own library for Python, makes of something.
enum BotocoreReference {
    /// The lines that `Reference/sigv4_reference.py` writes; `nil` where Python or botocore are missing, which was said aloud.
    static func lines(_ arguments: String...) async throws -> [String]? { try await onThread { try run(arguments) } }

    private static func run(_ arguments: [String]) throws -> [String]? {
        guard access(Counterpart.python, X_OK) == 0 else {
            try Counterpart.leftOut("Python's environment")
            return nil
        }
        let script = Counterpart.packageRoot + "/Tests/MillraceAWSTests/Reference/sigv4_reference.py"
        let process = try CounterpartProcess([Counterpart.python, script] + arguments)
        defer { process.stop() }
        guard try process.waitForLine(seconds: 120, where: { $0 == "end" || $0 == "missing" }) == "end" else {
            try Counterpart.leftOut("botocore")
            return nil
        }
        return process.lines.dropLast()
    }
}
