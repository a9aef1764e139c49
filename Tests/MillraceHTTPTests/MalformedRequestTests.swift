import MillraceHTTP
import Testing

@Suite struct MalformedRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var status: Int
        var name: String
        var text: String
        var testDescription: String { "\(name) \(status)" }
        init(_ status: Int, _ name: String, _ text: String) {
            self.status = status
            self.name = name
            self.text = text
        }
        /// A request line under an otherwise good head.
        static func line(_ status: Int, _ line: String) -> Case { Case(status, "line: \(line)", "\(line)\r\nHost: a\r\n\r\n") }
        /// A target under an otherwise good head.
        static func target(_ status: Int, _ target: String, _ method: String = "GET") -> Case {
            Case(status, "target: \(method) \(target)", "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        /// A header line under an otherwise good head.
        static func header(_ status: Int, _ lines: String, version: String = "1.1") -> Case {
            Case(status, "header: \(lines) (\(version))", "POST / HTTP/\(version)\r\nHost: a\r\n\(lines)\r\n\r\n")
        }
        static func host(_ value: String) -> Case { Case(400, "host: \(value)", "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n") }
        static func chunks(_ status: Int, _ chunks: String) -> Case {
            Case(status, "chunks: \(chunks)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
        }
    }

    static let requestLines: [Case] = [
        .line(400, "GET /"), .line(400, "GET"), .line(400, "/ HTTP/1.1"), .line(400, " GET / HTTP/1.1"), .line(400, "GET  / HTTP/1.1"),
        .line(400, "GET /  HTTP/1.1"), .line(400, "GET / HTTP/1.1 "), .line(400, "GET\t/ HTTP/1.1"), .line(400, "GET /\tHTTP/1.1"),
        .line(400, "G(T / HTTP/1.1"), .line(400, "G\u{e9}T / HTTP/1.1"), .line(400, "GET / a HTTP/1.1"), .line(400, "GET / http/1.1"),
        .line(400, "GET / HTTP/1"), .line(400, "GET / HTTP/1.10"), .line(400, "GET / HTTP/1,1"), .line(400, "GET / HTTP/x.1"),
        .line(400, "GET / HTTP 1.1"), .line(400, "GET / HTTPS/1.1"), .line(505, "GET / HTTP/2.0"), .line(505, "GET / HTTP/1.2"),
        .line(505, "GET / HTTP/0.9"), .line(505, "PRI * HTTP/2.0"), .line(400, "GET /\0 HTTP/1.1"), .line(400, "GET /\u{7f} HTTP/1.1"),
        Case(400, "TLS hello", "\u{16}\u{3}\u{1}\u{2}\0"), Case(400, "request line ends in LF", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        Case(400, "request line holds CR", "GET /\rHTTP/1.1\r\nHost: a\r\n\r\n"),
        Case(400, "empty line ends in LF", "\nGET / HTTP/1.0\r\n\r\n"),
        Case(400, "CR before the request", "\rGET / HTTP/1.0\r\n\r\n"),
        Case(400, "five empty lines", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
    ]

    static let targets: [Case] = [
        .target(400, "a"), .target(400, "?a"), .target(400, "*"), .target(400, "**", "OPTIONS"), .target(400, "/#a"),
        .target(400, "/a?b#c"),
        .target(400, "/%"), .target(400, "/%4"), .target(400, "/%4g"), .target(400, "/%%41"), .target(400, "/a?b=%"),
        .target(400, "/a?b=%zz"),
        .target(400, "/caf\u{e9}"), .target(400, "/%ff"), .target(400, "/%c0%ae"), .target(400, "/?%ff"), .target(400, "/%00"),
        .target(400, "/?a=%00"), .target(400, "/%0d%0aX"), .target(400, "/%7f"), .target(400, "/.."), .target(400, "/../a"),
        .target(400, "/a/../b"), .target(400, "/a/.."), .target(400, "/%2e%2e/a"), .target(400, "/a/.%2E"), .target(400, "/..%2fa"),
        .target(400, "/a%2f..%2fb"), .target(400, "/a%5c..%5cb"), .target(400, "/a\\..\\b"), .target(400, "/\"a\""), .target(400, "/<a>"),
        .target(400, "ftp://a/"), .target(400, "http://"), .target(400, "http:///a"), .target(400, "http://u@a/"),
        .target(400, "http://a:x/"),
        .target(400, "http://a:99999/"), .target(400, "http:/a"), .target(400, "http://a/../b"), .target(400, "a:80"),
        .target(400, "/", "CONNECT"), .target(400, "a", "CONNECT"), .target(400, "http://a:80/", "CONNECT"),
    ]

    static let headers: [Case] = [
        .header(400, "X : a"), .header(400, "X\t: a"), .header(400, "X y: a"), .header(400, ": a"), .header(400, "X"),
        .header(400, "X(: a"),
        .header(400, "\u{e9}: a"), .header(400, "X: a\r\n b"), .header(400, "X: a\r\n\tb"), .header(400, "X: a\nY: b"),
        .header(400, "X: a\rb"),
        .header(400, "X: a\r\r\nY: b"), .header(400, "X: a\0b"), .header(400, "X: a\u{1b}b"), .header(400, "X: a\u{7f}"),
        .header(400, "X\0: a"), Case(400, "first header folded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        Case(400, "last line ends in LF", "GET / HTTP/1.1\r\nHost: a\r\n\n"), Case(400, "no host", "GET / HTTP/1.1\r\n\r\n"),
        Case(400, "no host, absolute form", "GET http://a/ HTTP/1.1\r\n\r\n"), .header(400, "Host: a"), .header(400, "host: b"),
        .header(400, "Host: b", version: "1.0"),
        .host(""), .host(" "), .host("a b"), .host("a/b"), .host("a,b"), .host("u@a"), .host(":80"), .host("a:"), .host("a:x"),
        .host("a:-1"),
        .host("a:65536"), .host("a:80:80"), .host("[::1"), .host("[]"), .host("[1]"), .host("[::g]"), .host("::1"), .host("a%2"),
        .host("\u{e9}"),
        .host("[::1]a"), .header(417, "Expect: 200-ok"), .header(417, "Expect:"), .header(417, "Expect: 100-continue\r\nExpect: x"),
    ]

    static let framings: [Case] = [
        .header(400, "Content-Length: 1\r\nTransfer-Encoding: chunked"), .header(400, "Transfer-Encoding: chunked\r\nContent-Length: 1"),
        .header(400, "Content-Length: 1\r\nContent-Length: 1"), .header(400, "Content-Length: 1\r\nContent-Length: 2"),
        .header(400, "Content-Length: 1, 1"), .header(400, "Content-Length: +1"), .header(400, "Content-Length: -1"),
        .header(400, "Content-Length: 1 1"), .header(400, "Content-Length: 0x1"), .header(400, "Content-Length: 1f"),
        .header(400, "Content-Length: 1.0"), .header(400, "Content-Length: 1e3"), .header(400, "Content-Length:"),
        .header(400, "Content-Length: \u{b2}"), .header(400, "Content-Length: 9223372036854775808"),
        .header(400, "Content-Length: 18446744073709551617"), .header(400, "Content-Length: 99999999999999999999999999"),
        .header(413, "Content-Length: 9223372036854775807"), .header(413, "Content-Length: 1048577"),
        .header(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), .header(400, "Transfer-Encoding: chunked, chunked"),
        .header(400, "Transfer-Encoding: chunked, gzip"), .header(400, "Transfer-Encoding: chunked,"), .header(400, "Transfer-Encoding:"),
        .header(400, "Transfer-Encoding: ,chunked"), .header(400, "Transfer-Encoding: \"chunked\""),
        .header(400, "Transfer-Encoding: chunked;a=b"),
        .header(501, "Transfer-Encoding: gzip, chunked"), .header(501, "Transfer-Encoding: gzip"),
        .header(501, "Transfer-Encoding: identity"),
        .header(501, "Transfer-Encoding: xchunked"), .header(400, "Transfer-Encoding: chunked", version: "1.0"),
        .header(400, "Transfer-Encoding : chunked"), .header(400, "Transfer-Encoding\u{b}: chunked"),
        .header(400, "Transfer-Encoding:\u{b}chunked"),
    ]

    static let chunks: [Case] = [
        .chunks(400, "\r\n"), .chunks(400, "g\r\n"), .chunks(400, "-1\r\n"), .chunks(400, "+1\r\na\r\n"), .chunks(400, "0x1\r\na\r\n"),
        .chunks(400, " 1\r\na\r\n"), .chunks(400, "1 \r\na\r\n"), .chunks(400, "1\t\r\na\r\n"), .chunks(400, "1 ;a\r\na\r\n"),
        .chunks(400, ";a\r\n"), .chunks(400, "00000000000000001\r\na\r\n"), .chunks(400, "ffffffffffffffff\r\n"),
        .chunks(400, "8000000000000000\r\n"), .chunks(413, "7fffffffffffffff\r\n"), .chunks(413, "100001\r\n"),
        .chunks(400, "1\na\r\n0\r\n\r\n"),
        .chunks(400, "1\r\na0\r\n\r\n"), .chunks(400, "1\r\na\n0\r\n\r\n"), .chunks(400, "1\r\na\r0\r\n\r\n"),
        .chunks(400, "1\r\nab\r\n0\r\n\r\n"),
        .chunks(400, "1;a\0\r\na\r\n"), .chunks(400, "1;a\nb\r\na\r\n"), .chunks(400, "1;a\rb\r\na\r\n"), .chunks(400, "0\n\n"),
        .chunks(400, "0\r\n\n"), .chunks(400, "0\r\nX : a\r\n\r\n"), .chunks(400, "0\r\nX\r\n\r\n"), .chunks(400, "0\r\n X: a\r\n\r\n"),
        .chunks(400, "0\r\nContent-Length: 1\r\n\r\n"), .chunks(400, "0\r\ntransfer-encoding: chunked\r\n\r\n"),
        .chunks(400, "0\r\nHost: a\r\n\r\n"), .chunks(400, "0\r\nX: \0\r\n\r\n"),
    ]

    static let all = requestLines + targets + headers + framings + chunks

    @Test(arguments: all) func malformedRequest_isRefusedTheSameAtEverySplit(_ request: Case) {
        let (parsed, difference) = ParserDrive.everyWay([UInt8](latin1: request.text))
        #expect(difference == nil)
        #expect(parsed.failure?.status.code == request.status)
        #expect(parsed.requests.allSatisfy { !$0.isComplete })
    }

    /// The request before it was good, the one after it must never be seen.
    @Test(arguments: all) func malformedRequest_inAPipeline_endsIt(_ request: Case) {
        let before = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n"
        let after = "\r\n\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n"
        let parsed = ParserDrive.whole([UInt8](latin1: before + request.text + after)).parsed
        #expect(parsed.failure != nil)
        #expect(parsed.requests.filter { $0.isComplete }.map(\.target) == ["/before"])
        #expect(!parsed.requests.contains { $0.target == "/after" })
    }

    @Test func table_isLargeAndHasNoRepeats() {
        #expect(Self.all.count >= 60)
        #expect(Set(Self.all.map(\.text)).count == Self.all.count)
    }
}
