import MillraceCore
import Testing

@Suite struct SSEParserTests {
    private static func parsed(_ pieces: [[UInt8]]) throws -> (messages: [SSEMessage], parser: SSEParser) {
        var parser = SSEParser()
        var messages: [SSEMessage] = []
        for piece in pieces { messages += try parser.receive(piece) }
        return (messages, parser)
    }

    /// WHATWG HTML, section 9.2.6: the reconnection time is set by ASCII digits alone.
    @Test(
        arguments: [
            ("10", 10), ("0", 0), ("007", 7), ("+5", nil), ("-5", nil), ("", nil), ("1x", nil), (" 1", nil), ("1.5", nil),
            ("\u{0661}", nil),
            ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func retry_isDigitsAlone(value: String, expected: Int?) throws {
        #expect(try Self.parsed([Array("retry: \(value)\ndata: a\n\n".utf8)]).parser.retryMilliseconds == expected)
    }

    /// Lines may end in carriage returns alone, also where no line feed ever comes.
    @Test(arguments: ["\r", "\n", "\r\n"])
    func linesOfOneEnding_areAllRead(ending: String) throws {
        let bytes = Array((["event: a", "data: x", "", "id: 7", "data: y", "", ""].joined(separator: ending)).utf8)
        let expected = [SSEMessage(event: "a", data: "x"), SSEMessage(id: "7", data: "y")]
        #expect(try Self.parsed([bytes]).messages == expected)
        for cut in bytes.indices { #expect(try Self.parsed([Array(bytes[..<cut]), Array(bytes[cut...])]).messages == expected) }
    }

    @Test(arguments: [[20], [1, 19], [10, 10]])
    func aLineBeyondTheLimit_isRefused(pieces: [Int]) throws {
        var parser = SSEParser(limit: 19)
        #expect(throws: SSEParser.Failure.tooLong(limit: 19)) {
            for piece in pieces { _ = try parser.receive([UInt8](repeating: UInt8(ascii: "x"), count: piece)) }
        }
    }

    @Test func aStream_cutAnywhere_hasTheSameMessages() throws {
        let bytes = Array("\u{FEFF}event: a\r\nid: 1\rdata: x\ndata:y\n\n: c\n\ndata\r\n\r\nid\ndata: \u{E9}\n\ndata: cut".utf8)
        let expected = [
            SSEMessage(event: "a", id: "1", data: "x\ny"), SSEMessage(id: "1", data: ""), SSEMessage(id: "", data: "\u{E9}"),
        ]
        #expect(try Self.parsed([bytes]).messages == expected)
        #expect(try Self.parsed(bytes.map { [$0] }).messages == expected)
        for cut in bytes.indices { #expect(try Self.parsed([Array(bytes[..<cut]), Array(bytes[cut...])]).messages == expected) }
    }
}
