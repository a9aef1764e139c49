import CLinux
import Glibc
package import MillraceCore

/// Waits for signals, whichever thread the kernel gives them to.
///
/// A handler writes the signal's number into a pipe, and whoever waits reads it. Threads that were started before, also those of libraries,
/// need not block anything, and a handler that holds a loop does not hold up a stop.
package struct SignalWatch: ~Copyable {
    private let descriptor: Int32

    /// Installs the handlers, for the life of the process.
    /// - Throws: ``MillraceError`` when the kernel refuses.
    package init(_ signals: [Int32]) throws(MillraceError) {
        descriptor = cl_signal_pipe(signals, Int32(signals.count))
        guard descriptor >= 0 else { throw MillraceError(.system, "cannot watch signals: \(String(cString: strerror(-descriptor)))") }
    }

    /// Blocks the calling thread until a signal comes, and returns its number.
    /// - Parameter milliseconds: how long to wait; `nil`: for ever.
    /// - Returns: `nil` when none came in that time.
    package func next(milliseconds: Int? = nil) -> Int32? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var number: UInt8 = 0
        while true {
            let ready = poll(&waiting, 1, milliseconds.map { Int32(clamping: $0) } ?? -1)
            if ready == 0 { return nil }
            if ready == 1, read(descriptor, &number, 1) == 1 { return Int32(number) }
            precondition(errno == EINTR, "the pipe of signals failed: \(errno)")
        }
    }

    /// A signal that has come already, without waiting.
    package func pending() -> Int32? { next(milliseconds: 0) }
}
