import Glibc
import MillraceCore
import MillraceEventLoop

/// Starts this process's program anew in the same process (execve(2)): same number, same arguments, same working directory, its listening
/// sockets handed over as systemd would. An upgraded program is found under the old one's name.
enum ProcessRestart {
    /// An environment variable.
    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Why the program cannot be started anew; `nil` when it can, as far as can be told.
    static func problem() -> String? {
        let program = CommandLine.arguments[0]
        // Without a slash it is looked for in PATH, as the shell did.
        guard program.contains("/"), access(program, X_OK) != 0 else { return nil }
        return "\(program): \(String(cString: strerror(errno)))"
    }

    /// Holds signals back, also through the start of the new program, which lets them in when it watches for them.
    /// - Returns: those that wait already.
    static func holdSignals(_ signals: [Int32]) -> [Int32] {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var pending = sigset_t()
        sigpending(&pending)
        return signals.filter { sigismember(&pending, $0) == 1 }
    }

    /// Becomes the new program. Everything else of this one must have been closed.
    /// - Throws: ``MillraceError`` when the kernel refuses.
    static func execute(sockets: [InheritedSockets.Socket]) throws(MillraceError) -> Never {
        place(sockets.map(\.descriptor))
        for (name, value) in InheritedSockets.variables(names: sockets.map(\.name), process: getpid()) {
            // Without a socket the new program makes its own.
            if sockets.isEmpty { unsetenv(name) } else { setenv(name, value, 1) }
        }
        execvp(CommandLine.arguments[0], CommandLine.arguments.map { strdup($0) } + [nil])
        throw MillraceError(
            .system, "cannot start \(CommandLine.arguments[0]) anew: \(String(cString: strerror(errno))); start it by hand")
    }

    /// Moves the sockets to where the protocol has them, open for the new program. What was there is closed: nothing uses it any more.
    private static func place(_ sockets: [Int32]) {
        let first = InheritedSockets.firstDescriptor
        // Out of the way first, so that none overwrites another.
        let above = first + Int32(sockets.count)
        let moved = sockets.map { fcntl($0, F_DUPFD_CLOEXEC, above) }
        for (index, socket) in moved.enumerated() { dup2(socket, first + Int32(index)) }
    }
}
