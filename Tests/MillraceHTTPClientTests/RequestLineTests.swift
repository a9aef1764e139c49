import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// The path and the query on the wire are the URL's, byte for byte: signatures are made of them.
@Suite struct RequestLineTests {
    @Test(arguments: [
        "/", "//", "/a//b/", "/./a", "/a/./b", "/a/.", "/a/../b", "/../a", "/..", "/a/b/../../c/", "/%2E%2E/a", "/%2F/%2f", "/a%20b",
        "/a+b=c&d;e,f",
        "/$&'()*:@!~", "/%e1%88%B4", "/a?b=c", "/?b", "/a?b=../c", "/../?x=/../y", "/a?%2B=%2b&&=&q=?",
    ])
    func target_isSentAsItStands(_ target: String) async throws {
        let seen = Locked([String]())
        try await withPeer { connection in
            let head = connection.head() ?? ""
            seen.withLock { $0.append(String(head.prefix { !$0.isNewline })) }
            try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        } _: { peer in
            let url = peer.url + target
            _ = try await onLoop { try await HTTPClient().fetch(HTTPClientRequest(url: url)) }
        }
        #expect(seen.withLock { $0 } == ["GET \(target) HTTP/1.1"])
    }
}
