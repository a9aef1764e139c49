import MillraceHTTP
import Testing

@Suite struct HTTPRequestParserTests {
    struct Good: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var targets: [String]
        var bodies: [String]
        var testDescription: String { name }
        init(_ name: String, _ text: String, targets: [String] = ["/"], bodies: [String] = [""]) {
            self.name = name
            self.text = text
            self.targets = targets
            self.bodies = bodies
        }
    }

    static let good: [Good] = [
        Good("least 1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Good("1.0 without host", "GET / HTTP/1.0\r\n\r\n"),
        Good("empty lines first", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Good("unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Good("token characters", "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~: x\r\n\r\n"),
        Good("tabs around a value", "GET / HTTP/1.1\r\nHost:\t a \t\r\nX: a\tb\r\n\r\n"),
        Good("empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t \r\n\r\n"),
        Good("bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: caf\u{e9}\u{ff}\r\n\r\n"),
        Good("long value across word scans", "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "y", count: 300))\t.\r\n\r\n"),
        Good("host with port", "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n"),
        Good("IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
        Good("percent-encoded host", "GET / HTTP/1.1\r\nHost: a%20b\r\n\r\n"),
        Good("query", "GET /a?b=c%20d&e HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["/a?b=c%20d&e"]),
        Good("query with two question marks", "GET /?a?b/../c HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["/?a?b/../c"]),
        Good("characters that browsers leave bare", "GET /a|b^[c]{d}`'?{} HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["/a|b^[c]{d}`'?{}"]),
        Good("dots that are no dot-dot", "GET /.../a..b/..c/.d/c.. HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["/.../a..b/..c/.d/c.."]),
        Good("absolute form", "GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["http://b.example/x"]),
        Good("absolute form, upper case, no path", "GET HTTPS://b:443?q HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["HTTPS://b:443?q"]),
        Good("asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", targets: ["*"]),
        Good("CONNECT", "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", targets: ["b.example:443"]),
        Good("length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", bodies: ["hello"]),
        Good("length zero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
        Good("length with zeros before it", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc", bodies: ["abc"]),
        Good("1.0 with a length", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", bodies: ["hi"]),
        Good(
            "chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
            bodies: ["hello!"]),
        Good(
            "chunked in other case, sizes in both cases",
            "POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: ChunKed\r\n\r\na\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
            bodies: ["01234567890123456789a"]),
        Good(
            "chunk extensions and trailers",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c=\"d\"\r\nhi\r\n000;x\r\nX-Sum: 1\r\nY:\r\n\r\n",
            bodies: ["hi"]),
        Good(
            "chunk size of sixteen digits",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000002\r\nhi\r\n0000000000000000\r\n\r\n",
            bodies: ["hi"]),
        Good(
            "chunk data that looks like framing",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", bodies: ["0\r\n\r\n\r\n"]),
        Good("expect", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", bodies: ["x"]),
        Good(
            "pipelined",
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\nGET /3 HTTP/1.0\r\n\r\n",
            targets: ["/1", "/2", "/3"], bodies: ["", "abc", ""]),
        Good(
            "pipelined after chunks",
            "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n"
                + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nDELETE /3 HTTP/1.1\r\nHost: a\r\n\r\n",
            targets: ["/1", "/2", "/3"], bodies: ["abc", "", ""]),
    ]

    @Test(arguments: good) func goodRequest_parsesTheSameAtEverySplit(_ request: Good) {
        let (parsed, difference) = ParserDrive.everyWay([UInt8](latin1: request.text))
        #expect(difference == nil)
        #expect(parsed.failure == nil)
        #expect(parsed.requests.map(\.target) == request.targets)
        #expect(parsed.requests.map { String(decoding: $0.body, as: UTF8.self) } == request.bodies)
        #expect(parsed.requests.allSatisfy { $0.isComplete })
        #expect(parsed.left == 0)
    }

    @Test(arguments: good) func goodRequest_cutShort_isNeverComplete(_ request: Good) {
        let bytes = [UInt8](latin1: request.text)
        for count in 0..<bytes.count {
            let parsed = ParserDrive.whole(Array(bytes[..<count])).parsed
            #expect(parsed.failure == nil)
            #expect(parsed.requests.filter(\.isComplete).count < request.targets.count)
        }
    }

    @Test func hasPartialMessage_followsTheMessage() {
        var drive = ParserDrive()
        #expect(!drive.parser.hasPartialMessage)
        drive.receive("\r\n".utf8)
        #expect(!drive.parser.hasPartialMessage)
        drive.receive("P".utf8)
        #expect(drive.parser.hasPartialMessage)
        drive.receive("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na".utf8)
        #expect(drive.parser.hasPartialMessage)
        drive.receive("b".utf8)
        #expect(!drive.parser.hasPartialMessage)
        drive.receive("\0".utf8)
        #expect(!drive.parser.hasPartialMessage)
        #expect(drive.parsed.failure?.status == .badRequest)
    }

    @Test func afterFailure_staysFailed() {
        var drive = ParserDrive()
        drive.receive("GET / HTTP/3.0\r\n".utf8)
        let failure = drive.parsed.failure
        #expect(failure?.status == .httpVersionNotSupported)
        drive.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(drive.parsed.failure == failure)
        #expect(drive.parsed.requests.isEmpty)
    }

    @Test func trickle_isNotSearchedTwice() {
        // 32 KB one byte at a time: a search that starts over each time takes minutes in a debug build.
        var limits = HTTPParserLimits()
        limits.headerBytes = 1 << 20
        var parser = HTTPRequestParser(limits: limits)
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "y", count: 200_000))\r\n\r\n".utf8)
        let clock = ContinuousClock()
        var isHead = false
        let time = clock.measure {
            bytes.withUnsafeBytes { bytes in
                for count in 1...bytes.count {
                    if case .head = parser.next(UnsafeRawBufferPointer(rebasing: bytes[..<count])) { isHead = true }
                }
            }
        }
        #expect(isHead)
        #expect(time < .seconds(10))
    }
}
