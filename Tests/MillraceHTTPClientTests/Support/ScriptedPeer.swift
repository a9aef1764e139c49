import Glibc
import MillraceCore
import MillraceCounterparts

/// A server on a loopback port that plays a script on every connection, each on a thread of its own, where it may block.
final class ScriptedPeer: @unchecked Sendable {  // Sendable: what changes is behind a lock.
    typealias Script = @Sendable (_ connection: PeerConnection) throws -> Void

    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }
    private let listener: Int32
    private let state = Locked((threads: [NamedThread](), accepted: 0, descriptors: Set<Int32>()))

    /// - Parameter receiveBuffer: what the kernel may take in on each connection, in bytes (0: its own choice).
    init(receiveBuffer: Int32 = 0, script: @escaping Script) throws {
        (listener, port) = try Loopback.listen(backlog: 1024, receiveBuffer: receiveBuffer)
        let thread = try NamedThread(name: "peer") { [unowned self] in self.accept(script) }
        state.withLock { $0.threads.append(thread) }
    }

    /// How many connections came.
    var connections: Int { state.withLock { $0.accepted } }

    /// Ends all connections and waits for the scripts.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        let accepting = state.withLock { $0.threads[0] }
        accepting.join()
        let threads = state.withLock { state in
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
            return state.threads.dropFirst()
        }
        for thread in threads { thread.join() }
        close(listener)
    }

    private func accept(_ script: @escaping Script) {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            let number = state.withLock { state in
                state.accepted += 1
                state.descriptors.insert(descriptor)
                return state.accepted
            }
            let thread = try? NamedThread(name: "peer-script") { [self] in
                try? script(PeerConnection(descriptor, number: number))
                state.withLock { _ = $0.descriptors.remove(descriptor) }
                close(descriptor)
            }
            if let thread { state.withLock { $0.threads.append(thread) } }
        }
    }
}

/// One connection of a ``ScriptedPeer``, blocking.
final class PeerConnection {
    /// Which connection it is, from 1.
    let number: Int
    private let descriptor: Int32
    private var pending: [UInt8] = []

    init(_ descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
    }

    /// The next request's head, with its blank line; `nil` at the end of the connection.
    func head() -> String? {
        while true {
            if let end = pending.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound {
                defer { pending.removeFirst(end) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            guard receive() else { return nil }
        }
    }

    /// The next bytes of a body.
    func bytes(_ count: Int) -> [UInt8] {
        while pending.count < count, receive() {}
        defer { pending.removeFirst(min(count, pending.count)) }
        return Array(pending.prefix(count))
    }

    /// Everything until `end` has been received.
    func text(through end: String) -> String {
        while true {
            if let range = pending.firstRange(of: Array(end.utf8)) {
                defer { pending.removeFirst(range.upperBound) }
                return String(decoding: pending[..<range.upperBound], as: UTF8.self)
            }
            guard receive() else { return "" }
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw MillraceError(.system, "the client is gone") }
            rest = rest.dropFirst(sent)
        }
    }

    /// Sends until the client takes nothing for a moment.
    /// - Returns: how many bytes were taken.
    func sendUntilStalled(_ piece: [UInt8]) -> Int {
        var patience = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        defer {
            patience = timeval(tv_sec: 0, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        var total = 0
        while true {
            let sent = piece.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return total }
            total += sent
        }
    }

    /// Waits; false as soon as the client has closed its side.
    func wait(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) == 0
    }

    /// The end of the script will reset the connection instead of closing it.
    func resetAtEnd() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    /// Blocks until the client has closed its side.
    func waitForEnd() { while receive() {} }

    private func receive() -> Bool {
        var part = [UInt8](repeating: 0, count: 65536)
        let count = part.withUnsafeMutableBytes { Glibc.recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return false }
        pending += part.prefix(count)
        return true
    }
}

/// Something that happened on another thread, to wait for.
final class Signal: Sendable {
    private struct State {
        var count = 0
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Monitor(State())

    func raise() {
        var woken: [CheckedContinuation<Void, Never>] = []
        state.updateAndWakeAll { state in
            state.count += 1
            woken = state.waiting.filter { $0.count <= state.count }.map(\.continuation)
            state.waiting.removeAll { $0.count <= state.count }
        }
        for continuation in woken { continuation.resume() }
    }

    /// Blocks until it was raised `count` times; false when that did not happen within 20 seconds.
    @discardableResult
    func wait(_ count: Int = 1) -> Bool { state.wait(nanoseconds: 20_000_000_000) { $0.count >= count ? true : nil } ?? false }

    /// Suspends until it was raised.
    func raised() async {
        await withCheckedContinuation { continuation in
            var isRaised = false
            state.update { state in
                isRaised = state.count > 0
                if !isRaised { state.waiting.append((1, continuation)) }
                return false
            }
            if isRaised { continuation.resume() }
        }
    }
}
