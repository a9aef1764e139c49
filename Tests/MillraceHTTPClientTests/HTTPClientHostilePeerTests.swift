import MillraceCore
import MillraceEventLoop
import Testing

@testable import MillraceHTTPClient

/// Peers that keep to the letter of HTTP or not even to that, and requests that are odd.
@Suite struct HTTPClientHostilePeerTests {
    let client = HTTPClient()

    @Test func trailersWithoutEnd_afterTheReaderHasLeft_endTheTransferQuietly() async throws {
        let left = Signal()
        let sent = Signal()
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nenough\r\n0\r\n")
            left.wait()
            try? connection.send(String(repeating: "T: \(String(repeating: "x", count: 1000))\r\n", count: 300))
            connection.waitForEnd()
            sent.raise()
        }) { peer in
            let client = client
            try await onLoop {
                try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                    _ = try await response.read { _ in }
                    response.discardRest()
                }
                left.raise()
                await sent.raised()
                // Past the time for which what is left is read.
                try await EventLoop.current?.sleep(nanoseconds: 150_000_000)
                #expect(EventLoop.current?.clientIsBusy == false)
            }
        }
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\nabc"])
    func aHeadThatDoesNotEnd_isGivenUp(head: String) async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send(head)
            connection.waitForEnd()
        }) { peer in
            let client = client
            var request = HTTPClientRequest(url: peer.url)
            request.timeouts.idle = .milliseconds(50)
            request.timeouts.firstByte = .seconds(5)
            request.timeouts.total = .seconds(10)
            let bounded = request
            let error = try await onLoop {
                await #expect(throws: MillraceError.self) { _ = try await client.fetch(bounded) }
            }
            #expect(error?.details["timeout"] == .string("idle"))
        }
    }

    @Test func aFoldedLine_isNoField() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nA: one\r\n B: two\r\nContent-Length: 0\r\n\r\n")
        }) { peer in
            let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
            #expect(answer.headers.fields.map(\.name) == ["A", "Content-Length"])
        }
    }

    @Test(arguments: [
        "HTTP/1.0 200\r\n\r\nbody", "HTTP/1.1 200\r\nConnection: close\r\n\r\nbody", "HTTP/1.1 200 OK\nContent-Length: 4\n\nbody",
    ])
    func anOldPeer_isUnderstood(answer: String) async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send(answer)
        }) { peer in
            let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
            #expect(answer.status == 200 && answer.body == "body")
        }
    }

    @Test @MainActor func aReaderOnTheMainActor_readsThere() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
        }) { peer in
            let text = try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                MainActor.preconditionIsolated()
                return String(decoding: try await response.collect(), as: UTF8.self)
            }
            #expect(text == "body")
        }
    }

    private actor Reader {
        func read(_ client: HTTPClient, _ url: String) async throws -> String {
            try await client.exchange(HTTPClientRequest(url: url)) { response in
                String(decoding: try await response.collect(), as: UTF8.self)
            }
        }
    }

    @Test(arguments: [false, true]) func aReaderThatIsAnActor_isServed(isOnLoop: Bool) async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
        }) { peer in
            let client = client
            let text = try await isOnLoop ? onLoop { try await Reader().read(client, peer.url) } : Reader().read(client, peer.url)
            #expect(text == "body")
        }
    }

    @Test(arguments: ["model.example.", "MODEL.example", "xn--bcher-kva.example"]) func aNameInAnySpelling_isLookedUpOnce(host: String)
        async throws
    {
        let asked = Locked([String]())
        let heads = Locked("")
        try await withPeer({ connection in
            heads.withLock { $0 = connection.head() ?? "" }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }) { peer in
            let client = HTTPClient(
                resolver: HostResolver { host in
                    asked.withLock { $0.append(host) }
                    return .success(["127.0.0.1"])
                })
            let outcome = await code { _ = try await client.fetch(HTTPClientRequest(url: "http://\(host):\(peer.port)/")) }
            #expect(outcome == nil, "\(asked.withLock { $0 }) \(heads.withLock { $0 })")
        }
    }

    @Test(arguments: ["http://b\u{FC}cher.example/", "http://b%C3%BCcher.example/"]) func aNameInOtherLetters_isRefused(url: String) async {
        #expect(await code { _ = try await client.fetch(HTTPClientRequest(url: url)) } == .invalidInput)
    }

    @Test(arguments: [2, 20]) func anUploadOfAnotherLengthThanSaid_isAnError(count: Int) async throws {
        let heads = Locked([String]())
        try await withPeer({ connection in
            while let head = connection.head() {
                heads.withLock { $0.append(head) }
                if head.contains("Content-Length: 5") { _ = connection.bytes(5) }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }) { peer in
            let client = client
            let isDone = Locked(false)
            var request = HTTPClientRequest(
                method: "POST", url: peer.url,
                body: .stream(
                    length: 5,
                    next: {
                        let wasDone = isDone.withLock { done in
                            defer { done = true }
                            return done
                        }
                        return wasDone ? nil : Array(repeating: UInt8(ascii: "x"), count: count)
                    }))
            request.timeouts.firstByte = .seconds(3)
            let bounded = request
            try await onLoop {
                let outcome = await code { _ = try await client.fetch(bounded) }
                #expect(outcome == .invalidInput)
                let next = await code { _ = try await client.fetch(HTTPClientRequest(url: bounded.url)) }
                #expect(next == nil)
            }
            #expect(heads.withLock { $0 }.allSatisfy { $0.hasPrefix("POST / ") || $0.hasPrefix("GET / ") }, "\(heads.withLock { $0 })")
        }
    }

    @Test func anUnrepeatableRequest_isNotSentTwice_onAConnectionThatDied() async throws {
        let posts = Locked(0)
        try await withPeer({ connection in
            while let head = connection.head() {
                if head.hasPrefix("POST") {
                    _ = connection.bytes(5)
                    posts.withLock { $0 += 1 }
                    return
                }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }) { peer in
            let client = client
            let outcome = try await onLoop {
                _ = try await client.fetch(HTTPClientRequest(url: peer.url))
                return await code {
                    _ = try await client.fetch(HTTPClientRequest(method: "POST", url: peer.url, body: .bytes(Array("12345".utf8))))
                }
            }
            #expect(outcome == .connectionLost)
            #expect(posts.withLock { $0 } == 1)
        }
    }
}
