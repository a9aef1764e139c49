import Glibc
import MillraceCore

/// Many connections from a process of their own: `Clients/crowd.py`. It ends with the value, or with the test process.
final class Crowd: @unchecked Sendable {  // Sendable: a test uses it from one thread at a time.
    /// What became of the connections that a command was for.
    struct Report: Sendable, Equatable {
        /// How many had which outcome: `200`, `503` (with its whole body), `closed`, `nothing`, or the name of an error such as `ECONNRESET`.
        var outcomes: [String: Int] = [:]
        /// The longest that one waited, in milliseconds.
        var longest = 0

        static func + (left: Report, right: Report) -> Report {
            Report(outcomes: left.outcomes.merging(right.outcomes, uniquingKeysWith: +), longest: max(left.longest, right.longest))
        }
    }

    private let processID: pid_t
    private let input: Int32
    private let output: Int32
    private var received: [UInt8] = []

    /// - Parameters:
    ///   - source: the address that they come from, such as `127.0.0.2`.
    ///   - patience: for how long outcomes are waited for, in seconds.
    init(of count: Int, to port: Int, from source: String, patience: Int = 60) throws {
        let (commands, answers) = (try Pipe(), try Pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, commands.readEnd, 0)
        posix_spawn_file_actions_adddup2(&actions, answers.writeEnd, 1)
        let script = TestFiles.packageRoot + "/Tests/MillraceIntegrationTests/Clients/crowd.py"
        let words = ["python3", script, "\(port)", "\(count)", source, "\(patience)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let status = posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
        close(commands.readEnd)
        close(answers.writeEnd)
        guard status == 0 else { throw ClientFailure("cannot start python3: \(String(cString: strerror(status)))") }
        processID = process
        input = commands.writeEnd
        output = answers.readEnd
    }

    deinit {
        close(input)
        close(output)
        kill(processID, SIGKILL)
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
    }

    /// Gives a command and waits until it is done.
    func run(_ command: String) throws -> Report {
        let line = Array("\(command)\n".utf8)
        guard write(input, line, line.count) == line.count else { throw ClientFailure("the crowd is gone") }
        while !received.contains(10) {
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&entry, 1, 90_000) == 1 else { throw ClientFailure("the crowd does not answer to \(command)") }
            var piece = [UInt8](repeating: 0, count: 4096)
            let count = read(output, &piece, piece.count)
            guard count > 0 else { throw ClientFailure("the crowd has ended; its standard error says why") }
            received += piece[..<count]
        }
        let json = try JSONValue(parsing: received)
        received = []
        let outcomes = json["outcomes"]?.object ?? [:]
        return Report(outcomes: outcomes.compactMapValues(\.integer), longest: json["longest_ms"]?.integer ?? 0)
    }
}
