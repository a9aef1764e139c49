import MillraceHTTP
import Testing

@Suite struct HTTPParserLimitsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        var limits: HTTPParserLimits
        var bodyLimit: Int?
        var atLimit: String
        var overLimit: String
        var testDescription: String { name }
        init(
            _ name: String, _ status: Int, bodyLimit: Int? = nil, at atLimit: String, over overLimit: String,
            _ change: (inout HTTPParserLimits) -> Void
        ) {
            self.name = name
            self.status = status
            self.bodyLimit = bodyLimit
            self.atLimit = atLimit
            self.overLimit = overLimit
            limits = HTTPParserLimits()
            change(&limits)
        }
    }

    private static func get(_ headers: String) -> String { "GET / HTTP/1.1\r\n\(headers)\r\n" }
    private static func chunked(_ chunks: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)"
    }
    private static func post(_ length: Int) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n\(String(repeating: "x", count: length))"
    }

    static let cases: [Case] = [
        Case(
            "request line", 414, at: "GET /aaaaa HTTP/1.1\r\nHost: a\r\n\r\n", over: "GET /aaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"
        ) { $0.requestLineBytes = 19 },
        // "Host: a" with its CRLF is 9 bytes, "X: y" 6.
        Case("header bytes", 431, at: get("Host: a\r\nX: y\r\n"), over: get("Host: a\r\nX: yy\r\n")) { $0.headerBytes = 15 },
        Case("header bytes, none left", 431, at: get("Host: a\r\n"), over: get("Host: a\r\nX:\r\n")) { $0.headerBytes = 9 },
        Case("header count", 431, at: get("Host: a\r\nX: y\r\n"), over: get("Host: a\r\nX: y\r\nX: y\r\n")) { $0.headerCount = 2 },
        // "Host: a" and "Transfer-Encoding: chunked" are 37 bytes.
        Case("trailer bytes", 431, at: chunked("0\r\nX: y\r\n\r\n"), over: chunked("0\r\nX: yy\r\n\r\n")) { $0.headerBytes = 43 },
        Case("trailer count", 431, at: chunked("0\r\nX: y\r\n\r\n"), over: chunked("0\r\nX: y\r\nX: y\r\n\r\n")) { $0.headerCount = 3 },
        Case("body by length", 413, at: post(5), over: post(6)) { $0.bodyBytes = 5 },
        Case("body by length, limit of the route", 413, bodyLimit: 5, at: post(5), over: post(6)) { $0.bodyBytes = 100 },
        Case("body by length, larger limit of the route", 413, bodyLimit: 9, at: post(9), over: post(10)) { $0.bodyBytes = 5 },
        Case("one chunk", 413, at: chunked("5\r\nhello\r\n0\r\n\r\n"), over: chunked("6\r\nhello!\r\n0\r\n\r\n")) { $0.bodyBytes = 5 },
        Case(
            "two chunks", 413, at: chunked("2\r\nhi\r\n3\r\nyou\r\n0\r\n\r\n"), over: chunked("2\r\nhi\r\n4\r\nyou!\r\n0\r\n\r\n")
        ) { $0.bodyBytes = 5 },
        Case(
            "chunks, limit of the route", 413, bodyLimit: 2, at: chunked("2\r\nhi\r\n0\r\n\r\n"), over: chunked("3\r\nhi!\r\n0\r\n\r\n")
        ) { $0.bodyBytes = 100 },
        Case("chunk line", 400, at: chunked("1;aaa\r\nx\r\n0\r\n\r\n"), over: chunked("1;aaaa\r\nx\r\n0\r\n\r\n")) {
            $0.chunkLineBytes = 5
        },
        Case(
            "chunk extensions", 400, at: chunked("1;a\r\nx\r\n1;a\r\nx\r\n0\r\n\r\n"), over: chunked("1;a\r\nx\r\n1;a\r\nx\r\n0;\r\n\r\n")
        ) { $0.chunkExtensionBytes = 4 },
        Case("empty lines", 400, at: "\r\n" + get("Host: a\r\n"), over: "\r\n\r\n" + get("Host: a\r\n")) { $0.leadingEmptyLines = 1 },
    ]

    @Test(arguments: cases) func atTheLimit_passes(_ row: Case) {
        let bytes = [UInt8](latin1: row.atLimit)
        let (parsed, difference) = ParserDrive.everyWay(bytes + bytes, limits: row.limits, bodyLimit: row.bodyLimit)
        #expect(difference == nil)
        #expect(parsed.failure == nil)
        #expect(parsed.requests.filter { $0.isComplete }.count == 2)
    }

    @Test(arguments: cases) func oneMore_isRefused(_ row: Case) {
        let (parsed, difference) = ParserDrive.everyWay([UInt8](latin1: row.overLimit), limits: row.limits, bodyLimit: row.bodyLimit)
        #expect(difference == nil)
        #expect(parsed.failure?.status.code == row.status)
        #expect(parsed.requests.allSatisfy { !$0.isComplete })
    }

    @Test func defaults_areAsDocumented() {
        let limits = HTTPParserLimits()
        #expect(limits.requestLineBytes == 8192)
        #expect(limits.headerCount == 100)
        #expect(limits.headerBytes == 32768)
        #expect(limits.bodyBytes == 1_048_576)
    }

    @Test func routeLimit_isForgottenWithTheNextRequest() {
        var drive = ParserDrive(limits: HTTPParserLimits(), bodyLimit: 3)
        drive.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8)
        drive.bodyLimit = nil
        drive.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd".utf8)
        #expect(drive.parsed.failure == nil)
        #expect(drive.parsed.requests.map(\.body.count) == [3, 4])
    }

    @Test func unendedLine_isRefusedAtItsLimit() {
        // Nothing may be gathered beyond the limit while an end of line is awaited.
        var limits = HTTPParserLimits()
        limits.requestLineBytes = 100
        var drive = ParserDrive(limits: limits)
        drive.receive("GET /\(String(repeating: "a", count: 95))".utf8)
        #expect(drive.parsed.failure == nil)
        drive.receive("a".utf8)
        #expect(drive.parsed.failure?.status == .uriTooLong)
    }
}
