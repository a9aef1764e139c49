import Glibc
import Synchronization

// Read and written by a signal handler, where only lock-free operations are safe.
private let interrupts = Atomic<Int>(0)

/// Counts Ctrl-C.
enum InterruptSignal {
    static var count: Int { interrupts.load(ordering: .relaxed) }

    /// Takes over SIGINT. Calls that block return early, so that nobody waits for the count in vain.
    static func install() {
        _ = count  // Makes the global before a handler can run.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in interrupts.wrappingAdd(1, ordering: .relaxed) }
        sigaction(SIGINT, &action, nil)
        signal(SIGPIPE, SIG_IGN)
    }
}
