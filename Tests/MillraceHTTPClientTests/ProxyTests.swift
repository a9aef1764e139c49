import Glibc
import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// Proxies come from the environment, which is a process's own: each test has one.
@Suite struct ProxyTests {
    /// Answers every request with its own first line.
    @Sendable private static func echo(_ connection: PeerConnection) throws {
        while let head = connection.head() {
            let line = head.prefix { $0 != "\r\n" }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(line.utf8.count)\r\n\r\n\(line)")
        }
    }

    @Test func aProxy_getsWhatIsForOthers_andNeverWhatIsForThisMachine() async {
        await #expect(processExitsWith: .success) {
            try await withPeer(Self.echo) { proxy in
                try await withPeer(Self.echo) { server in
                    setenv("http_proxy", proxy.url, 1)
                    let asked = Locked(0)
                    let client = HTTPClient(
                        resolver: HostResolver { _ in
                            asked.withLock { $0 += 1 }
                            return .success([])
                        })
                    let (outside, own) = try await onLoop {
                        (
                            try await client.fetch(HTTPClientRequest(url: "http://model.example/v1/models")).body,
                            try await client.fetch(HTTPClientRequest(url: server.url + "/own")).body
                        )
                    }
                    #expect(outside == "GET http://model.example/v1/models HTTP/1.1")
                    #expect(own == "GET /own HTTP/1.1")
                    // The proxy looks names up.
                    #expect(asked.withLock { $0 } == 0)
                }
            }
        }
    }

    @Test func aSecureTarget_isReachedThroughATunnel_andARefusedTunnelIsUnreachable() async {
        await #expect(processExitsWith: .success) {
            let seen = Locked("")
            try await withPeer({ connection in
                seen.withLock { $0 = connection.head() ?? "" }
                try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                connection.waitForEnd()
            }) { proxy in
                setenv("https_proxy", proxy.url, 1)
                let error = try await onLoop {
                    await #expect(throws: MillraceError.self) {
                        _ = try await HTTPClient().fetch(
                            HTTPClientRequest(url: "https://model.example/v1/models", headers: ["Authorization": "Bearer hunter2"]))
                    }
                }
                #expect(seen.withLock { $0 }.hasPrefix("CONNECT model.example:443 HTTP/1.1\r\n"))
                // The proxy must not see what is for the server.
                #expect(!seen.withLock { $0 }.contains("hunter2"))
                #expect(error?.code == .unreachable && error?.isRetryable == false)
                #expect(error?.message.contains("the proxy") == true && error?.message.contains("403") == true)
            }
        }
    }

    @Test func noProxy_keepsAHostOutOfIt() async {
        await #expect(processExitsWith: .success) {
            try await withPeer({ _ in }) { proxy in
                try await withPeer(Self.echo) { server in
                    setenv("http_proxy", proxy.url, 1)
                    setenv("no_proxy", "model.example", 1)
                    // The name is looked up by libcurl then, which does not know it.
                    let outcome = try await onLoop {
                        await code { _ = try await HTTPClient().fetch(HTTPClientRequest(url: "http://model.example:\(server.port)/")) }
                    }
                    #expect(outcome == .unreachable)
                    #expect(proxy.connections == 0)
                }
            }
        }
    }

    @Test func aRequestThatUsesNoProxy_goesStraightThere() async {
        await #expect(processExitsWith: .success) {
            try await withPeer({ _ in }) { proxy in
                try await withPeer(Self.echo) { server in
                    setenv("http_proxy", proxy.url, 1)
                    var request = HTTPClientRequest(url: "http://metadata.example:\(server.port)/latest")
                    request.usesProxy = false
                    // The name is looked up here, as the proxy is not asked to.
                    let client = HTTPClient(resolver: HostResolver { _ in .success(["127.0.0.1"]) })
                    let direct = request
                    let body = try await onLoop { try await client.fetch(direct).body }
                    #expect(body == "GET /latest HTTP/1.1")
                    #expect(proxy.connections == 0)
                }
            }
        }
    }
}
