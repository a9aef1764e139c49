import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// Servers that trickle, stall, send garbage, leave early or never end, each at every stage: every one of them is an error in time.
///
/// What one of them does in a special way is in ``HTTPClientLimitTests`` and ``HTTPClientHostilePeerTests``.
@Suite struct HTTPClientBrokenPeerTests {
    let client = HTTPClient()
    private static let head = "HTTP/1.1 200 OK\r\n"

    private func outcome(
        idle: Duration = .milliseconds(300), total: Duration? = nil, limit: Int = 1 << 20, _ script: @escaping ScriptedPeer.Script
    ) async throws -> (code: ErrorCode?, timeout: JSONValue?) {
        let client = client
        return try await withPeer({ connection in
            _ = connection.head()
            try script(connection)
        }) { peer in
            var request = HTTPClientRequest(url: peer.url)
            request.timeouts.firstByte = .seconds(5)
            request.timeouts.idle = idle
            request.timeouts.total = total
            request.responseByteLimit = limit
            let bounded = request
            return try await onLoop {
                do {
                    _ = try await client.fetch(bounded)
                    return (nil, nil)
                } catch let error as MillraceError { return (error.code, error.details["timeout"]) }
            }
        }
    }

    // MARK: Trickles: bytes keep coming, and no pause is long enough to be a stall

    /// A line of the head and what stands around chunks are no progress before they are complete: then the time between two pieces ends it.
    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
    ])
    func aTrickle_isEndedInTime(start: String) async throws {
        let (code, timeout) = try await outcome(total: .milliseconds(400)) { connection in
            try connection.send(start.isEmpty ? "H" : start)
            let letters = start.isEmpty ? Array("TTP/1.1 200 OK\r\nA: ".utf8) : []
            for letter in letters + [UInt8](repeating: UInt8(ascii: "a"), count: 100_000) {
                guard connection.wait(milliseconds: 10) else { return }
                try connection.send([letter])
            }
        }
        #expect(code == .timeout)
        let isBody = start.hasSuffix("100000\r\n\r\n")
        #expect(timeout == "total" || !isBody && timeout == "idle", "\(String(describing: timeout))")
    }

    // MARK: Without an end

    enum Endless: String, CaseIterable, Sendable { case interimResponses, header, headerLine, body, chunks, trailers, chunkExtension }

    @Test(arguments: Endless.allCases) func whatNeverEnds_isCutAtALimit(what: Endless) async throws {
        let (code, _) = try await outcome(idle: .seconds(1), total: .seconds(20)) { connection in
            let chunked = Self.head + "Transfer-Encoding: chunked\r\n\r\n"
            let (start, piece) =
                switch what {
                case .interimResponses: ("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
                case .header: (Self.head, "A: \(String(repeating: "x", count: 1000))\r\n")
                case .headerLine: (Self.head + "A: ", String(repeating: "x", count: 1000))
                case .body: (Self.head + "\r\n", String(repeating: "x", count: 10_000))
                case .chunks: (chunked, "1\r\nx\r\n")
                case .trailers: (chunked + "0\r\n", "A: \(String(repeating: "x", count: 1000))\r\n")
                case .chunkExtension: (chunked + "1;", String(repeating: "x", count: 1000))
                }
            try connection.send(start)
            let pieces = Array(String(repeating: piece, count: max(1, 100_000 / piece.utf8.count)).utf8)
            // Until the client has had enough: it may take a gigabyte a second.
            while true { try connection.send(pieces) }
        }
        switch what {
        // libcurl gives up on a line of 100 KiB by itself.
        case .headerLine: #expect(code == .limitExceeded || code == .connectionLost, "\(String(describing: code))")
        // It keeps none of it, and nothing of it is a piece of the answer.
        case .chunkExtension: #expect(code == .timeout, "\(String(describing: code))")
        case .interimResponses, .header, .body, .chunks, .trailers: #expect(code == .limitExceeded, "\(String(describing: code))")
        }
    }

    // MARK: Garbage

    @Test(arguments: [
        "\u{16}\u{3}\u{3}\u{0}\u{7A}\u{2}\u{0}", "SSH-2.0-OpenSSH_9.2\r\n", "220 mail.example ESMTP\r\n", "-ERR unknown command\r\n",
        "<html>no head at all</html>", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n", "\r\n\r\n\r\n",
        "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
    ])
    func whatIsNoHTTP_isAnError(text: String) async throws {
        let (code, _) = try await outcome { connection in try connection.send(text) }
        #expect(code == .unreachable || code == .connectionLost, "\(String(describing: code))")
    }

    @Test(arguments: [
        "Content-Length: -1\r\n\r\nx", "Content-Length: abc\r\n\r\nx",
        "Content-Length: 1000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\nzz\r\nx", "Transfer-Encoding: chunked\r\n\r\n-1\r\nx",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx", "Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
    func aBodyThatIsFramedWrongly_isAnError(rest: String) async throws {
        let (code, _) = try await outcome { connection in try connection.send(Self.head + rest) }
        #expect(code == .connectionLost || code == .unreachable, "\(String(describing: code))")
    }

    /// More than was announced is not read, and never taken for the next answer.
    @Test func aBodyThatIsLongerThanSaid_endsWhereItSaid_andTheConnectionIsNotUsedAgain() async throws {
        try await withPeer({ connection in
            while connection.head() != nil {
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            }
        }) { peer in
            let client = client
            let answers = try await onLoop {
                var answers: [String] = []
                for _ in 0..<3 { answers.append(try await client.fetch(HTTPClientRequest(url: peer.url)).body) }
                return answers
            }
            #expect(answers == ["ok", "ok", "ok"])
        }
    }

    /// Nothing is asked for in compressed form, and what comes so all the same stays as it is: no bomb can go off.
    @Test func aCompressedBody_isNotUnpacked() async throws {
        let heads = Locked("")
        try await withPeer({ connection in
            heads.withLock { $0 = connection.head() ?? "" }
            // A deflate block that would be 1,000 times its size.
            try connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n")
            try connection.send([0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03])
        }) { peer in
            let count = try await client.exchange(HTTPClientRequest(url: peer.url)) { try await $0.collect().count }
            #expect(count == 10)
            #expect(!heads.withLock { $0 }.lowercased().contains("accept-encoding"))
        }
    }

    // MARK: Resets

    @Test(arguments: ["", "HTT", "HTTP/1.1 200 OK\r\nA: b", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
    func aReset_isALostConnection(start: String) async throws {
        let (code, _) = try await outcome { connection in
            try connection.send(start)
            connection.resetAtEnd()
        }
        #expect(code == .connectionLost)
    }

    /// A redirect is handed back, so that there is no loop to follow: one request, one answer.
    @Test func aRedirectToItself_isOneRequest() async throws {
        let requests = Locked(0)
        try await withPeer({ connection in
            while connection.head() != nil {
                requests.withLock { $0 += 1 }
                try connection.send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
            }
        }) { peer in
            let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
            #expect(answer.status == 302)
        }
        #expect(requests.withLock { $0 } == 1)
    }
}
