import Glibc
import MillraceCore

/// One HTTP/1.1 connection to a server on the loopback, with blocking calls: what the benchmark prepares and asks outside of a load.
///
/// It is as simple as a client can be, so that it can misbehave on purpose: nothing is sent or read unless it is told to.
final class LoopbackConnection {
    struct Head: Equatable {
        var status: Int
        /// By their names in lower case.
        var headers: [String: String]
    }

    private var descriptor: Int32
    private var unread: [UInt8] = []
    /// Bytes of the chunk or the body that are still to come; `nil` between chunks.
    private var left: Int?
    private var isChunked = false
    private var bodyHasEnded = true
    private let port: Int

    /// - Parameters:
    ///   - seconds: the longest wait for the server in any one call.
    ///   - receiveBuffer: bytes that the kernel keeps for a reader that does not read; `nil`: its own choice.
    init(port: Int, seconds: Double = 30, receiveBuffer: Int32? = nil) throws(MillraceError) {
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .lastCall("cannot make a socket") }
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int((seconds - seconds.rounded(.down)) * 1e6))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
        guard LoopbackPort.connect(descriptor, to: port) else {
            let error = MillraceError.lastCall("cannot connect to port \(port)")
            close(descriptor)
            descriptor = -1
            throw error
        }
    }

    deinit { end() }

    /// Closes the connection, with a reset where bytes are unread.
    func end() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Sends a request, and with it a body of JSON where there is no other `Content-Type` among the headers.
    func send(_ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil) throws(MillraceError) {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body {
            if headers["Content-Type"] == nil { text += "Content-Type: application/json\r\n" }
            text += "Content-Length: \(body.utf8.count)\r\n"
        }
        try send(raw: text + "\r\n" + (body ?? ""))
    }

    func send(raw text: String) throws(MillraceError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .lastCall("the server takes no request") }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads the head of the response.
    func head() throws(MillraceError) -> Head {
        var lines: [String] = []
        while true {
            let line = try self.line()
            if line.isEmpty { break }
            lines.append(line)
        }
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else { throw MillraceError(.system, "the response has no status line") }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop(while: { $0 == " " }))
        }
        isChunked = headers["transfer-encoding"]?.contains("chunked") ?? false
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        left = isChunked ? nil : length
        bodyHasEnded = !isChunked && length == 0 || status == 204 || status == 304
        return Head(status: status, headers: headers)
    }

    /// Some bytes of the body as they come; `nil` at its end.
    func bodyPart() throws(MillraceError) -> [UInt8]? {
        if bodyHasEnded { return nil }
        if left == nil {
            let size = try line()
            guard let length = Int(size.split(separator: ";").first ?? "", radix: 16) else {
                throw MillraceError(.system, "'\(size)' is no chunk size")
            }
            if length == 0 {
                while try !line().isEmpty {}
                bodyHasEnded = true
                return nil
            }
            left = length
        }
        if unread.isEmpty { try readMore() }
        let count = min(left ?? 0, unread.count)
        let part = Array(unread.prefix(count))
        unread.removeFirst(count)
        left = (left ?? 0) - count
        if left == 0 {
            if isChunked {
                _ = try line()
                left = nil
            } else {
                bodyHasEnded = true
            }
        }
        return part
    }

    /// The rest of the body.
    func body() throws(MillraceError) -> String {
        var bytes: [UInt8] = []
        while let part = try bodyPart() { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A whole exchange.
    func exchange(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil
    ) throws(MillraceError) -> (head: Head, body: String) {
        try send(method, path, headers: headers, body: body)
        let head = try head()
        return (head, try self.body())
    }

    private func line() throws(MillraceError) -> String {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeSubrange(...end)
                // "\r\n" is one character of a Swift string, but the newline is gone here.
                return line.last == "\r" ? String(line.dropLast()) : line
            }
            try readMore()
        }
    }

    private func readMore() throws(MillraceError) {
        var part = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = part.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw .lastCall("the server sends nothing") }
            if count == 0 { throw MillraceError(.system, "the server closed the connection") }
            unread.append(contentsOf: part.prefix(count))
            return
        }
    }
}
