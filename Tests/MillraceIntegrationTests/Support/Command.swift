import Glibc
import MillraceCore

/// Another program, run to its end.
struct Command {
    /// What it wrote to standard output and standard error.
    let output: String
    /// Its exit status, or minus the signal that ended it.
    let status: Int32

    /// Runs a program and waits for it. It must end by itself.
    init(_ arguments: [String]) throws {
        let capture = try LogCapture()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, capture.writeEnd, 1)
        posix_spawn_file_actions_adddup2(&actions, capture.writeEnd, 2)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        let error = posix_spawnp(&process, arguments[0], &actions, nil, &pointers, environ)
        guard error == 0 else {
            capture.stop()
            throw ClientFailure("cannot start \(arguments[0]): \(String(cString: strerror(error)))")
        }
        var raw: Int32 = 0
        while waitpid(process, &raw, 0) < 0, errno == EINTR {}
        capture.stop()
        output = capture.all
        status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : -(raw & 0x7F)
    }

    /// Whether a program can be started and says its version.
    static func exists(_ arguments: [String]) -> Bool { (try? Command(arguments))?.status == 0 }
}
