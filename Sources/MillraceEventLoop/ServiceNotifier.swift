import CLinux
import Glibc
package import MillraceCore

/// Tells the service manager how the process stands, where it wants to know: datagrams to the socket that `NOTIFY_SOCKET` names
/// (sd_notify(3)). Without the variable nothing is sent.
package struct ServiceNotifier: Sendable {
    /// How the process stands.
    package enum State: Equatable, Sendable {
        /// It serves.
        case ready(status: String)
        /// It stops and needs at most so many seconds for that.
        case stopping(status: String, seconds: Double)
        /// It is about to start anew in the same process, and needs at most so many seconds until then.
        case reloading(status: String, seconds: Double, monotonicNanoseconds: Int64)

        /// The assignments of a datagram, one a line.
        package var message: String {
            switch self {
            case .ready(let status): "READY=1\nSTATUS=\(status)"
            case .stopping(let status, let seconds):
                "STOPPING=1\nSTATUS=\(status)\nEXTEND_TIMEOUT_USEC=\(Int(seconds * 1_000_000))"
            case .reloading(let status, let seconds, let time):
                "RELOADING=1\nMONOTONIC_USEC=\(time / 1000)\nSTATUS=\(status)\nEXTEND_TIMEOUT_USEC=\(Int(seconds * 1_000_000))"
            }
        }
    }

    private let path: String?

    /// - Parameter path: the value of `NOTIFY_SOCKET`; `nil` or empty: nobody wants to know.
    package init(path: String?) { self.path = path.flatMap { $0.isEmpty ? nil : $0 } }

    /// Sends one state.
    /// - Throws: ``MillraceError`` when nobody listens there.
    package func send(_ state: State) throws(MillraceError) {
        guard let path else { return }
        let message = state.message
        let status = cl_notify(path, message, message.utf8.count)
        guard status == 0 else {
            throw MillraceError(.system, "cannot notify the service manager at NOTIFY_SOCKET: \(String(cString: strerror(-status)))")
        }
    }
}
