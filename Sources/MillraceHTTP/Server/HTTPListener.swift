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

/// Accepts connections for one loop. A socket that this process has bound is the loop's own: all of them are on the same address
/// (`SO_REUSEPORT`), and the kernel spreads clients over them. Of one that was handed over every loop may have a descriptor. Confined to its
/// loop.
package final class HTTPListener: EventSource, @unchecked Sendable {  // Sendable: posted closures carry it to its own loop only.
    private let loop: EventLoop
    private let server: HTTPServerContext
    private let state: HTTPLoopState
    private lazy var pause = ActionTimer { [unowned self] in self.resume() }
    /// Kept open so that one connection can be accepted and closed when the process has no descriptor left.
    private var reserve: Int32
    /// Whether other loops accept on the same socket.
    private let isShared: Bool
    /// Whether accepting rests, for want of descriptors, memory or watches; the kernel does not watch the socket then.
    private var isResting = false

    /// What becomes of a listening socket when its listener stops.
    package enum Parting: Equatable, Sendable {
        /// Nobody goes on with it: what waits is accepted, then it is closed, and further clients are refused.
        case close
        /// Others hold it, and clients wait in it for them.
        case leave
        /// As ``leave``, and this process is one of them: the descriptor is handed back.
        case keep
    }

    /// How many connections one turn accepts before the others get their share.
    private static let acceptsPerTurn = 64
    /// How long accepting rests when the kernel has nothing left for a connection.
    private static let restNanoseconds: Int64 = 100_000_000

    /// Binds and listens.
    /// - Parameters:
    ///   - address: a numeric IPv4 or IPv6 address.
    ///   - port: 0 for any free one.
    /// - Throws: ``MillraceError`` that says what holds the address.
    package convenience init(address: String, port: Int, loop: EventLoop, server: HTTPServerContext) throws(MillraceError) {
        self.init(descriptor: try Socket.listen(address: address, port: port), isShared: false, loop: loop, server: server)
    }

    /// Takes over a listening socket.
    /// - Parameters:
    ///   - descriptor: a descriptor of it that is this listener's own.
    ///   - isShared: whether other loops accept on it, too.
    package init(descriptor: Int32, isShared: Bool, loop: EventLoop, server: HTTPServerContext) {
        self.loop = loop
        self.server = server
        state = HTTPLoopState(loop: loop, server: server)
        self.isShared = isShared
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
        isResting = !loop.register(self, for: isShared ? [.readable, .exclusive] : .readable)
        guard isResting else { return }
        server.logger.error("cannot accept: the kernel has no memory, or no watches left for epoll")
        loop.set(pause, after: Self.restNanoseconds)
    }

    override package func ready(_ readiness: Readiness) {
        // What a turn has stopped may have been reported to it before.
        if descriptor >= 0, !isResting { acceptSome() }
    }

    /// Accepts one turn's share. Returns whether more may wait.
    @discardableResult
    private func acceptSome() -> Bool {
        for _ in 0..<Self.acceptsPerTurn {
            let (accepted, peer) = Socket.accept(descriptor)
            switch -accepted {
            case ...0: accept(accepted, peer: peer)
            case EAGAIN: return false
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                refuseOne(-accepted)
                return false
            default: break  // That client's connection failed before it was accepted (accept(2)): the next may be well.
            }
        }
        return true
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
        let connection = HTTPConnection(descriptor: socket, peer: peer, state: state)
        state.add(connection)
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
        // Taken out, for what an exclusive source is watched for cannot be modified.
        loop.unregister(self)
        isResting = true
        loop.set(pause, after: Self.restNanoseconds)
    }

    private func resume() {
        guard isResting, descriptor >= 0 else { return }
        isResting = false
        // Somebody else may have taken the descriptor that was given up for a moment.
        if reserve < 0 { reserve = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        start()
    }

    /// Stops accepting; connections live on. On the loop.
    /// - Returns: the socket, if it is to be kept.
    @discardableResult
    package func stopAccepting(_ parting: Parting) -> Int32? {
        guard descriptor >= 0 else { return nil }
        // Whoever waits in a socket that is closed gets a reset, and these have been told that they are connected.
        var turns = parting == .close && !isResting ? Self.turnsAtTheEnd : 0
        while turns > 0, acceptSome() { turns -= 1 }
        if !isResting { loop.unregister(self) }
        isResting = false
        loop.clear(pause)
        let socket = descriptor
        descriptor = -1
        if parting == .keep { return socket }
        Glibc.close(socket)
        return nil
    }

    /// Times ``acceptsPerTurn``: as many as the backlog holds.
    private static let turnsAtTheEnd = 64

    /// Which connections are closed.
    package enum Closing: Sendable {
        /// Those that wait between two requests.
        case betweenRequests
        /// Those, and the ones that have not asked for anything.
        case idle
        /// All.
        case all
    }

    /// Closes connections. On the loop.
    package func closeConnections(_ closing: Closing) {
        for connection in Array(state.connections.values) {
            switch closing {
            case .betweenRequests: if connection.isIdle, connection.hasAnswered, !connection.hasInput { connection.close() }
            case .idle: if connection.isIdle, !connection.hasInput { connection.close() }
            case .all: connection.close()
            }
        }
    }

    /// Asks the sources of all streams for more, such as their end. On the loop.
    package func wakeStreams() {
        for connection in Array(state.connections.values) { connection.bodyIsReady() }
    }

    /// Connections of this loop.
    package var connectionCount: Int { state.connections.count }
}
