import Glibc
package import MillraceCore

/// IPv4 sockets of the loopback address, for the servers and clients that tests are made of.
package enum Loopback {
    /// A socket that listens on a port which the kernel chose, and which is closed in children. The caller closes it.
    /// - Parameter receiveBuffer: what the kernel may take in on each connection, in bytes (0: its own choice).
    package static func listen(backlog: Int32 = 64, receiveBuffer: Int32 = 0) throws(MillraceError) -> (descriptor: Int32, port: Int) {
        let descriptor = socket()
        if receiveBuffer > 0 {
            var size = receiveBuffer
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening =
            bind(descriptor, port: 0) && Glibc.listen(descriptor, backlog) == 0
            && withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
            }
        guard isListening else {
            let error = errno
            if descriptor >= 0 { close(descriptor) }
            throw MillraceError(.system, "cannot listen: \(String(cString: strerror(error)))")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A new socket that is closed in children; -1 where there are no descriptors left.
    package static func socket() -> Int32 { Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }

    /// Connects a socket and waits for that; says in `errno` why not.
    package static func connect(_ descriptor: Int32, port: Int) -> Bool {
        withAddress(port) { Glibc.connect(descriptor, $0, $1) == 0 }
    }

    /// Takes a port, 0 for any; says in `errno` why not.
    package static func bind(_ descriptor: Int32, port: Int) -> Bool {
        withAddress(port) { Glibc.bind(descriptor, $0, $1) == 0 }
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
