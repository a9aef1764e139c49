import Glibc
import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// What child processes get of the client's connections: nothing, or a connection that we close would stay open at the peer.
@Suite struct InheritanceTests {
    /// The descriptors of this process that are connected to a port of the loopback address.
    private static func connections(to port: Int) -> [Int32] {
        (3..<4096).filter { descriptor in
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(Int32(descriptor), $0, &length) == 0 }
            }
            return isConnected && Int(address.sin_family) == Int(AF_INET) && Int(UInt16(bigEndian: address.sin_port)) == port
        }.map(Int32.init)
    }

    @Test func connections_areClosedInChildProcesses() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }) { peer in
            let port = peer.port
            let flags = try await onLoop {
                try await HTTPClient().exchange(HTTPClientRequest(url: "http://127.0.0.1:\(port)/")) { response in
                    let flags = Self.connections(to: port).map { fcntl($0, F_GETFD) & FD_CLOEXEC }
                    _ = try await response.collect()
                    return flags
                }
            }
            #expect(!flags.isEmpty && flags.allSatisfy { $0 == FD_CLOEXEC })
        }
    }
}
