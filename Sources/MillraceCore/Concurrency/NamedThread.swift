import CLinux
import Glibc

/// A thread of our own that is joined by whoever started it.
package struct NamedThread: Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    private let handle: pthread_t

    /// Starts `body` on a new thread; the kernel keeps 15 bytes of the name.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(MillraceError) {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        // A thread inherits the creator's mask. The process's signals belong to the thread that started it, which waits for them or not;
        // taken by one of ours, SIGTERM would end the process without a drain. What a thread's own fault raises stays open.
        var mask = sigset_t()
        var before = sigset_t()
        sigfillset(&mask)
        for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&mask, signal) }
        pthread_sigmask(SIG_BLOCK, &mask, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                cl_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            start.release()
            throw MillraceError(.system, "cannot start the thread '\(name)': \(String(cString: strerror(status)))")
        }
        handle = thread
    }

    /// Whether the caller runs on this thread, which cannot join itself.
    package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// Lets the thread go: nobody will wait for it. Call it once, instead of ``join()``.
    package func detach() {
        pthread_detach(handle)
    }

    /// Waits until the thread has ended. Call it once.
    package func join() {
        pthread_join(handle, nil)
    }
}
