import MillraceCore
import Testing

@testable import MillraceHTTPClient

@Suite struct RequestBytesTests {
    @Test func aPathWithDotSegments_arrivesAsItIsWritten() async throws {
        let seen = Locked("")
        try await withPeer({ connection in
            let head = connection.head() ?? ""
            seen.withLock { $0 = head }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }) { peer in
            _ = try await HTTPClient().fetch(HTTPClientRequest(url: peer.url + "/b//a/../%2E%2E/./c"))
        }
        #expect(seen.withLock { $0 }.hasPrefix("GET /b//a/../%2E%2E/./c HTTP/1.1\r\n"))
    }

    /// A kept connection that dies when the second request is on its way, so that libcurl sends it anew. Where it notices by a failed write
    /// instead of a failed read it gives up, which nobody can choose: it is tried until it has sent one anew.
    @Test func aLongBody_onAConnectionThatDies_isSentAnewFromItsStart() async throws {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let seen = Locked<[[UInt8]]>([])
        try await withPeer({ connection in
            guard connection.head()?.hasPrefix("PUT ") == true else {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                _ = connection.head()
                _ = connection.bytes(100_000)
                return
            }
            let received = connection.bytes(body.count)
            seen.withLock { $0.append(received) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }) { peer in
            let url = peer.url
            for _ in 0..<50 where seen.withLock({ $0.isEmpty }) {
                try await onLoop {
                    let client = HTTPClient()
                    _ = try await client.fetch(HTTPClientRequest(url: url))
                    do {
                        let answer = try await client.fetch(HTTPClientRequest(method: "PUT", url: url, body: .bytes(body)))
                        #expect(answer.status == 200)
                    } catch let error as MillraceError { #expect(error.code == .connectionLost) }
                }
            }
        }
        #expect(seen.withLock { $0 } == [body])
    }
}
