import MillraceHTTP
import Testing

@Suite struct HTTPRequestHeadTests {
    static func head(_ text: String) throws -> HTTPRequestHead {
        var parser = HTTPRequestParser(limits: HTTPParserLimits())
        let bytes = [UInt8](latin1: text)
        let step = bytes.withUnsafeBytes { parser.next($0) }
        guard case .head(let head, _) = step else {
            Issue.record("no head: \(step)")
            throw HTTPParseFailure(.badRequest, "no head")
        }
        return head
    }
    static func head(target: String, method: String = "GET") throws -> HTTPRequestHead {
        try head("\(method) \(target) HTTP/1.1\r\nHost: header.example\r\n\r\n")
    }

    @Test func headers_areFoundInAnyCase() throws {
        let head = try Self.head("GET / HTTP/1.1\r\nHost: a\r\nX-Id:  one \r\nx-ID: two\r\nEmpty:\r\n\r\n")
        #expect(head["x-id"] == "one")
        #expect(head["X-ID"] == "one")
        #expect(head.values(of: "X-id") == ["one", "two"])
        #expect(head["empty"] == "")
        #expect(head["x-i"] == nil)
        #expect(head["x-idd"] == nil)
        #expect(head.values(of: "none").isEmpty)
        #expect(head.headerCount == 4)
        #expect(head.headers.map(\.name) == ["Host", "X-Id", "x-ID", "Empty"])
    }

    @Test func value_isComparedAsItIs() throws {
        let head = try Self.head("GET / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX: one\r\nx: two\r\nEmpty:\r\n\r\n")
        #expect(head.has("content-type", "application/json"))
        #expect(!head.has("content-type", "application/jso"))
        #expect(!head.has("content-type", "application/json "))
        #expect(!head.has("content-type", "Application/json"))
        #expect(head.has("X", "one"))
        #expect(!head.has("X", "two"))
        #expect(head.has("empty", ""))
        #expect(!head.has("none", ""))
    }

    @Test(arguments: [
        ("/", "/", [""]), ("/a", "/a", ["a"]), ("/a/", "/a/", ["a", ""]), ("/a/b", "/a/b", ["a", "b"]), ("//a", "//a", ["", "a"]),
        ("/a%2Fb/c", "/a/b/c", ["a/b", "c"]), ("/%c3%a9%20", "/é ", ["é "]), ("/a+b", "/a+b", ["a+b"]), ("/a?b/c", "/a", ["a"]),
        ("/%2525", "/%25", ["%25"]), ("http://b.example", "/", [""]), ("http://b.example?q", "/", [""]),
        ("http://b.example/x", "/x", ["x"]),
    ])
    func path_isDecodedBySegment(target: String, path: String, segments: [String]) throws {
        let head = try Self.head(target: target)
        #expect(head.target == target)
        #expect(head.path == path)
        #expect(head.pathSegments == segments)
    }

    @Test func query_isDecodedInOrder() throws {
        let head = try Self.head(target: "/p?a=1&b=x%26y+z&&c&a=2&d=%C3%A9=%3D")
        #expect(head.query == "a=1&b=x%26y+z&&c&a=2&d=%C3%A9=%3D")
        #expect(head.queryItems.map(\.name) == ["a", "b", "c", "a", "d"])
        #expect(head.queryItems.map(\.value) == ["1", "x&y z", "", "2", "é=="])
        #expect(head.queryValue("a") == "1")
        #expect(head.queryValue("z") == nil)
        #expect(try Self.head(target: "/p").query == nil)
        #expect(try Self.head(target: "/p").queryItems.isEmpty)
        #expect(try Self.head(target: "/p?").query == "")
    }

    @Test(arguments: [
        ("/", "GET", "header.example", "header.example"), ("http://B.example:80/", "GET", "B.example:80", "b.example"),
        ("http://[::1]/", "GET", "[::1]", "[::1]"), ("http://[::1]:8000/", "GET", "[::1]:8000", "[::1]"),
        ("c.example:443", "CONNECT", "c.example:443", "c.example"), ("*", "OPTIONS", "header.example", "header.example"),
    ])
    func host_isTheTargetsBeforeTheHeaders(target: String, method: String, host: String, name: String) throws {
        let head = try Self.head(target: target, method: method)
        #expect(head.host == host)
        #expect(head.hostName == name)
    }

    @Test func targetWithoutPath_hasNoSegments() throws {
        let asterisk = try Self.head(target: "*", method: "OPTIONS")
        #expect(asterisk.targetForm == .asterisk)
        #expect(asterisk.path == "*")
        #expect(asterisk.pathSegments.isEmpty)
        let connect = try Self.head(target: "a:1", method: "CONNECT")
        #expect(connect.targetForm == .authority)
        #expect(connect.path == "")
        #expect(connect.pathSegments.isEmpty)
    }

    @Test(arguments: [
        ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: Keep-Alive\r\n", true),
        ("1.1", "Connection: upgrade , CLOSE\r\n", false), ("1.1", "Connection: x\r\nConnection: close\r\n", false), ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true), ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
    ])
    func keepAlive_followsVersionAndConnection(version: String, header: String, keepAlive: Bool) throws {
        #expect(try Self.head("GET / HTTP/\(version)\r\nHost: a\r\n\(header)\r\n").keepAlive == keepAlive)
    }

    @Test(arguments: [
        ("1.1", "Content-Length: 1\r\n", true), ("1.1", "Transfer-Encoding: chunked\r\n", true), ("1.1", "Content-Length: 0\r\n", false),
        ("1.1", "", false), ("1.0", "Content-Length: 1\r\n", false),
    ])
    func expect_countsWhereABodyFollows(version: String, header: String, expects: Bool) throws {
        let head = try Self.head("POST / HTTP/\(version)\r\nHost: a\r\nExpect: 100-continue\r\n\(header)\r\n")
        #expect(head.expectsContinue == expects)
    }

    @Test func framing_isWhatTheHeadersSay() throws {
        #expect(try Self.head("GET / HTTP/1.1\r\nHost: a\r\n\r\n").framing == .none)
        #expect(try Self.head("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n").framing == .length(12))
        #expect(try Self.head("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n").framing == .chunked)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:8000", true), ("localhost.", false), ("localhos", false), ("localhost1", false),
        ("1localhost", false),
        ("127.0.0.1", true), ("127.0.0.1:80", true), ("127.0.0.10", false), ("[::1]", true), ("[::1]:8000", true), ("[::11]", false),
        ("[::2]:1", false), ("b.example", true), ("b.example.org", false),
    ])
    func host_isComparedByName(host: String, isAllowed: Bool) throws {
        let names = HTTPHostNames(["localhost", "127.0.0.1", "[::1]", "B.example"])
        let head = try Self.head("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(head.isHost(oneOf: names) == isAllowed)
        #expect(head.hostName.map { ["localhost", "127.0.0.1", "[::1]", "b.example"].contains($0) } == isAllowed)
    }

    @Test func host_isTheTargetsWhereItHasOne() throws {
        let head = try Self.head(target: "http://b.example:80/")
        #expect(head.isHost(oneOf: HTTPHostNames(["b.example"])))
        #expect(!head.isHost(oneOf: HTTPHostNames(["header.example"])))
        #expect(try !Self.head("GET / HTTP/1.0\r\n\r\n").isHost(oneOf: HTTPHostNames(["", "localhost"])))
    }

    @Test func origin_isNoticedInAnyCase() throws {
        #expect(try Self.head("GET / HTTP/1.1\r\nHost: a\r\norIGin: null\r\n\r\n").hasOrigin)
        #expect(try !Self.head("GET / HTTP/1.1\r\nHost: a\r\nOrigins: null\r\nX: origin\r\n\r\n").hasOrigin)
    }

    @Test(arguments: [("/a%20b?c", "/a%20b"), ("http://b.example?q", "/"), ("http://b.example/x", "/x"), ("/", "/")])
    func rawPath_isTheSameAsBytes(target: String, path: String) throws {
        let head = try Self.head(target: target)
        #expect(head.rawPath == path)
        #expect(head.withRawPath { String(decoding: $0, as: UTF8.self) } == path)
    }

    @Test func parserCopiedWithinAHead_goesOnAlone() throws {
        var first = HTTPRequestParser(limits: HTTPParserLimits())
        let start = "GET /first HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B"
        let bytes = [UInt8](latin1: start)
        guard case .needMore = bytes.withUnsafeBytes({ first.next($0) }) else {
            Issue.record("the head is not complete")
            return
        }
        var second = first
        func head(_ parser: inout HTTPRequestParser, _ rest: String) -> HTTPRequestHead? {
            guard case .head(let head, _) = [UInt8](latin1: start + rest).withUnsafeBytes({ parser.next($0) }) else { return nil }
            return head
        }
        let left = head(&first, ": left\r\n\r\n")
        let right = head(&second, ": right\r\nConnection: close\r\n\r\n")
        #expect(left?["x-b"] == "left")
        #expect(left?.headerCount == 3)
        #expect(left?.keepAlive == true)
        #expect(right?["x-b"] == "right")
        #expect(right?["x-a"] == "1")
        #expect(right?.headerCount == 4)
        #expect(right?.keepAlive == false)
        #expect(left?.target == "/first" && right?.target == "/first")
    }
}
