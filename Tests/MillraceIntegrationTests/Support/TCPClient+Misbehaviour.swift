import Glibc

extension TCPClient {
    private static let sendNow = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)

    /// Closes the connection by a reset: what is under way in either direction is lost.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Sends bytes one by one, some milliseconds apart, until all are sent, or the server has answered or ended the connection.
    /// - Returns: how many were sent.
    @discardableResult
    func trickle(_ text: String, milliseconds: Int32 = 10) throws -> Int {
        var count = 0
        for byte in text.utf8 {
            try send([byte])
            count += 1
            if try poll(milliseconds: milliseconds) { break }
        }
        return count
    }

    /// Sends as much as the other side takes, for so long at most.
    /// - Returns: how many bytes it took.
    func sendAsMuchAsPossible(_ piece: [UInt8], milliseconds: Int32, limit: Int = .max) -> Int {
        var sent = 0
        while sent < limit {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard Glibc.poll(&entry, 1, milliseconds) == 1 else { break }
            let count = piece.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Self.sendNow) }
            if count < 0 { break }
            sent += count
        }
        return sent
    }
}
