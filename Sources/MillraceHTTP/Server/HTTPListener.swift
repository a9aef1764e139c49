import Glibc
package import MillraceCore
package import MillraceEventLoop
import Synchronization

/// What the connections of a server share, on all loops.
package final class HTTPServerContext: Sendable {
    let settings: HTTPServerSettings
    let responder: any HTTPResponder
    let logger: Logger
    private let connections = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    package init(settings: HTTPServerSettings, responder: any HTTPResponder, logger: Logger) {
        self.settings = settings
        self.responder = responder
        self.logger = logger
    }

    /// Connections open now.
    package var connectionCount: Int { connections.load(ordering: .relaxed) }
    /// Whether responses close their connections, since the server stops.
    package var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// From now on every response closes its connection.
    package func beginDrain() { draining.store(true, ordering: .relaxed) }

    /// Counts a connection; false when the limit is reached.
    func admit() -> Bool {
        if connections.wrappingAdd(1, ordering: .relaxed).newValue <= settings.maxConnections { return true }
        release()
        return false
    }

    func release() { connections.wrappingSubtract(1, ordering: .relaxed) }
}

/// Accepts connections for one loop: every loop has a socket of its own on the same address (`SO_REUSEPORT`), and the kernel spreads clients
/// over them. Confined to its loop.
package final class HTTPListener: EventSource, @unchecked Sendable {  // Sendable: posted closures carry it to its own loop only.
    private let loop: EventLoop
    private let server: HTTPServerContext
    private let date = HTTPDateCache()
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private lazy var pause = LoopTimer { [unowned self] in self.resume() }
    /// Kept open so that one connection can be accepted and closed when the process has no descriptor left.
    private var reserve: Int32
    /// Whether the kernel watches the socket.
    private var isWatched = false

    /// How many connections one turn accepts before the others get their share.
    private static let acceptsPerTurn = 64
    /// How long accepting rests when the kernel has nothing left for a connection.
    private static let restNanoseconds: Int64 = 100_000_000

    /// Binds and listens.
    /// - Parameters:
    ///   - address: a numeric IPv4 or IPv6 address.
    ///   - port: 0 for any free one.
    /// - Throws: ``MillraceError`` that says what holds the address.
    package init(address: String, port: Int, loop: EventLoop, server: HTTPServerContext) throws(MillraceError) {
        self.loop = loop
        self.server = server
        let descriptor = try Socket.listen(address: address, port: port)
        reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)
        super.init(descriptor: descriptor)
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
        if reserve >= 0 { Glibc.close(reserve) }
    }

    /// The port that the socket is bound to.
    package var port: Int { Socket.port(of: descriptor) }

    /// Begins to accept. On the loop, or before it runs.
    package func start() {
        isWatched = loop.register(self, for: .readable)
        guard !isWatched else { return }
        server.logger.error("cannot accept: the kernel has no memory, or no watches left for epoll")
        loop.set(pause, after: Self.restNanoseconds)
    }

    override package func ready(_ readiness: Readiness) {
        for _ in 0..<Self.acceptsPerTurn {
            let (accepted, peer) = Socket.accept(descriptor)
            switch -accepted {
            case ...0: accept(accepted, peer: peer)
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return refuseOne(-accepted)
            default: break  // That client's connection failed before it was accepted (accept(2)): the next may be well.
            }
        }
    }

    private func accept(_ socket: Int32, peer: String) {
        guard server.admit() else {
            let body =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 101\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"too many connections now\"}"
            _ = Array(body.utf8).withUnsafeBytes { Socket.send(socket, $0) }
            Socket.shutdownWrite(socket)
            Glibc.close(socket)
            return
        }
        let connection = HTTPConnection(descriptor: socket, peer: peer, loop: loop, server: server, date: date) {
            [unowned self] connection in
            connections.removeValue(forKey: ObjectIdentifier(connection))
            server.release()
        }
        connections[ObjectIdentifier(connection)] = connection
        connection.start()
    }

    /// The kernel has no descriptor or no memory left: one client is told by a closed connection, and accepting rests for a moment.
    private func refuseOne(_ error: Int32) {
        let isMemory = error == ENOBUFS || error == ENOMEM
        server.logger.error(
            isMemory
                ? "cannot accept: the kernel has no memory for a connection"
                : "cannot accept: no file descriptors left; raise the limit (ulimit -n) or lower limits.maxConnections")
        if !isMemory, reserve >= 0 {
            Glibc.close(reserve)
            let (socket, _) = Socket.accept(descriptor)
            if socket >= 0 { Glibc.close(socket) }
            reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)
        }
        loop.modify(self, for: [])
        loop.set(pause, after: Self.restNanoseconds)
    }

    private func resume() {
        guard descriptor >= 0 else { return }
        // Somebody else may have taken the descriptor that was given up for a moment.
        if reserve < 0 { reserve = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        if isWatched { loop.modify(self, for: .readable) } else { start() }
    }

    /// Stops accepting; connections live on. On the loop.
    package func stopAccepting() {
        guard descriptor >= 0 else { return }
        loop.unregister(self)
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Closes connections: those that nothing was asked of, or all. On the loop.
    package func closeConnections(onlyIdle: Bool) {
        for connection in Array(connections.values) where !onlyIdle || connection.isIdle { connection.close() }
    }

    /// Connections of this loop.
    package var connectionCount: Int { connections.count }
}
