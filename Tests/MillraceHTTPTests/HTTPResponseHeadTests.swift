import MillraceCore
import MillraceHTTP
import Testing

@Suite struct HTTPResponseHeadTests {
    static let date = HTTPDate(epochSeconds: 784_111_777)

    static func text(_ head: HTTPResponseHead, date: HTTPDate? = nil) -> String {
        var buffer = ByteBuffer()
        head.write(to: &buffer, date: date)
        return buffer.string
    }

    @Test func head_isWrittenInOrder() {
        let head = HTTPResponseHead(.ok, headers: ["Content-Type": "text/plain", "X-A": "1", "X-A": "2"], framing: .length(12))
        #expect(
            Self.text(head, date: Self.date)
                == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nX-A: 1\r\nX-A: 2\r\n"
                + "Content-Length: 12\r\n\r\n")
    }

    struct Case: Sendable {
        var status: HTTPStatus
        var framing: HTTPFraming
        var version: HTTPVersion
        var keepAlive: Bool
        var lines: String
        var closes: Bool
    }

    static let cases: [Case] = [
        Case(status: .ok, framing: .length(0), version: .http11, keepAlive: true, lines: "Content-Length: 0\r\n", closes: false),
        Case(
            status: .ok, framing: .length(5), version: .http11, keepAlive: false, lines: "Content-Length: 5\r\nConnection: close\r\n",
            closes: true),
        Case(
            status: .ok, framing: .length(5), version: .http10, keepAlive: true, lines: "Content-Length: 5\r\nConnection: keep-alive\r\n",
            closes: false),
        Case(
            status: .ok, framing: .length(5), version: .http10, keepAlive: false, lines: "Content-Length: 5\r\nConnection: close\r\n",
            closes: true),
        Case(status: .ok, framing: .chunked, version: .http11, keepAlive: true, lines: "Transfer-Encoding: chunked\r\n", closes: false),
        Case(status: .ok, framing: .chunked, version: .http10, keepAlive: true, lines: "Connection: close\r\n", closes: true),
        Case(status: .ok, framing: .untilClose, version: .http11, keepAlive: true, lines: "Connection: close\r\n", closes: true),
        Case(status: .noContent, framing: .length(0), version: .http11, keepAlive: true, lines: "", closes: false),
        Case(status: .noContent, framing: .chunked, version: .http10, keepAlive: true, lines: "Connection: keep-alive\r\n", closes: false),
        Case(status: .notModified, framing: .length(7), version: .http11, keepAlive: true, lines: "", closes: false),
        Case(status: .continue, framing: .none, version: .http11, keepAlive: false, lines: "", closes: true),
        Case(
            status: .ok, framing: HTTPFraming.length(7).ofHeadRequest, version: .http11, keepAlive: true, lines: "Content-Length: 7\r\n",
            closes: false),
        Case(status: .ok, framing: HTTPFraming.chunked.ofHeadRequest, version: .http11, keepAlive: true, lines: "", closes: false),
        Case(status: .ok, framing: HTTPFraming.untilClose.ofHeadRequest, version: .http11, keepAlive: true, lines: "", closes: false),
    ]

    @Test(arguments: cases) func framingAndConnection_followStatusAndVersion(row: Case) {
        let head = HTTPResponseHead(row.status, framing: row.framing, version: row.version, keepAlive: row.keepAlive)
        #expect(Self.text(head) == "HTTP/1.1 \(row.status)\r\n\(row.lines)\r\n")
        #expect(head.closesConnection == row.closes)
    }

    @Test func headersThatFrame_areSaidOnce() throws {
        var headers = HTTPHeaders()
        for name in ["content-length", "TRANSFER-ENCODING", "Connection", "date"] { try headers.add(name, "x") }
        try headers.add("Data", "kept")
        #expect(
            Self.text(HTTPResponseHead(.ok, headers: headers, framing: .length(1)), date: Self.date)
                == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nData: kept\r\nContent-Length: 1\r\n\r\n")
    }

    @Test func requestID_isSaidOnceAndNotBeforeTheFinalResponse() throws {
        let id = HTTPRequestID()
        let headers: HTTPHeaders = ["X-Request-Id": "another", "X-A": "1"]
        var buffer = ByteBuffer()
        HTTPResponseHead(.notFound, headers: headers, framing: .none).write(to: &buffer, date: nil, requestID: id)
        #expect(buffer.string == "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-Request-Id: \(id)\r\n\r\n")
        buffer.removeAll()
        HTTPResponseHead(.continue, framing: .none).write(to: &buffer, date: Self.date, requestID: id)
        #expect(buffer.string == "HTTP/1.1 100 Continue\r\n\r\n")
    }
}
