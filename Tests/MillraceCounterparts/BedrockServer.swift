import Glibc

/// The tests' Bedrock Runtime (`Servers/bedrock_server.py` tells what it does), while the value lives.
package final class BedrockServer: Sendable {
    /// The URL of its endpoint, `http://127.0.0.1:…`.
    package let url: String
    private let process: CounterpartProcess

    /// - Parameter arguments: as the script takes them.
    package init(_ arguments: [String] = []) throws {
        process = try CounterpartProcess([Counterpart.python, Counterpart.script("bedrock_server.py")] + arguments)
        url = "http://127.0.0.1:" + (try process.waitForLine { Int($0) != nil })
    }

    package func stop() { process.stop() }

    private static let one = Result { try BedrockServer() }

    /// One for all tests of a process, which tell their requests apart by the directive `tag`; `nil`: it is left out, and said so.
    package static func shared() throws -> BedrockServer? { try isAvailable() ? one.get() : nil }

    /// Whether there is a Python to run it with; where not, that is said.
    package static func isAvailable() throws -> Bool {
        guard access(Counterpart.python, X_OK) != 0 else { return true }
        try Counterpart.leftOut("the Bedrock Runtime of the tests (Python with botocore)")
        return false
    }
}
