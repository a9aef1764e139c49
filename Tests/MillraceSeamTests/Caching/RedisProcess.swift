import MillraceCore
import MillraceCounterparts

/// Debian's redis-server, which keeps nothing on the disk, on a TCP port and a Unix socket.
final class RedisProcess: Sendable {
    let port: Int
    var socketPath: String { directory.path + "/redis.sock" }
    private let directory: TemporaryDirectory
    private let options: [String]
    private let process = Locked<CounterpartProcess?>(nil)

    /// Whether there is one. Where it is missing, that is said aloud.
    static func isInstalled() throws -> Bool {
        if Counterpart.program("redis-server") != nil, Counterpart.program("redis-cli") != nil { return true }
        try Counterpart.leftOut("redis-server")
        return false
    }

    init(_ options: String...) throws {
        port = try Counterpart.freePort()
        directory = try TemporaryDirectory()
        self.options = options
        try start()
    }

    func start() throws {
        let words = [
            "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--unixsocket", socketPath,
            "--dir", directory.path,
        ]
        let started = try CounterpartProcess(
            [Counterpart.program("redis-server") ?? "redis-server"] + words.dropFirst() + options, directory: directory.path)
        _ = try started.waitForLine { $0.contains("Ready to accept connections") }
        process.withLock { $0 = started }
    }

    /// Ends it without a warning.
    func kill() {
        process.withLock { process in
            defer { process = nil }
            return process
        }?.stop()
    }

    /// What redis-cli prints for a command.
    func cli(_ words: String..., options: [String] = []) throws -> [String] {
        let client = try CounterpartProcess(
            ["/bin/sh", "-c", #""$0" "$@"; echo; echo "end $?""#, Counterpart.program("redis-cli") ?? "redis-cli", "-p", "\(port)"]
                + options + words)
        defer { client.stop() }
        let end = try client.waitForLine { $0.hasPrefix("end ") }
        var lines = client.lines.prefix { $0 != end }
        if lines.last == "" { lines.removeLast() }
        return Array(lines)
    }
}
