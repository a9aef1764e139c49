import MillraceHTTP
import Testing

/// The ways of request smuggling by name: what two readers of a connection could cut at different places is refused here, and what stands behind
/// it is never read as a request.
@Suite struct RequestSmugglingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Of RFC 9112 where nothing else is said.
        let section: String
        let status: Int
        let head: String
        let body: String
        var testDescription: String { "\(name) (\(section))" }

        init(_ name: String, _ section: String, _ status: Int = 400, head: String, body: String = "") {
            self.name = name
            self.section = section
            self.status = status
            self.head = head
            self.body = body
        }
    }

    private static let chunked = "Transfer-Encoding: chunked\r\n"
    private static let huge = String(repeating: "9", count: 40)

    static let refused: [Case] = [
        Case("CL.TE", "6.3", head: "Content-Length: 6\r\n" + chunked, body: "0\r\n\r\nG"),
        Case("TE.CL", "6.3", head: chunked + "Content-Length: 3\r\n", body: "8\r\nSMUGGLED\r\n0\r\n\r\n"),
        Case("CL.TE with length 0", "6.3", head: "Content-Length: 0\r\n" + chunked, body: "0\r\n\r\n"),
        Case("two lengths that differ", "6.3", head: "Content-Length: 0\r\nContent-Length: 5\r\n", body: "abcde"),
        Case("two lengths that agree", "6.3", head: "Content-Length: 5\r\nContent-Length: 5\r\n", body: "abcde"),
        Case("a list of lengths", "6.3", head: "Content-Length: 5, 5\r\n", body: "abcde"),
        Case("a length with a sign", "RFC 9110, 8.6", head: "Content-Length: +5\r\n", body: "abcde"),
        Case("a negative length", "RFC 9110, 8.6", head: "Content-Length: -5\r\n", body: "abcde"),
        Case("a length in hexadecimal", "RFC 9110, 8.6", head: "Content-Length: 0x5\r\n", body: "abcde"),
        Case("a length with a space", "RFC 9110, 8.6", head: "Content-Length: 5 6\r\n", body: "abcde"),
        Case("no length", "RFC 9110, 8.6", head: "Content-Length:\r\n", body: "abcde"),
        Case("a length beyond 64 bits", "RFC 9110, 8.6", head: "Content-Length: \(huge)\r\n"),
        Case("a length of 2^64", "RFC 9110, 8.6", head: "Content-Length: 18446744073709551616\r\n"),
        Case("a length of 2^64 + 5", "RFC 9110, 8.6", head: "Content-Length: 18446744073709551621\r\n", body: "abcde"),
        Case("TE.TE", "6.1", head: chunked + chunked, body: "0\r\n\r\n"),
        Case("TE.TE with another coding", "6.1", 501, head: "Transfer-Encoding: x\r\n" + chunked, body: "0\r\n\r\n"),
        Case("chunked twice in a list", "6.1", head: "Transfer-Encoding: chunked, chunked\r\n", body: "0\r\n\r\n"),
        Case("chunked is not the last", "6.3", head: "Transfer-Encoding: chunked, gzip\r\n", body: "0\r\n\r\n"),
        Case("another coding before chunked", "6.1", 501, head: "Transfer-Encoding: gzip, chunked\r\n", body: "0\r\n\r\n"),
        Case("identity", "6.1", 501, head: "Transfer-Encoding: identity\r\n", body: "0\r\n\r\n"),
        Case("a word that begins with chunked", "6.1", 501, head: "Transfer-Encoding: chunkedx\r\n", body: "0\r\n\r\n"),
        Case("chunked in quotes", "6.1", head: "Transfer-Encoding: \"chunked\"\r\n", body: "0\r\n\r\n"),
        Case("chunked behind a vertical tab", "5.5", head: "Transfer-Encoding: \u{0B}chunked\r\n", body: "0\r\n\r\n"),
        Case("an empty coding", "6.1", head: "Transfer-Encoding: , chunked\r\n", body: "0\r\n\r\n"),
        Case("white space before the colon of a length", "5.1", head: "Content-Length : 5\r\n", body: "abcde"),
        Case("white space before the colon of a coding", "5.1", head: "Transfer-Encoding : chunked\r\n", body: "0\r\n\r\n"),
        Case("a tab before the colon", "5.1", head: "Transfer-Encoding\t: chunked\r\n", body: "0\r\n\r\n"),
        Case("white space before a name", "2.2", head: " Transfer-Encoding: chunked\r\n", body: "0\r\n\r\n"),
        Case("obs-fold", "5.2", head: "X: a\r\n Transfer-Encoding: chunked\r\n", body: "0\r\n\r\n"),
        Case("obs-fold of a coding", "5.2", head: "Transfer-Encoding:\r\n chunked\r\n", body: "0\r\n\r\n"),
        Case("obs-fold with a tab", "5.2", head: "X: a\r\n\tb\r\n"),
        Case("a bare LF ends a header", "2.2", head: "X: a\nTransfer-Encoding: chunked\r\n", body: "0\r\n\r\n"),
        Case("a bare CR in a header", "2.2", head: "X: a\rTransfer-Encoding: chunked\r\n", body: "0\r\n\r\n"),
        Case("a bare CR before a line's end", "2.2", head: "X: a\r\r\n"),
        Case("a NUL in a value", "RFC 9110, 5.5", head: "X: a\0b\r\n"),
        Case("a NUL in a name", "5.1", head: "Content\0-Length: 5\r\n", body: "abcde"),
        Case("a name that is not ASCII", "5.1", head: "Content\u{AD}-Length: 5\r\n", body: "abcde"),
        Case("a line without a colon", "5", head: "Content-Length\r\n"),
        Case("a line without a name", "5", head: ": 5\r\n"),
        Case("two hosts", "3.2", head: "Host: b\r\n"),
        Case("a chunk's size with 0x", "7.1", head: chunked, body: "0x3\r\nabc\r\n0\r\n\r\n"),
        Case("a chunk's size with a sign", "7.1", head: chunked, body: "+3\r\nabc\r\n0\r\n\r\n"),
        Case("a negative chunk size", "7.1", head: chunked, body: "-3\r\nabc\r\n0\r\n\r\n"),
        Case("white space before a chunk's size", "7.1", head: chunked, body: " 3\r\nabc\r\n0\r\n\r\n"),
        Case("white space behind a chunk's size", "7.1", head: chunked, body: "3 \r\nabc\r\n0\r\n\r\n"),
        Case("an empty chunk size", "7.1", head: chunked, body: "\r\nabc\r\n0\r\n\r\n"),
        Case("a chunk's size of 2^64 + 3", "7.1", head: chunked, body: "10000000000000003\r\nabc\r\n0\r\n\r\n"),
        Case("a chunk's size of 2^64 - 1", "7.1", head: chunked, body: "ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        Case("a chunk that is longer than its size", "7.1", head: chunked, body: "3\r\nabcd\r\n0\r\n\r\n"),
        Case("a chunk's line ends in LF", "7.1", head: chunked, body: "3\nabc\r\n0\r\n\r\n"),
        Case("a chunk's data end in LF", "7.1", head: chunked, body: "3\r\nabc\n0\r\n\r\n"),
        Case("a chunk's data end in CR", "7.1", head: chunked, body: "3\r\nabc\rX0\r\n\r\n"),
        Case("a chunk extension with LF", "7.1.1", head: chunked, body: "3;a\nb\r\nabc\r\n0\r\n\r\n"),
        Case("a chunk extension with CR", "7.1.1", head: chunked, body: "3;a\rb\r\nabc\r\n0\r\n\r\n"),
        Case("a chunk extension without end", "7.1.1", head: chunked, body: "3;" + String(repeating: "a", count: 300)),
        Case("the last chunk ends in LF", "7.1", head: chunked, body: "0\n\n"),
        Case("a trailer that is a length", "RFC 9110, 6.5.1", head: chunked, body: "0\r\nContent-Length: 5\r\n\r\n"),
        Case("a trailer that is a coding", "RFC 9110, 6.5.1", head: chunked, body: "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Case("a trailer that is a host", "RFC 9110, 6.5.1", head: chunked, body: "0\r\nhOST: b\r\n\r\n"),
        Case("a trailer with white space before its colon", "5.1", head: chunked, body: "0\r\nX : y\r\n\r\n"),
        Case("a folded trailer", "5.2", head: chunked, body: "0\r\nX: y\r\n z\r\n\r\n"),
        Case("a trailer ends in LF", "2.2", head: chunked, body: "0\r\nX: y\n\r\n"),
    ]

    @Test(arguments: refused) func whatCouldBeReadTwoWays_isRefused_atEveryCut(_ test: Case) {
        let text = "POST / HTTP/1.1\r\nHost: a\r\n\(test.head)\r\n\(test.body)GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        let bytes = [UInt8](latin1: text)
        let whole = ParserDrive.whole(bytes)
        #expect(whole.parsed.failure?.status.code == test.status)
        #expect(!whole.parsed.requests.contains { $0.target == "/smuggled" } && !whole.parsed.requests.contains { $0.isComplete })
        for cut in 0...bytes.count {
            var drive = ParserDrive()
            drive.receive(bytes[..<cut])
            if drive.parsed.failure == nil { drive.receive(bytes[cut...]) }
            #expect(drive.parsed == whole.parsed, "cut at \(cut)")
        }
    }

    /// What looks alike and is plain: the next request is the next request.
    @Test(arguments: [
        ("", ""), ("Content-Length: 5\r\n", "abcde"), ("content-LENGTH:005\t \r\n", "abcde"), ("Content-Length: 0\r\n", ""),
        ("transfer-encoding:\tCHUNKED \r\n", "0000000000000003;a=\"b\"\r\nabc\r\n0;x\r\nX: y\r\n\r\n"),
        ("X-Content-Length: 9\r\nTransfer-Encodin: chunked\r\n", ""), ("Content-Length: 25\r\n", "GET /x HTTP/1.1\r\nA: b\r\n\r\n"),
    ])
    func plainFraming_endsWhereItSays(head: String, body: String) {
        let text = "POST / HTTP/1.1\r\nHost: a\r\n\(head)\r\n\(body)GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
        let parsed = ParserDrive.whole([UInt8](latin1: text)).parsed
        #expect(parsed.failure == nil && parsed.requests.map(\.target) == ["/", "/next"] && parsed.requests.allSatisfy(\.isComplete))
    }
}
