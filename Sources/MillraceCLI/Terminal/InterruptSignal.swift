import Glibc
import MillraceCore
import Synchronization

// Read and written by a signal handler, where only lock-free operations are safe.
private let interrupts = Atomic<Int>(0)
/// The ends of a pipe that gets a byte for each Ctrl-C; -1: there is none.
private let readEnd = Atomic<Int32>(-1)
private let writeEnd = Atomic<Int32>(-1)

/// Counts Ctrl-C.
enum InterruptSignal {
    static var count: Int { interrupts.load(ordering: .relaxed) }

    /// Can be read once Ctrl-C was pressed, also before somebody waits for it; -1 before ``install()``.
    static var descriptor: Int32 { readEnd.load(ordering: .relaxed) }

    /// Takes over SIGINT. Calls that block return early, so that nobody waits for the count in vain.
    static func install() {
        // Makes the globals before a handler can run.
        _ = count
        if descriptor < 0 {
            if let pipe = try? Pipe() {
                for end in [pipe.readEnd, pipe.writeEnd] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
                readEnd.store(pipe.readEnd, ordering: .relaxed)
                writeEnd.store(pipe.writeEnd, ordering: .relaxed)
            }
        }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            interrupts.wrappingAdd(1, ordering: .relaxed)
            let error = errno
            var byte: UInt8 = 0
            _ = write(writeEnd.load(ordering: .relaxed), &byte, 1)
            errno = error
        }
        sigaction(SIGINT, &action, nil)
        signal(SIGPIPE, SIG_IGN)
    }
}
