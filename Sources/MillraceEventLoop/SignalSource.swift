import CLinux
import Glibc
package import MillraceCore

/// Signals as events of a loop, through signalfd(2).
package final class SignalSource: EventSource {
    private let handler: (Int32) -> Void

    /// Blocks the signals in the calling thread and in the threads it starts later, and reads them from a descriptor instead.
    /// Make it on the main thread before any other thread starts; then register it with a loop as edge-triggered.
    /// - Throws: ``MillraceError`` when the kernel refuses.
    package init(_ signals: [Int32], handler: @escaping (Int32) -> Void) throws(MillraceError) {
        let descriptor = cl_signalfd(signals, Int32(signals.count))
        guard descriptor >= 0 else { throw MillraceError(.system, "cannot watch signals: \(String(cString: strerror(-descriptor)))") }
        self.handler = handler
        super.init(descriptor: descriptor)
    }

    deinit { close(descriptor) }

    override public func ready(_ readiness: Readiness) {
        while true {
            let signal = cl_signalfd_read(descriptor)
            guard signal > 0 else { return }
            handler(signal)
        }
    }
}
