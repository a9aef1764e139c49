import Testing

@testable import MillraceHTTP

@Suite struct MultipartParserTests {
    /// A part as it came out.
    struct Part: Equatable {
        var head: MultipartParser.PartHead
        var content: [UInt8] = []
        var isWhole = false
    }

    /// Drives a parser with a body in pieces.
    static func parse(_ pieces: [[UInt8]], boundary: String = "b-1") throws -> (parts: [Part], isComplete: Bool) {
        var parser = try #require(MultipartParser(boundary: boundary))
        var parts: [Part] = []
        for piece in pieces {
            for event in try parser.receive(piece) {
                switch event {
                case .part(let head): parts.append(Part(head: head))
                case .data(let bytes): parts[parts.count - 1].content += bytes
                case .partEnd: parts[parts.count - 1].isWhole = true
                case .end: break
                }
            }
        }
        return (parts, parser.isComplete)
    }

    static let body = Array(
        ("preamble\r\n--b-1\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA \r\n--b title\r\n--b-1  \r\n"
            + "content-disposition: form-data; name=\"file\"; filename=\"caf\u{e9}.txt\"\r\nContent-Type: text/plain\r\nX-Other: y\r\n\r\n"
            + "\r\n\r\n--b\r\n-\r\n--b-1\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--b-1--\r\nepilogue").utf8)

    static let parts = [
        Part(head: .init(name: "title", filename: nil, contentType: nil), content: Array("A \r\n--b title".utf8), isWhole: true),
        Part(
            head: .init(name: "file", filename: "caf\u{e9}.txt", contentType: "text/plain"), content: Array("\r\n\r\n--b\r\n-".utf8),
            isWhole: true),
        Part(head: .init(name: "empty", filename: nil, contentType: nil), isWhole: true),
    ]

    @Test func body_atEverySplit_givesTheSameParts() throws {
        var whole = try Self.parse([Self.body])
        #expect(whole.parts == Self.parts && whole.isComplete)
        whole = try Self.parse(Self.body.map { [$0] })
        #expect(whole.parts == Self.parts && whole.isComplete)
        for split in Self.body.indices {
            let cut = try Self.parse([Array(Self.body[..<split]), Array(Self.body[split...])])
            #expect(cut.parts == Self.parts && cut.isComplete, "cut at \(split)")
        }
    }

    @Test func body_cutAnywhereBeforeItsEnd_isNotComplete() throws {
        let end = Self.body.count - "--\r\nepilogue".utf8.count
        for length in 0..<end { #expect(try Self.parse([Array(Self.body[..<length])]).isComplete == false) }
    }

    @Test(arguments: [
        "--b-1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b-1--": "a part has no Content-Disposition",
        "--b-1\r\nContent-Disposition: attachment; name=x\r\n\r\nx": "a part's Content-Disposition is not form-data with a name",
        "--b-1\r\nContent-Disposition: form-data\r\n\r\nx": "a part's Content-Disposition is not form-data with a name",
        "--b-1\r\nno colon\r\n\r\nx": "a part's header field has no colon",
        "--b-1xx\r\n": "a boundary is followed by something else than a line's end",
    ])
    func body_malformed_isRefusedWithItsReason(text: String, reason: String) {
        #expect(throws: MultipartParser.Failure(reason: reason)) { try Self.parse([Array(text.utf8)]) }
    }

    @Test func limits_atTheirEdges() throws {
        func field(_ bytes: Int) -> [UInt8] {
            let start = "\r\nContent-Disposition: form-data; name=x\r\nX: "
            return Array(("--b-1" + start + String(repeating: "y", count: bytes - start.utf8.count) + "\r\n\r\n\r\n--b-1--").utf8)
        }
        #expect(try Self.parse([field(8192)]).isComplete)
        #expect(throws: MultipartParser.Failure(reason: "a part's header is too long")) { try Self.parse([field(8193)]) }
        let part = "--b-1\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n"
        #expect(try Self.parse([Array((String(repeating: part, count: 64) + "--b-1--").utf8)]).parts.count == 64)
        #expect(throws: MultipartParser.Failure(reason: "the form has more than 64 parts")) {
            try Self.parse([Array(String(repeating: part, count: 65).utf8)])
        }
        #expect(MultipartParser(boundary: "") == nil && MultipartParser(boundary: String(repeating: "x", count: 71)) == nil)
        #expect(MultipartParser(boundary: "x ") == nil && MultipartParser(boundary: String(repeating: "x", count: 70)) != nil)
    }

    @Test(arguments: [
        ("attachment; filename=\"a b.txt\"", "a b.txt"), ("ATTACHMENT; filename=x; filename*=UTF-8''%e2%82%ac.txt", "\u{20ac}.txt"),
        ("attachment; filename*=utf-8'de'a%20b", "a b"), ("inline", nil), ("attachment; filename=x; filename*=UTF-8''%zz", "x"),
    ])
    func contentDisposition_gives_itsFilename(text: String, name: String?) throws {
        #expect(try #require(ContentDisposition(parsing: text)).filename == name)
    }

    @Test(arguments: ["plain.txt", "caf\u{e9} \u{1F600}.pdf", "a\"b\\c\r\nX: y", "", "100%;a=b"])
    func attachment_ofAnyName_canBeReadAgain(name: String) throws {
        let text = ContentDisposition.attachment(named: name)
        #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
        let read = try #require(ContentDisposition(parsing: text))
        #expect(read.type == "attachment" && read.filename == (name.isEmpty ? nil : name))
    }
}
