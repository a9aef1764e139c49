import MillraceCore
import Testing

@testable import MillraceHTTPClient

@Suite struct RequestUploadTests {
    private struct Broken: Error {}

    /// Hands out pieces until there are none.
    private final class Pieces: Sendable {
        private let rest: Locked<[[UInt8]]>
        init(_ pieces: [[UInt8]]) { rest = Locked(pieces) }
        func next() -> [UInt8]? { rest.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        var left: Int { rest.withLock { $0.count } }
    }

    @Test func aStreamOfKnownLength_goesOutWithThatLength() async throws {
        let seen = Locked(("", ""))
        let pieces = Pieces([Array("abc".utf8), [], Array("de".utf8)])
        try await withPeer({ connection in
            let head = connection.head() ?? ""
            let body = String(decoding: connection.bytes(5), as: UTF8.self)
            seen.withLock { $0 = (head, body) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }) { peer in
            let request = HTTPClientRequest(method: "PUT", url: peer.url, body: .stream(length: 5) { pieces.next() })
            let answer = try await HTTPClient().fetch(request)
            #expect(answer.status == 200)
        }
        let (head, body) = seen.withLock { $0 }
        #expect(head.contains("Content-Length: 5\r\n") && !head.contains("chunked"))
        #expect(body == "abcde")
    }

    @Test func aStreamOfUnknownLength_goesOutChunked_piecesAsTheyCome() async throws {
        let gate = Signal()
        let received = Signal()
        try await withPeer({ connection in
            _ = connection.head()
            #expect(connection.text(through: "abc\r\n") == "3\r\nabc\r\n")
            received.raise()
            #expect(connection.text(through: "0\r\n\r\n") == "2\r\nde\r\n0\r\n\r\n")
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }) { peer in
            let pieces = Pieces([Array("abc".utf8), Array("de".utf8)])
            let request = HTTPClientRequest(
                method: "POST", url: peer.url,
                body: .stream(length: nil) {
                    if pieces.left == 1 {
                        await received.raised()
                        gate.raise()
                    }
                    return pieces.next()
                })
            let status = try await onLoop { try await HTTPClient().fetch(request).status }
            #expect(status == 200)
        }
    }

    @Test func aPeerThatTakesNothing_stopsTheSource() async throws {
        let stalled = Signal()
        let pulled = Locked(0)
        try await withPeer(
            receiveBuffer: 16384,
            { connection in
                _ = connection.head()
                stalled.wait()
                _ = connection.bytes(64 << 20)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        ) { peer in
            let most = Locked(0)
            let request = HTTPClientRequest(
                method: "PUT", url: peer.url,
                body: .stream(length: 64 << 20) {
                    pulled.withLock { count in
                        guard count < 1024 else { return nil }
                        count += 1
                        return [UInt8](repeating: 1, count: 65536)
                    }
                })
            let status = try await onLoop {
                async let status = HTTPClient().fetch(request).status
                // Whatever the kernel takes is taken within this time.
                try await Task.sleep(for: .milliseconds(300))
                most.withLock { $0 = pulled.withLock { $0 } }
                stalled.raise()
                return try await status
            }
            #expect(status == 200)
            #expect(most.withLock { $0 } < 512)
            #expect(pulled.withLock { $0 } == 1024)
        }
    }

    @Test func aSourceThatFails_endsTheExchangeWithItsError() async throws {
        let (begun, ended) = (Signal(), Signal())
        try await withPeer({ connection in
            _ = connection.head()
            begun.raise()
            connection.waitForEnd()
            ended.raise()
        }) { peer in
            let request = HTTPClientRequest(
                method: "PUT", url: peer.url,
                body: .stream(length: nil) {
                    await begun.raised()
                    throw Broken()
                })
            _ = try await onLoop {
                await #expect(throws: Broken.self) { _ = try await HTTPClient().fetch(request) }
            }
            #expect(ended.wait())
        }
    }

    @Test func anAnswerBeforeTheBodyIsSent_isDelivered() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            connection.waitForEnd()
        }) { peer in
            let forever = Signal()
            let pieces = Pieces([[1]])
            let request = HTTPClientRequest(
                method: "PUT", url: peer.url,
                body: .stream(length: nil) {
                    if pieces.left == 0 { await forever.raised() }
                    return pieces.next()
                })
            let answer = try await onLoop {
                defer { forever.raise() }
                return try await HTTPClient().fetch(request)
            }
            #expect(answer.status == 413 && answer.body == "big")
        }
    }
}
