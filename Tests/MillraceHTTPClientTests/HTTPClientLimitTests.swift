import MillraceCore
import MillraceEventLoop
import Testing

@testable import MillraceHTTPClient

/// What goes wrong: peers that stall, break off or send too much.
@Suite struct HTTPClientLimitTests {
    let client = HTTPClient()

    @Test func aReaderThatDoesNotRead_stopsThePeer_andLosesNothing() async throws {
        let stalled = Signal()
        let taken = Locked(0)
        let piece = (0..<65536).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let total = 64 << 20
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let sent = connection.sendUntilStalled(piece)
            taken.withLock { $0 = sent }
            stalled.raise()
            var rest = total - sent
            var offset = sent % piece.count
            while rest > 0 {
                let part = Array(piece[offset...].prefix(rest))
                try connection.send(part)
                rest -= part.count
                offset = 0
            }
            connection.waitForEnd()
        }) { peer in
            let client = client
            let (count, isRight) = try await onLoop {
                var request = HTTPClientRequest(url: peer.url)
                request.timeouts.idle = .seconds(20)
                request.responseByteLimit = total
                return try await client.exchange(request) { response in
                    await stalled.raised()
                    var (count, isRight) = (0, true)
                    while try await response.read({ bytes in
                        isRight = isRight && bytes.first == piece[count % piece.count]
                        #expect(bytes.count <= 64 << 10)
                        count += bytes.count
                    }) {}
                    return (count, isRight)
                }
            }
            #expect(count == total && isRight)
            // What two kernels buffer is far from all of it.
            #expect(taken.withLock { $0 } < 32 << 20)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ]) func aBodyThatBreaksOff_givesWhatCame_andThenAnError(answer: String) async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send(answer)
        }) { peer in
            let client = client
            let (text, outcome) = try await onLoop {
                var text = ""
                let outcome = await code {
                    try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                        while try await response.read({ text += String(decoding: $0, as: UTF8.self) }) {}
                    }
                }
                return (text, outcome)
            }
            #expect(text == "half")
            #expect(outcome == .connectionLost)
        }
    }

    @Test func aPeerThatClosesWithoutAnswer_isALostConnection() async throws {
        try await withPeer({ connection in _ = connection.head() }) { peer in
            let client = client
            let error = await #expect(throws: MillraceError.self) { _ = try await client.fetch(HTTPClientRequest(url: peer.url)) }
            #expect(error?.code == .connectionLost && error?.isRetryable == true)
        }
    }

    @Test func nobodyListens_isUnreachable() async throws {
        let peer = try ScriptedPeer { _ in }
        peer.stop()
        let error = await #expect(throws: MillraceError.self) { _ = try await client.fetch(HTTPClientRequest(url: peer.url)) }
        #expect(error?.code == .unreachable && error?.isRetryable == true)
        #expect(error?.message == "nothing listens on 127.0.0.1:\(peer.port)")
    }

    @Test func anUnknownName_isUnreachable() async throws {
        let resolver = HostResolver { host in .failure(MillraceError(.unreachable, "the host name '\(host)' is not known")) }
        let client = HTTPClient(resolver: resolver)
        #expect(await code { _ = try await client.fetch(HTTPClientRequest(url: "http://model.example")) } == .unreachable)
        let empty = HTTPClient(resolver: HostResolver { _ in .success([]) })
        #expect(await code { _ = try await empty.fetch(HTTPClientRequest(url: "http://model.example")) } == .unreachable)
    }

    @Test func aName_isConnectedToAtItsAddresses_theSecondWhenTheFirstIsDead() async throws {
        let seen = Locked("")
        try await withPeer({ connection in
            seen.withLock { $0 = connection.head() ?? "" }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }) { peer in
            let client = HTTPClient(resolver: HostResolver { _ in .success(["127.0.0.9", "127.0.0.1"]) })
            let answer = try await client.fetch(HTTPClientRequest(url: "http://model.example:\(peer.port)/"))
            #expect(answer.body == "ok")
            #expect(seen.withLock { $0 }.contains("Host: model.example:\(peer.port)\r\n"))
        }
    }

    @Test(arguments: [(10, nil), (9, ErrorCode.limitExceeded)]) func theResponseLimit_isExact(limit: Int, expected: ErrorCode?) async throws
    {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n")
            connection.waitForEnd()
        }) { peer in
            let client = client
            var request = HTTPClientRequest(url: peer.url)
            request.responseByteLimit = limit
            let bounded = request
            let outcome = try await onLoop { await code { _ = try await client.fetch(bounded) } }
            #expect(outcome == expected)
        }
    }

    @Test(arguments: [(4 << 20, nil), ((4 << 20) + 1, ErrorCode.limitExceeded)])
    func anEventOfAStream_mayHaveFourMebibytes(bytes: Int, expected: ErrorCode?) async throws {
        try await withPeer({ connection in
            _ = connection.head()
            // The line's name counts as well.
            try? connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata:" + String(repeating: "x", count: bytes - 5) + "\n\n")
        }) { peer in
            let client = client
            let outcome = try await onLoop {
                await code {
                    try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                        try await response.forEachServerSentEvent { _ in true }
                    }
                }
            }
            #expect(outcome == expected)
        }
    }

    @Test func aHeadThatIsTooLong_isRefused() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try? connection.send("HTTP/1.1 200 OK\r\n" + String(repeating: "A: \(String(repeating: "x", count: 1000))\r\n", count: 300))
            connection.waitForEnd()
        }) { peer in
            #expect(await code { _ = try await client.fetch(HTTPClientRequest(url: peer.url)) } == .limitExceeded)
        }
    }

    // MARK: Deadlines

    private enum Stall: String, CaseIterable {
        case connect, firstByte, idle, total
    }

    @Test(arguments: Stall.allCases) private func aPeerThatStalls_isGivenUp(stall: Stall) async throws {
        let release = Signal()
        let ended = Signal()
        try await withPeer({ connection in
            // Also when the client gave up before the answer could be sent.
            defer { ended.raise() }
            _ = connection.head()
            if stall != .firstByte { try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") }
            connection.waitForEnd()
        }) { peer in
            let resolver = HostResolver { _ in
                if stall == .connect { release.wait() }
                return .success(["127.0.0.1"])
            }
            let client = HTTPClient(resolver: resolver)
            var request = HTTPClientRequest(url: "http://model.example:\(peer.port)/")
            switch stall {
            case .connect: request.timeouts.connect = .milliseconds(30)
            case .firstByte: request.timeouts.firstByte = .milliseconds(30)
            case .idle: request.timeouts.idle = .milliseconds(30)
            // From before there is a connection, which a busy machine may not have made within a few milliseconds.
            case .total: request.timeouts.total = .milliseconds(300)
            }
            let stalling = request
            let error = try await onLoop {
                await #expect(throws: MillraceError.self) { _ = try await client.fetch(stalling) }
            }
            release.raise()
            #expect(error?.code == .timeout && error?.isRetryable == true)
            #expect(error?.details["timeout"] == .string(stall.rawValue))
            if stall != .connect { #expect(ended.wait()) }
        }
    }

    @Test func theReadersOwnTime_isNoIdleTime() async throws {
        let taken = Signal()
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
            taken.wait()
            try connection.send("half")
            connection.waitForEnd()
        }) { peer in
            let client = client
            let count = try await onLoop {
                try await client.exchange(Self.idling(peer.url)) { response in
                    var count = 0
                    _ = try await response.read { count += $0.count }
                    taken.raise()
                    // Three times the idle time, but the reader's own: nothing is waited for in it, and what comes waits for the reader.
                    try await EventLoop.current?.sleep(nanoseconds: 600_000_000)
                    while try await response.read({ count += $0.count }) {}
                    return count
                }
            }
            #expect(count == 8)
        }
    }

    private static func idling(_ url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.timeouts.idle = .milliseconds(200)
        return request
    }

    // MARK: Secrets and bad requests

    @Test(arguments: ["http://user:pass@127.0.0.1/", "http://user@127.0.0.1/"]) func credentialsInTheURL_areRefused(url: String)
        async throws
    {
        let error = await #expect(throws: MillraceError.self) { _ = try await client.fetch(HTTPClientRequest(url: url)) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("user") == false)
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/passwd", "nonsense", "http://[::1", "https://u:hunter2@[::1?key=hunter2"])
    func whatIsNoHTTPURL_isRefusedWithoutItsSecrets(url: String) async throws {
        let error = await #expect(throws: MillraceError.self) { _ = try await client.fetch(HTTPClientRequest(url: url)) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test func aLineBreakInAHeader_isRefusedWithoutItsValue() async throws {
        let request = HTTPClientRequest(url: "http://127.0.0.1:1/", headers: ["Authorization": "Bearer hunter2\r\nX: y"])
        let error = await #expect(throws: MillraceError.self) { _ = try await client.fetch(request) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message == "the header Authorization holds a line break or a NUL byte")
    }
}
