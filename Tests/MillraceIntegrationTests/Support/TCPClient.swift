import Glibc
import MillraceCounterparts

/// A blocking TCP client that sends exactly the bytes it is told to. Every wait has a deadline, which fails the test.
final class TCPClient: @unchecked Sendable {  // Sendable: a test uses it from one thread at a time.
    private(set) var descriptor: Int32
    /// What was received and not yet taken.
    private(set) var received: [UInt8] = []
    /// Whether the other side has ended the connection, in order or by a reset.
    private(set) var isEnded = false
    /// Whether it ended by a reset.
    private(set) var wasReset = false

    /// For how long a client waits before it fails, in milliseconds.
    static let patience: Int32 = 20_000

    /// Connects to a port of this machine.
    /// - Parameter receiveBuffer: the kernel's receive buffer in bytes; small for a reader that is to stall soon.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = Loopback.socket()
        guard descriptor >= 0 else { throw ClientFailure("socket: \(String(cString: strerror(errno)))") }
        if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        guard Loopback.connect(descriptor, port: port) else {
            let error = errno
            close()
            throw ClientFailure("connect to \(port): \(String(cString: strerror(error)))")
        }
    }

    deinit { close() }

    /// Closes the socket.
    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends the sending side.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all bytes. A server that has closed the connection meanwhile is no failure: what it answered before can still be read.
    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                done += count
            } else if errno == EPIPE || errno == ECONNRESET {
                return
            } else if errno != EINTR {
                throw ClientFailure("send: \(String(cString: strerror(errno)))")
            }
        }
    }

    // MARK: Receiving

    /// Waits for more bytes; false at the end of the connection.
    /// - Throws: when nothing comes in time.
    @discardableResult
    func receiveMore(milliseconds: Int32 = TCPClient.patience) throws -> Bool {
        guard try poll(milliseconds: milliseconds) else {
            throw ClientFailure("nothing came within \(milliseconds) ms; so far: \(String(decoding: received.suffix(400), as: UTF8.self))")
        }
        return !isEnded
    }

    /// Waits for more bytes or the end; false when neither came in time.
    func poll(milliseconds: Int32) throws -> Bool {
        if isEnded { return true }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = Glibc.poll(&entry, 1, milliseconds)
        if ready == 0 { return false }
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            received += chunk[..<count]
        } else if count == 0 {
            isEnded = true
        } else if errno == ECONNRESET {
            isEnded = true
            wasReset = true
        } else if errno != EINTR {
            throw ClientFailure("recv: \(String(cString: strerror(errno)))")
        }
        return true
    }

    /// Takes what was received.
    func take(_ count: Int) -> [UInt8] {
        let taken = Array(received[..<count])
        received.removeFirst(count)
        return taken
    }

    /// Gives back what was taken too far.
    func putBack(_ bytes: [UInt8]) { received = bytes + received }

    func takeAll() -> [UInt8] { take(received.count) }

    /// Reads until `marker` has come, and takes everything up to and with it.
    func read(until marker: String) throws -> [UInt8] {
        let marker = Array(marker.utf8)
        var searched = 0
        while true {
            if let end = Self.find(marker, in: received, from: searched) { return take(end) }
            searched = max(0, received.count - marker.count + 1)
            guard try receiveMore() else {
                throw ClientFailure(
                    "the connection ended before '\(String(decoding: marker, as: UTF8.self).debugDescription)': \(String(decoding: received.suffix(400), as: UTF8.self))"
                )
            }
        }
    }

    /// Reads until the connection ends and takes everything.
    func readToEnd() throws -> [UInt8] {
        while try receiveMore() {}
        return takeAll()
    }

    /// The index behind the first `marker` in `bytes`.
    static func find(_ marker: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
        guard bytes.count >= marker.count else { return nil }
        var index = start
        while index + marker.count <= bytes.count {
            if bytes[index] == marker[0], bytes[index..<index + marker.count].elementsEqual(marker) { return index + marker.count }
            index += 1
        }
        return nil
    }
}
