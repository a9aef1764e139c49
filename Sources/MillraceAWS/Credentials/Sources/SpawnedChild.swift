import Glibc
import MillraceCore

/// A running program and the pipes to it. Confined to the thread that waits for it.
struct SpawnedChild {
    private let process: pid_t
    /// -1 once it has ended.
    private(set) var outputEnd: Int32
    private(set) var errorEnd: Int32
    private(set) var output: [UInt8] = []
    private var errors: [UInt8] = []
    /// As `waitpid` gives it.
    private(set) var status: Int32?

    init(
        program: String, command: [String], environment: [String: String], _ failure: (String) -> MillraceError
    ) throws(MillraceError) {
        let output = try Self.pipe(failure)
        let errors: Pipe
        do throws(MillraceError) { errors = try Self.pipe(failure) } catch {
            output.close()
            throw error
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.writeEnd, 2)
        ProgramDescriptors.close(from: 3, in: &actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        // Our threads block signals, and the server may ignore SIGPIPE: the program begins as one that a shell starts.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        var process = pid_t()
        let error = posix_spawn(&process, program, &actions, &attributes, &arguments, &variables)
        for pointer in arguments + variables { free(pointer) }
        posix_spawnattr_destroy(&attributes)
        posix_spawn_file_actions_destroy(&actions)
        Glibc.close(output.writeEnd)
        Glibc.close(errors.writeEnd)
        guard error == 0 else {
            Glibc.close(output.readEnd)
            Glibc.close(errors.readEnd)
            throw failure("cannot be started: \(String(cString: strerror(error)))")
        }
        self.process = process
        outputEnd = output.readEnd
        errorEnd = errors.readEnd
    }

    /// A pipe, or why the program was not started.
    static func pipe(_ failure: (String) -> MillraceError) throws(MillraceError) -> Pipe {
        do throws(MillraceError) { return try Pipe() } catch { throw failure("was not started: \(error.message)") }
    }

    mutating func readOutput() {
        if !Self.read(&outputEnd, { output += $0 }) { outputEnd = -1 }
    }

    mutating func readErrors() {
        // The end says most.
        if !Self.read(&errorEnd, { errors = Array((errors + $0).suffix(4096)) }) { errorEnd = -1 }
    }

    /// - Returns: whether there can be more; the descriptor is closed otherwise.
    private static func read(_ end: inout Int32, _ take: (ArraySlice<UInt8>) -> Void) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(end, &chunk, chunk.count)
        if count > 0 { take(chunk[..<count]) }
        if count > 0 || count < 0 && errno == EINTR { return true }
        Glibc.close(end)
        return false
    }

    mutating func hasEnded() -> Bool {
        var status: Int32 = 0
        let found = waitpid(process, &status, WNOHANG)
        if found == process { self.status = status }
        return found == process || found < 0 && errno != EINTR
    }

    /// Kills the program with what it has started, and takes its status.
    mutating func kill() {
        guard status == nil else { return }
        _ = Glibc.kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        self.status = status
    }

    mutating func close() {
        for end in [outputEnd, errorEnd] where end >= 0 { Glibc.close(end) }
        (outputEnd, errorEnd) = (-1, -1)
    }

    /// The end of standard error in one line.
    var errorText: String {
        let text = String(decoding: errors, as: UTF8.self).unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }
        return text.joined().split(separator: " ").joined(separator: " ").suffix(500).description
    }
}
