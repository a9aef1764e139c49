import Glibc
import MillraceCore
import MillraceEventLoop
import Testing

@testable import MillraceHTTPClient

@Suite struct HTTPClientTests {
    let client = HTTPClient()

    private static func answer(_ body: String, status: String = "200 OK", _ headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }

    @Test(arguments: [true, false]) func aRequest_isSentAndAnswered_onALoopAndOff(isOnLoop: Bool) async throws {
        let seen = Locked("")
        try await withPeer({ connection in
            seen.withLock { $0 = connection.head() ?? "" }
            try connection.send(Self.answer("hello", "X-Answer: yes\r\n"))
        }) { peer in
            let request = HTTPClientRequest(url: peer.url + "/a?b=c", headers: ["X-Key": "v", "Empty": ""])
            let client = client
            let answer = try await isOnLoop ? onLoop { try await client.fetch(request) } : client.fetch(request)
            #expect(answer.status == 200)
            #expect(answer.headers["x-answer"] == "yes")
            #expect(answer.body == "hello")
        }
        let head = seen.withLock { $0 }
        #expect(head.hasPrefix("GET /a?b=c HTTP/1.1\r\n"))
        #expect(head.contains("X-Key: v\r\n") && head.contains("Empty:\r\n") && head.contains("User-Agent: millrace/"))
        #expect(!head.contains("Content-Type") && !head.contains("Expect"))
    }

    @Test(arguments: ["POST", "PUT", "PATCH", "DELETE"]) func aBody_goesOutWithItsLength(method: String) async throws {
        let seen = Locked(("", ""))
        try await withPeer({ connection in
            let head = connection.head() ?? ""
            let body = String(decoding: connection.bytes(5), as: UTF8.self)
            seen.withLock { $0 = (head, body) }
            try connection.send(Self.answer("", status: "201 Created"))
        }) { peer in
            let answer = try await client.fetch(
                HTTPClientRequest(method: method, url: peer.url, headers: ["Content-Type": "text/plain"], body: .bytes(Array("12345".utf8)))
            )
            #expect(answer.status == 201)
        }
        let (head, body) = seen.withLock { $0 }
        #expect(head.hasPrefix("\(method) / HTTP/1.1\r\n") && head.contains("Content-Length: 5\r\n"))
        #expect(head.contains("Content-Type: text/plain\r\n"))
        #expect(body == "12345")
    }

    /// A program that is started meanwhile would hold the connection open after it was closed here.
    @Test func connection_isNotInheritedByPrograms() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            // Half an answer: after a whole one the connection may be closed before it is looked at.
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            connection.waitForEnd()
        }) { peer in
            let port = try RequestTarget(url: peer.url).port
            let flags = try await client.exchange(HTTPClientRequest(url: peer.url)) { _ in Self.flags(ofConnectionTo: port) }
            #expect(flags == [FD_CLOEXEC])
        }
    }

    private static func flags(ofConnectionTo port: Int) -> [Int32] {
        (0..<Int32(4096)).compactMap { descriptor -> Int32? in
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let found = withUnsafeMutablePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
            }
            guard found == 0, Int(UInt16(bigEndian: address.sin_port)) == port else { return nil }
            return fcntl(descriptor, F_GETFD)
        }
    }

    @Test func anEmptyBody_isSentAsOne() async throws {
        let seen = Locked("")
        try await withPeer({ connection in
            seen.withLock { $0 = connection.head() ?? "" }
            try connection.send(Self.answer("ok"))
        }) { peer in
            let answer = try await client.fetch(HTTPClientRequest(method: "POST", url: peer.url, body: .bytes([])))
            #expect(answer.body == "ok")
        }
        #expect(seen.withLock { $0 }.contains("Content-Length: 0\r\n"))
    }

    @Test func aStream_arrivesPieceByPiece() async throws {
        let gate = Signal()
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number in 1...20 {
                try connection.send("3\r\n-\(number < 10 ? "0" : "")\(number)\r\n")
                gate.wait(number)
            }
            try connection.send("0\r\n\r\n")
        }) { peer in
            let client = client
            let pieces = try await onLoop {
                try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                    var pieces: [String] = []
                    while try await response.read({ pieces.append(String(decoding: $0, as: UTF8.self)) }) { gate.raise() }
                    return pieces
                }
            }
            #expect(pieces.count == 20)
            #expect(pieces.joined() == (1...20).map { "-\($0 < 10 ? "0" : "")\($0)" }.joined())
        }
    }

    @Test func interimResponsesAndTrailers_areNotTheHead() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n2\r\nhi\r\n0\r\nTrailer: t\r\n\r\n")
        }) { peer in
            let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
            #expect(answer.status == 200 && answer.body == "hi")
            #expect(answer.headers["Link"] == nil && answer.headers["A"] == "1" && answer.headers["Trailer"] == nil)
        }
    }

    @Test func headAndNoContent_haveNoBody() async throws {
        try await withPeer({ connection in
            while let head = connection.head() {
                try connection.send(
                    head.hasPrefix("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" : "HTTP/1.1 204 No Content\r\n\r\n")
            }
        }) { peer in
            let (head, empty) = try await (
                client.fetch(HTTPClientRequest(method: "HEAD", url: peer.url)), client.fetch(HTTPClientRequest(url: peer.url))
            )
            #expect(head.headers["content-length"] == "9" && empty.status == 204)
        }
    }

    @Test func headWithABody_isRefused() async throws {
        let request = HTTPClientRequest(method: "HEAD", url: "http://127.0.0.1:1/", body: .bytes([1]))
        #expect(await code { _ = try await client.fetch(request) } == .invalidInput)
    }

    @Test func aRefusalThatIsTriedAgain_leavesItsConnection() async throws {
        try await withPeer({ connection in
            var answers = ["503 Service Unavailable", "200 OK"][...]
            while connection.head() != nil, let status = answers.popFirst() {
                try connection.send(Self.answer("body", status: status, "Retry-After: 0\r\n"))
            }
        }) { peer in
            var settings = HTTPPolicySettings()
            settings.retry.base = .milliseconds(1)
            settings.retry.cap = .milliseconds(1)
            let transport = try ResilientTransport(client, settings: settings)
            let status = try await onLoop {
                try await transport.exchange(HTTPClientRequest(url: peer.url)) { response in
                    _ = try await response.collect()
                    return response.status
                }
            }
            #expect(status == 200 && peer.connections == 1)
        }
    }

    @Test func aRedirect_isHandedBack() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send(Self.answer("", status: "302 Found", "Location: http://127.0.0.1:1/\r\n"))
        }) { peer in
            let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
            #expect(answer.status == 302 && answer.headers["location"] == "http://127.0.0.1:1/")
        }
    }

    @Test func requestsInTurn_useOneConnection() async throws {
        try await withPeer({ connection in
            while connection.head() != nil { try connection.send(Self.answer("ok")) }
        }) { peer in
            let client = client
            try await onLoop {
                for _ in 0..<10 {
                    let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
                    #expect(answer.body == "ok")
                }
            }
            #expect(peer.connections == 1)
        }
    }

    @Test func aConnectionThatThePeerClosed_isReplaced() async throws {
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send(Self.answer("ok"))
        }) { peer in
            let client = client
            try await onLoop {
                for _ in 0..<5 {
                    let answer = try await client.fetch(HTTPClientRequest(url: peer.url))
                    #expect(answer.body == "ok")
                }
            }
            #expect(peer.connections == 5)
        }
    }

    @Test func manyAtOnce_areAllAnswered() async throws {
        try await withPeer({ connection in
            while let head = connection.head() {
                try connection.send(Self.answer(String(head.split(separator: " ")[1])))
            }
        }) { peer in
            let client = client
            let bodies = try await onLoop {
                try await withThrowingTaskGroup(of: String.self) { group in
                    for number in 0..<200 {
                        group.addTask { try await client.fetch(HTTPClientRequest(url: "\(peer.url)/\(number)")).body }
                    }
                    var bodies: Set<String> = []
                    for try await body in group { bodies.insert(body) }
                    return bodies
                }
            }
            #expect(bodies == Set((0..<200).map { "/\($0)" }))
        }
    }

    @Test func aReaderThatLeavesTheRest_givesTheConnectionBack_butDoesNotWait() async throws {
        try await withPeer({ connection in
            while connection.head() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nenough\r\n")
                try connection.send("4\r\nrest\r\n0\r\n\r\n")
            }
        }) { peer in
            let client = client
            try await onLoop {
                for _ in 0..<5 {
                    try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                        _ = try await response.read { _ in }
                        response.discardRest()
                    }
                    // What is left comes within a few turns.
                    while EventLoop.current?.clientIsBusy == true { await EventLoop.current?.nextTurn() }
                }
            }
            #expect(peer.connections == 1)
        }
    }

    @Test func aRestThatDoesNotCome_isCutOff() async throws {
        let ended = Signal()
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nenough")
            connection.waitForEnd()
            ended.raise()
        }) { peer in
            let client = client
            try await onLoop {
                try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                    _ = try await response.read { _ in }
                    response.discardRest()
                }
                await ended.raised()
            }
        }
    }

    // MARK: Cancel

    /// Cancels when `ready` is raised, and expects the peer to see the end of the connection.
    private func expectCancelReachesThePeer(_ script: @escaping @Sendable (PeerConnection, Signal) throws -> Void) async throws {
        let (ready, ended) = (Signal(), Signal())
        try await withPeer({ connection in
            _ = connection.head()
            try script(connection, ready)
            connection.waitForEnd()
            ended.raise()
        }) { peer in
            let client = client
            let outcome = try await onLoop {
                let task = Task {
                    await code { _ = try await client.fetch(HTTPClientRequest(url: peer.url)) }
                }
                await ready.raised()
                task.cancel()
                return await task.value
            }
            #expect(outcome == .cancelled)
            #expect(ended.wait())
        }
    }

    @Test func cancelBeforeTheHead_closesTheConnection() async throws {
        try await expectCancelReachesThePeer { _, ready in ready.raise() }
    }

    @Test func cancelInTheMiddle_closesTheConnection() async throws {
        try await expectCancelReachesThePeer { connection, ready in
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            ready.raise()
        }
    }

    @Test func aReaderThatStopsEarly_closesTheConnection() async throws {
        let ended = Signal()
        struct Enough: Error {}
        try await withPeer({ connection in
            _ = connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            connection.waitForEnd()
            ended.raise()
        }) { peer in
            let client = client
            try await onLoop {
                await #expect(throws: Enough.self) {
                    try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                        _ = try await response.read { _ in }
                        throw Enough()
                    }
                }
                try await client.exchange(HTTPClientRequest(url: peer.url)) { response in
                    let isMore = try await response.read { _ in }
                    #expect(isMore)
                }
            }
            #expect(ended.wait(2))
        }
    }

    @Test func cancelWhileTheNameIsLookedUp_returnsAtOnce_andSharesOneThread() async throws {
        let (asked, release) = (Signal(), Signal())
        let lookups = Locked(0)
        let resolver = HostResolver { _ in
            lookups.withLock { $0 += 1 }
            asked.raise()
            release.wait()
            return .success(["127.0.0.1"])
        }
        let client = HTTPClient(resolver: resolver)
        let outcomes = try await onLoop {
            await withTaskGroup(of: ErrorCode?.self) { group in
                for _ in 0..<50 {
                    group.addTask { await code { _ = try await client.fetch(HTTPClientRequest(url: "http://model.example/")) } }
                }
                await asked.raised()
                group.cancelAll()
                var outcomes: [ErrorCode?] = []
                for await outcome in group { outcomes.append(outcome) }
                return outcomes
            }
        }
        release.raise()
        #expect(outcomes == Array(repeating: .cancelled, count: 50))
        #expect(lookups.withLock { $0 } == 1)
    }

    @Test func aTaskThatIsCancelledAlready_sendsNothing() async throws {
        try await withPeer({ _ in }) { peer in
            let client = client
            let outcome = try await onLoop {
                let task = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return await code { _ = try await client.fetch(HTTPClientRequest(url: peer.url)) }
                }
                return await task.value
            }
            #expect(outcome == .cancelled)
            #expect(peer.connections == 0)
        }
    }
}
