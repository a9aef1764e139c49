import Glibc
import MillraceCore
import MillraceHTTPClient
import Testing

@Suite struct BlockingHTTPClientTests {
    @Test func response_isStreamedWithItsHead() throws {
        let server = try ScriptedServer([
            [
                .send("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"),
                .send("HTTP/1.1 200 OK\r\nX-One: a b \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
            ]
        ])
        var seen: CurlResponseHead?
        var body: [UInt8] = []
        let request = CurlRequest(method: "PUT", url: server.url + "/x?y=1", headers: [.init("X-Mine", "v")], body: Array("hello".utf8))
        let head = try BlockingHTTPClient().send(request, onHead: { seen = $0 }, onBody: { body += $0 })
        #expect(head.status == 200)
        #expect(seen == head)
        #expect(head.first("x-one") == "a b" && head.first("x-early") == nil)
        #expect(String(decoding: body, as: UTF8.self) == "abcdef")
        let received = server.requests[0]
        #expect(received.hasPrefix("PUT /x?y=1 HTTP/1.1\r\n"))
        #expect(received.contains("X-Mine: v\r\n"))
        #expect(received.hasSuffix("\r\n\r\nhello"))
    }

    @Test func redirect_isNotFollowed() throws {
        let server = try ScriptedServer([[.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")]])
        #expect(try BlockingHTTPClient().fetch(CurlRequest(url: server.url)).head.status == 302)
    }

    @Test func emptyPort_saysWhatToDo() throws {
        let port = try ScriptedServer([]).port
        let error = #expect(throws: MillraceError.self) { try BlockingHTTPClient().fetch(CurlRequest(url: "http://127.0.0.1:\(port)")) }
        #expect(error?.message == "nothing listens on 127.0.0.1:\(port): start it with `millrace serve`")
        #expect(error?.code == .unreachable)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ])
    func brokenResponse_isARetryableError(response: String) throws {
        let server = try ScriptedServer([[.send(response)]])
        let error = #expect(throws: MillraceError.self) { try BlockingHTTPClient().fetch(CurlRequest(url: server.url)) }
        #expect(error?.code == .connectionLost && error?.isRetryable == true)
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "http://", "gopher://x/"])
    func otherScheme_isRefused(url: String) {
        let error = #expect(throws: MillraceError.self) { try BlockingHTTPClient().fetch(CurlRequest(url: url)) }
        #expect(error?.code == .invalidInput)
    }

    @Test func headerWithLineBreak_isRefused() throws {
        let request = CurlRequest(url: "http://127.0.0.1:1", headers: [.init("X", "a\r\nY: b")])
        #expect(throws: MillraceError.self) { try BlockingHTTPClient().fetch(request) }
    }

    @Test func cancelWhileNothingHappens_closesAtOnce() throws {
        let server = try ScriptedServer([[.send("HTTP/1.1 200 OK\r\n\r\nabc"), .awaitClose]])
        let isCancelled = Locked(false)
        var cancelledAt: timespec?
        let got = Monitor(false)
        let canceller = try NamedThread(name: "canceller") {
            _ = got.wait { $0 ? true : nil }
            isCancelled.withLock { $0 = true }
        }
        let error = #expect(throws: MillraceError.self) {
            try BlockingHTTPClient().send(
                CurlRequest(url: server.url), onBody: { _ in got.updateAndWakeAll { $0 = true } },
                proceed: {
                    let cancelled = isCancelled.withLock { $0 }
                    if got.wait({ $0 }), cancelledAt == nil { cancelledAt = Self.now() }
                    return !cancelled
                })
        }
        let elapsed = cancelledAt.map { Self.milliseconds(from: $0, to: Self.now()) } ?? .infinity
        canceller.join()
        #expect(error?.code == .cancelled)
        #expect(elapsed < 2000, "\(elapsed) ms")
        #expect(server.awaitCloses(1))
    }

    @Test func closureThatThrows_endsTheTransfer() throws {
        let server = try ScriptedServer([[.send("HTTP/1.1 200 OK\r\n\r\nabc"), .awaitClose]])
        #expect(throws: MillraceError(.conflict, "mine")) {
            try BlockingHTTPClient().send(CurlRequest(url: server.url), onBody: { _ in throw MillraceError(.conflict, "mine") })
        }
        #expect(server.awaitCloses(1))
    }

    @Test func longResponse_isRefused() throws {
        let server = try ScriptedServer([[.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef")]])
        let error = #expect(throws: MillraceError.self) { try BlockingHTTPClient().fetch(CurlRequest(url: server.url), limit: 5) }
        #expect(error?.code == .limitExceeded)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", true), ("http://[::1]:9/x", "[::1]:9", true),
        ("https://Example.com", "example.com:443", false),
        ("http://localhost", "localhost:80", true), ("http://127.0.0.1.example.com", "127.0.0.1.example.com:80", false),
    ])
    func target_knowsItsAuthority(url: String, authority: String, isLoopback: Bool) throws {
        let target = try RequestTarget(url: url)
        #expect(target.authority == authority)
        #expect(target.isLoopback == isLoopback)
    }

    private static func now() -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time
    }

    private static func milliseconds(from start: timespec, to end: timespec) -> Double {
        Double(end.tv_sec - start.tv_sec) * 1000 + Double(end.tv_nsec - start.tv_nsec) / 1_000_000
    }
}
