import Glibc
import MillraceCore
import MillraceCounterparts

/// A blocking TCP connection to a server on this machine, whose reads fail when nothing comes for too long.
final class TestConnection {
    private(set) var descriptor: Int32
    private var received: [UInt8] = []

    /// How long a read may wait, in seconds: long enough for a busy machine, short enough for a test that hangs.
    static let patience = 20

    init(port: Int) throws {
        // Not for the servers that are started meanwhile: they would keep the connection open.
        descriptor = Loopback.socket()
        var patience = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard Loopback.connect(descriptor, port: port) else {
            // Closed by `deinit`, which follows: twice could close a descriptor that is somebody else's by then.
            let reason = String(cString: strerror(errno))
            throw MillraceError(.system, "cannot connect to port \(port): \(reason)")
        }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw MillraceError(.system, "cannot send: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    /// The next bytes; empty at the end of the stream or after a reset.
    func receive(limit: Int = 65536) throws -> [UInt8] {
        if !received.isEmpty {
            defer { received.removeAll() }
            return received
        }
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        if count < 0 {
            if errno == ECONNRESET { return [] }
            throw MillraceError(.timeout, "nothing came for \(Self.patience) s: \(String(cString: strerror(errno)))")
        }
        return Array(buffer[..<count])
    }

    func pushBack(_ bytes: ArraySlice<UInt8>) { received = bytes + received }

    /// Everything up to the end of the stream.
    func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = try receive()
            if piece.isEmpty { return all }
            all += piece
        }
    }
}

/// A response as it came over a connection.
struct TestResponse {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    func json() throws -> JSONValue { try JSONValue(parsing: body) }
}

/// Reads one response after the other from a connection.
struct ResponseReader {
    let connection: TestConnection

    /// The head; the body's bytes stay in the connection.
    func head() throws -> TestResponse {
        var bytes: [UInt8] = []
        while true {
            if let end = Self.find([13, 10, 13, 10], in: bytes) {
                connection.pushBack(bytes[(end + 4)...])
                let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
                }
                let status = lines.first.map { $0.split(separator: " ") }.flatMap { $0.count > 1 ? Int($0[1]) : nil }
                return TestResponse(status: status ?? 0, headers: headers, body: [])
            }
            let piece = try connection.receive()
            if piece.isEmpty {
                throw MillraceError(.system, "the connection closed before a whole head came: \(String(decoding: bytes, as: UTF8.self))")
            }
            bytes += piece
        }
    }

    /// A whole response.
    func response() throws -> TestResponse {
        var response = try head()
        if let length = response.headers["content-length"].flatMap({ Int($0) }) {
            while response.body.count < length {
                let piece = try connection.receive()
                if piece.isEmpty { throw MillraceError(.system, "the body is cut") }
                response.body += piece
            }
            connection.pushBack(response.body[length...])
            response.body = Array(response.body[..<length])
        } else if response.headers["transfer-encoding"] == "chunked" {
            var decoder = ChunkDecoder()
            while !decoder.isComplete {
                let piece = try connection.receive()
                if piece.isEmpty { throw MillraceError(.system, "the chunked body is cut") }
                response.body += decoder.receive(piece)
            }
        } else if response.status != 204 {
            response.body = try connection.receiveAll()
        }
        return response
    }

    static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return (0...(bytes.count - needle.count)).first { bytes[$0] == needle[0] && Array(bytes[$0..<($0 + needle.count)]) == needle }
    }
}

/// Takes chunked framing away (RFC 9112, section 7.1), for a well-behaved server.
struct ChunkDecoder {
    private var buffer: [UInt8] = []
    private(set) var isComplete = false

    mutating func receive(_ bytes: [UInt8]) -> [UInt8] {
        buffer += bytes
        var out: [UInt8] = []
        var position = 0
        while !isComplete {
            guard let lineEnd = buffer[position...].firstIndex(of: 10) else { break }
            let size = Int(String(decoding: buffer[position..<(lineEnd - 1)], as: UTF8.self), radix: 16) ?? 0
            guard buffer.count >= lineEnd + 1 + size + 2 else { break }
            out += buffer[(lineEnd + 1)..<(lineEnd + 1 + size)]
            position = lineEnd + 1 + size + 2
            if size == 0 { isComplete = true }
        }
        buffer.removeFirst(position)
        return out
    }
}
