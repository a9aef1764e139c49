import Glibc
import MillraceCore
import MillraceCounterparts

/// A TCP proxy that passes everything on, and cuts the first event stream once its fifth event has gone through.
final class CuttingProxy: @unchecked Sendable {  // Sendable: `whenCut` is set before the first connection comes.
    let port: Int
    /// Called when the stream has been cut.
    var whenCut: @Sendable () -> Void = {}
    private let listener: Int32
    private let target: Int
    private let state = Locked((hasCut: false, isStopped: false, threads: [NamedThread]()))

    init(to target: Int) throws {
        self.target = target
        (listener, port) = try Loopback.listen(backlog: 16)
        let accepting = try NamedThread(name: "proxy") { [unowned self] in self.accept() }
        state.withLock { $0.threads.append(accepting) }
    }

    /// Ends all connections and the threads.
    func stop() {
        let threads = state.withLock { state in
            state.isStopped = true
            return state.threads
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for thread in threads { thread.join() }
        close(listener)
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let thread = try? NamedThread(name: "proxy-pass") { [unowned self] in self.pass(client) }
            if let thread { state.withLock { $0.threads.append(thread) } } else { close(client) }
        }
    }

    private func pass(_ client: Int32) {
        defer { close(client) }
        guard let server = try? TestConnection(port: target) else { return }
        var buffer = [UInt8](repeating: 0, count: 65536)
        var events = 0
        while !state.withLock({ $0.isStopped }) {
            var ready = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ready, 2, 100) >= 0 else { return }
            for (from, to) in [(0, server.descriptor), (1, client)] where ready[from].revents != 0 {
                let count = recv(ready[from].fd, &buffer, buffer.count, 0)
                guard count > 0, send(to, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
                if from == 1 {
                    events += buffer[..<count].split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: Array("event: ".utf8)) }.count
                }
            }
            if events >= 5,
                state.withLock({ state in
                    defer { state.hasCut = true }
                    return !state.hasCut
                })
            {
                whenCut()
                return
            }
        }
    }
}
