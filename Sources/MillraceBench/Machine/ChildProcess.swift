import CLinux
import Glibc
import MillraceCore

/// A child process, and its standard output where that is asked for. It is ended and reaped when its owner lets go, with all it has started.
struct ChildProcess: ~Copyable {
    /// Where the child's standard output goes.
    enum Output {
        case file(String)
        case pipe
    }

    let identifier: pid_t
    private let input: Int32
    private let output: Int32
    private var unread: [UInt8] = []

    /// Starts `program`; with a `core` only on that one. Its standard input is a pipe where `takesInput`, and otherwise empty.
    init(
        _ program: String, _ arguments: [String], output: Output, errors: String, core: Int? = nil, takesInput: Bool = false
    ) throws(MillraceError) {
        var program = program
        var words = [program] + arguments
        // taskset becomes the program, so the identifier stays that of the contender.
        if let core {
            words = ["/usr/bin/taskset", "-c", "\(core)"] + words
            program = words[0]
        }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let create = O_WRONLY | O_CREAT | O_APPEND
        var inputs: [Int32] = [-1, -1]
        if takesInput {
            let pipe = try Pipe()
            inputs = [pipe.readEnd, pipe.writeEnd]
            posix_spawn_file_actions_adddup2(&actions, inputs[0], 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        var ends: [Int32] = [-1, -1]
        switch output {
        case .file(let path): posix_spawn_file_actions_addopen(&actions, 1, path, create, 0o644)
        case .pipe:
            let pipe = try Pipe()
            ends = [pipe.readEnd, pipe.writeEnd]
            posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        }
        posix_spawn_file_actions_addopen(&actions, 2, errors, create, 0o644)

        // The last four: what a sanitizer was told holds for the servers, too.
        let names = ["PATH", "HOME", "LD_LIBRARY_PATH", "LANG", "LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"]
        let environment = names.compactMap { (name: String) -> String? in
            getenv(name).map { "\(name)=\(String(cString: $0))" }
        }
        var identifier: pid_t = 0
        let status = withCStrings(words) { words in
            withCStrings(environment) { environment in posix_spawn(&identifier, program, &actions, nil, words, environment) }
        }
        if ends[1] >= 0 { close(ends[1]) }
        if inputs[0] >= 0 { close(inputs[0]) }
        guard status == 0 else {
            if ends[0] >= 0 { close(ends[0]) }
            if inputs[1] >= 0 { close(inputs[1]) }
            throw MillraceError(.system, "cannot start \(program): \(String(cString: strerror(status)))")
        }
        self.identifier = identifier
        self.input = inputs[1]
        self.output = ends[0]
    }

    deinit {
        if output >= 0 { close(output) }
        if input >= 0 { close(input) }
        // What it started must not outlive it. Nothing that it could still do is waited for: it was measured.
        let family = ProcessSampler.processes()
        let members = ProcessSampler.tree(of: identifier, in: family).dropFirst()
        kill(identifier, SIGKILL)
        waitpid(identifier, nil, 0)
        let left = members.isEmpty ? [:] : ProcessSampler.processes()
        for member in members where left[member] != nil && left[member]?.startedAt == family[member]?.startedAt {
            kill(member, SIGKILL)
            // It is ours to wait for only if orphans are inherited; whose it is otherwise does so.
            waitpid(member, nil, 0)
        }
    }

    /// From now on this process inherits what its children leave behind, so that the CPU time of all they started is added to its own
    /// children's, and none of it passes for a stranger's.
    static func inheritOrphans() { _ = cl_adopt_orphans() }

    /// Asks it to end and waits for that. Returns its exit status, or `nil` where it did not end in time or was killed.
    func end(within seconds: Double) -> Int32? {
        kill(identifier, SIGTERM)
        for _ in 0..<Int(seconds * 100) where !hasEnded { usleep(10_000) }
        var information = siginfo_t()
        // It stays to be reaped by `deinit`.
        guard waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT) == 0, information.si_signo != 0,
            information.si_code == CLD_EXITED
        else { return nil }
        return information._sifields._sigchld.si_status
    }

    /// The next line of standard output without its newline, or `nil` at the end.
    mutating func nextLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeSubrange(...end)
                return line
            }
            var part = [UInt8](repeating: 0, count: 4096)
            let count = part.withUnsafeMutableBytes { read(output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            unread.append(contentsOf: part.prefix(count))
        }
    }

    /// Writes to its standard input; what a child that has ended does not take is lost.
    func send(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(input, $0.baseAddress, $0.count) }
    }

    /// Whether it has ended; it stays to be reaped.
    var hasEnded: Bool {
        var information = siginfo_t()
        let status = waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT)
        return status != 0 || information.si_signo != 0
    }
}

/// Calls `body` with a NULL-terminated array of C strings, valid only inside it.
private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}
