import CLinux
import Glibc
package import MillraceCore

/// The system calls on TCP sockets, without errno: results are counts and descriptors, or an error number below zero.
package enum Socket {
    /// Binds and listens, non-blocking, with `SO_REUSEPORT` so that every loop can have a socket of its own.
    /// - Parameter address: a numeric IPv4 or IPv6 address.
    /// - Throws: ``MillraceError`` that says what holds the address.
    package static func listen(address: String, port: Int, backlog: Int32 = 4096) throws(MillraceError) -> Int32 {
        try open(address, port, backlog, isShared: true)
    }

    /// Throws when another program listens on the address already, also one that would share the port.
    package static func checkFree(address: String, port: Int) throws(MillraceError) {
        close(try open(address, port, 1, isShared: false))
    }

    private static func open(_ address: String, _ port: Int, _ backlog: Int32, isShared: Bool) throws(MillraceError) -> Int32 {
        let descriptor = cl_listen(address, UInt16(truncatingIfNeeded: port), backlog, isShared ? 1 : 0)
        guard descriptor < 0 else { return descriptor }
        let advice =
            switch -descriptor {
            case EADDRINUSE: "; another program has it: choose another with --port"
            case EACCES: "; ports below 1024 need a privilege: choose another with --port"
            case EINVAL: "; the host must be a numeric address such as 127.0.0.1"
            default: ""
            }
        throw MillraceError(.system, "cannot listen on \(address) port \(port): \(String(cString: strerror(-descriptor)))\(advice)")
    }

    /// Takes over a socket that another program has bound and set listening, and gives its numeric address.
    /// - Throws: ``MillraceError`` that says why it is not one that this server can accept on.
    package static func adopt(_ descriptor: Int32, name: String) throws(MillraceError) -> String {
        var address = [CChar](repeating: 0, count: 64)
        let status = cl_adopt_listener(descriptor, &address, address.count)
        if status == 0 { return String(decoding: address.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        let reason =
            switch -status {
            case EBADF: "it is not open"
            case ENOTSOCK: "it is no socket"
            case EAFNOSUPPORT: "it is no TCP socket: give ListenStream= an IP address and a port"
            case EPROTOTYPE: "it is no stream socket: use ListenStream="
            case EINVAL: "it does not listen (Accept=yes is not supported)"
            default: String(cString: strerror(-status))
            }
        throw MillraceError(.configuration, "cannot listen on the inherited descriptor \(descriptor) ('\(name)'): \(reason)")
    }

    /// Another descriptor of the same socket, closed in programs that are started.
    package static func duplicate(_ descriptor: Int32) throws(MillraceError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else {
            throw MillraceError(.system, "cannot duplicate a listening socket: \(String(cString: strerror(errno)))")
        }
        return copy
    }

    /// The local port.
    package static func port(of descriptor: Int32) -> Int { Int(cl_local_port(descriptor)) }

    /// Accepts one connection, non-blocking and with `TCP_NODELAY`.
    package static func accept(_ descriptor: Int32) -> (descriptor: Int32, peer: String) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { peer in
            let accepted = cl_accept(descriptor, peer.baseAddress, peer.count)
            return (accepted, accepted >= 0 ? peer.baseAddress.map { String(cString: $0) } ?? "" : "")
        }
    }

    /// Sends what the kernel takes; never raises SIGPIPE.
    package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        cl_send(descriptor, bytes.baseAddress, bytes.count)
    }

    /// Receives what is there; 0 at the end of the stream.
    package static func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        cl_receive(descriptor, buffer.baseAddress, buffer.count)
    }

    /// Ends the sending side.
    package static func shutdownWrite(_ descriptor: Int32) { _ = cl_shutdown_write(descriptor) }

    /// Whether a result means "nothing now".
    package static func wouldBlock(_ result: Int) -> Bool { result == -Int(EAGAIN) }
}
