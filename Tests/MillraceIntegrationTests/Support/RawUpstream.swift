import Glibc
import MillraceCore
import MillraceCounterparts

/// A server on a loopback port that reads a request on each connection and then does what a test wants with the socket, on a thread of its own.
final class RawUpstream: Sendable {
    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }
    private let listener: Int32
    private let state = Locked((threads: [NamedThread](), open: Set<Int32>(), accepted: 0))

    /// How many connections came.
    var connections: Int { state.withLock { $0.accepted } }

    /// - Parameter behaviour: gets the socket behind a request's head and what has come of its body; the socket is closed when it returns.
    init(_ behaviour: @escaping @Sendable (Int32) -> Void) throws {
        (listener, port) = try Loopback.listen()
        let thread = try NamedThread(name: "upstream") { [unowned self] in self.accept(behaviour) }
        state.withLock { $0.threads.append(thread) }
    }

    /// Ends all connections and waits for their threads.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { $0.threads[0] }.join()
        let threads = state.withLock { state in
            for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
            return state.threads.dropFirst()
        }
        for thread in threads { thread.join() }
        close(listener)
    }

    private func accept(_ behaviour: @escaping @Sendable (Int32) -> Void) {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            state.withLock { state in
                state.open.insert(descriptor)
                state.accepted += 1
            }
            let thread = try? NamedThread(name: "upstream-peer") { [self] in
                if Self.readHead(descriptor) { behaviour(descriptor) }
                state.withLock { _ = $0.open.remove(descriptor) }
                close(descriptor)
            }
            if let thread { state.withLock { $0.threads.append(thread) } }
        }
    }

    private static func readHead(_ descriptor: Int32) -> Bool {
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while TCPClient.find(Array("\r\n\r\n".utf8), in: received) == nil {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return false }
            received += piece[..<count]
        }
        return true
    }

    /// Sends all of a text; false when the other side has gone.
    @discardableResult
    static func send(_ descriptor: Int32, _ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Sends a text again and again, some milliseconds apart, until the other side has gone.
    static func repeatWithoutEnd(_ descriptor: Int32, _ text: String, milliseconds: Int32 = 0) {
        while send(descriptor, text) {
            if milliseconds > 0 { TestFiles.pause(milliseconds: milliseconds) }
        }
    }

    /// Reads until the other side has gone.
    static func waitForEnd(_ descriptor: Int32) {
        var piece = [UInt8](repeating: 0, count: 65536)
        while recv(descriptor, &piece, piece.count, 0) > 0 {}
    }
}
