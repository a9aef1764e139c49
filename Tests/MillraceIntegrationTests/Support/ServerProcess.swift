import Glibc
import MillraceCore

/// A server in a process of its own, which a test can kill.
final class ServerProcess {
    let port: Int
    let processID: pid_t
    private var isReaped = false
    private let output: String

    /// The folder of the programs: the one that `MILLRACE_PROGRAMS` names, such as `.build/release`, or that of this test bundle.
    static var buildFolder: String {
        if let named = getenv("MILLRACE_PROGRAMS") { return String(cString: named) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        let folder = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
        if access("\(folder)/millrace", X_OK) == 0 { return String(folder) }
        return TestFiles.packageRoot + "/.build/debug"
    }

    /// Starts a program and waits until it says where it listens.
    /// - Parameter launcher: the words of a command that becomes the program, such as ``Counterpart/hangingDNS``.
    init(program: String = "MillraceTestServer", launcher: [String] = [], _ arguments: [String]) throws {
        output = TestFiles.temporaryPath("server") + ".log"
        let command = launcher + ["\(Self.buildFolder)/\(program)"] + arguments
        processID = try Self.spawn(command[0], Array(command.dropFirst()), output: output)
        var found: Int?
        for _ in 0..<4800 where found == nil {
            let log = TestFiles.read(output)
            if let line = log.split(separator: "\n").first(where: { $0.contains(" listening ") }),
                let place = line.firstRange(of: "http://127.0.0.1:")
            {
                found = Int(line[place.upperBound...].prefix { $0.isNumber })
            } else {
                var status: Int32 = 0
                if waitpid(processID, &status, WNOHANG) == processID {
                    throw MillraceError(.system, "\(program) ended before it listened: \(log)")
                }
                TestFiles.pause(milliseconds: 25)
            }
        }
        guard let found else {
            kill(processID, SIGKILL)
            throw MillraceError(.timeout, "\(program) did not start: \(TestFiles.read(output))")
        }
        port = found
    }

    deinit {
        if !isReaped { _ = end(SIGKILL) }
        unlink(output)
    }

    var client: TestClient { TestClient(port: port) }
    var log: String { TestFiles.read(output) }

    /// The names of the threads that it has now.
    var threads: Set<String> {
        guard let folder = opendir("/proc/\(processID)/task") else { return [] }
        defer { closedir(folder) }
        var names: Set<String> = []
        while let entry = readdir(folder) {
            let number = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let name = TestFiles.read("/proc/\(processID)/task/\(number)/comm")
            if !name.isEmpty { names.insert(String(name.prefix { $0 != "\n" })) }
        }
        return names
    }

    func signal(_ signal: Int32) { kill(processID, signal) }

    /// Sends a signal and waits for the process. Returns its exit status, or minus the signal that ended it.
    func end(_ signal: Int32) -> Int32 {
        kill(processID, signal)
        return wait()
    }

    /// Waits for the process to end.
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    }

    static func spawn(_ path: String, _ arguments: [String], output: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var processID = pid_t()
        let status = posix_spawn(&processID, path, &actions, nil, &argv, environ)
        guard status == 0 else { throw MillraceError(.system, "cannot start \(path): \(String(cString: strerror(status)))") }
        return processID
    }
}

/// Files and folders of tests.
enum TestFiles {
    static let packageRoot: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(4).joined(separator: "/")
    }()

    static func temporaryPath(_ name: String) -> String { "/tmp/millrace-\(name)-\(Identifier.make(prefix: "t"))" }

    static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Lets another process work; only for polling one that cannot tell us.
    static func pause(milliseconds: Int32) {
        var none = pollfd(fd: -1, events: 0, revents: 0)
        _ = poll(&none, 1, milliseconds)
    }

    /// Waits for something that happens on another thread and cannot tell us, 20 seconds at most.
    static func waitUntil(_ condition: () -> Bool) throws {
        for _ in 0..<4000 {
            if condition() { return }
            pause(milliseconds: 5)
        }
        throw ClientFailure("what was waited for did not happen in 20 seconds")
    }

    static func remove(_ path: String) {
        guard let folder = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { remove("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }
}
