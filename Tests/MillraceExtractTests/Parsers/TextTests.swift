import MillraceCore
import Testing

@testable import MillraceExtraction

@Suite struct CharacterDecoderTests {
    @Test(
        arguments: [
            ([UInt8]("plain".utf8), "plain", nil, false),
            ([UInt8]("grüße €𝄞".utf8), "grüße €𝄞", .utf8, false),
            ([0xEF, 0xBB, 0xBF] + [UInt8]("bom".utf8), "bom", .utf8, false),
            ([0x67, 0x72, 0xFC, 0xDF, 0x65, 0x20, 0x80, 0x20, 0x93], "grüße € “", .windows1252, false),
            ([0xFF, 0xFE, 0x41, 0x00, 0x3D, 0xD8, 0x00, 0xDE], "A😀", .utf16LittleEndian, false),
            ([0xFE, 0xFF, 0x00, 0x41, 0xD8, 0x3D, 0xDE, 0x00], "A😀", .utf16BigEndian, false),
            ([0xFF, 0xFE, 0x41, 0x00, 0x42], "A", .utf16LittleEndian, true),
            ([0xEF, 0xBB, 0xBF, 0x61, 0xFF, 0x62], "a\u{FFFD}b", .utf8, true),
            ([0x61, 0xE2, 0x82], "aâ‚", .windows1252, false),
            ([], "", nil, false),
        ] as [([UInt8], String, CharacterDecoder.Encoding?, Bool)])
    func bytes_areDecodedAtEverySplit(bytes: [UInt8], text: String, encoding: CharacterDecoder.Encoding?, isDamaged: Bool) {
        for portions in Collected.cuts(bytes) {
            var decoder = CharacterDecoder()
            var out = portions.flatMap { decoder.decode($0) }
            out += decoder.finish()
            #expect(String(decoding: out, as: UTF8.self) == text, "\(portions)")
            #expect(decoder.encoding == encoding && decoder.isDamaged == isDamaged, "\(portions)")
        }
    }
}

@Suite struct TextReaderTests {
    @Test func lines_areNumbered_andPiecesEndBehindThem() {
        let line = String(repeating: "word ", count: 20) + "\r\n"
        let text = String(repeating: line, count: 1000)
        let found = Collected(TextReader(), [Array(text.utf8)], .lines)
        #expect(found.text == text.replacing("\r\n", with: "\n"))
        #expect(found.words == 20_000 && found.characters == 101_000)
        #expect(found.pieces.allSatisfy { $0.text.count <= PieceWriter.pieceBytes && $0.text.last == 0x0A })
        var next = 1
        for piece in found.pieces {
            #expect(piece.numbers?.lowerBound == next)
            next = (piece.numbers?.upperBound ?? 0) + 1
            #expect(piece.numbers?.count == piece.text.count { $0 == 0x0A })
        }
        #expect(next == 1001)
    }

    @Test func lineThatIsLongerThanAPiece_isCutBetweenCharacters() {
        let text = String(repeating: "ü€", count: 20_000)
        let found = Collected(TextReader(), [Array(text.utf8)], .lines)
        #expect(found.pieces.count > 3)
        #expect(found.pieces.allSatisfy { String(validating: $0.text, as: UTF8.self) != nil && $0.numbers == 1...1 })
        #expect(found.text == text)
    }

    @Test(arguments: [("a\rb\r\rc", "a\nb\n\nc"), ("a\r\n\r\nb", "a\n\nb"), ("a\u{0}b\u{1B}[1mc\u{7F}", "a b [1mc "), ("\u{FEFF}x", "x")])
    func controlCharacters_areCleanedAtEverySplit(text: String, clean: String) {
        for portions in Collected.cuts(text) { #expect(Collected(TextReader(), portions, .lines).text == clean, "\(portions)") }
    }

    @Test func moreTextThanTheLimit_isAnErrorAfterWhatFitted() {
        let found = Collected(TextReader(), [Array(String(repeating: "abc\n", count: 10_000).utf8)], .lines, mostCharacters: 20_000)
        #expect(found.error == .documentTooLarge)
        #expect(!found.pieces.isEmpty && found.text.utf8.count <= 20_000)
    }
}

@Suite struct MarkdownReaderTests {
    static let text = """
        ---
        title: "The Mill"
        ---
        Before.

        # One #
        Text
        ## Two
        ```sh
        # no heading
        ```
            # code
        Three
        =====
        - item
        ---
        #no
        Four
        ----
        end
        """

    @Test func headings_areSections_atEverySplit() {
        let whole = Collected(MarkdownReader(), [Array(Self.text.utf8)], .lines)
        #expect(whole.text == Self.text + "\n")
        #expect(whole.title == "The Mill")
        #expect(
            whole.pieces.filter { $0.kind == .heading }.map(\.place.section)
                == [["One"], ["One", "Two"], ["Three"], ["Three", "Four"]])
        let fenced = whole.pieces.first { $0.string.contains("no heading") }
        #expect(fenced?.place.section == ["One", "Two"] && fenced?.numbers == 9...12)
        for portions in Collected.cuts(Self.text) {
            #expect(Collected(MarkdownReader(), portions, .lines) == whole, "\(portions.map(\.count))")
        }
    }
}

@Suite struct CSVTests {
    @Test(arguments: [
        ("a,b\n1,\"x, \"\"y\"\"\nz\"\n", [["a", "b"], ["1", "x, \"y\"\nz"]]),
        ("a,b\r\n,\r\n", [["a", "b"], ["", ""]]),
        ("a\rb", [["a"], ["b"]]),
        ("\"open,\n", [["open,\n"]]),
        ("a\"b,\"c\"d\n", [["a\"b", "cd"]]),
        ("\"\"", [[""]]),
        ("", []),
    ])
    func records_areReadAtEverySplit(text: String, records: [[String]]) throws {
        for portions in Collected.cuts(text) {
            var parser = CSVParser(delimiter: UInt8(ascii: ","))
            var found: [[String]] = []
            for portion in portions {
                try parser.receive(portion) { (record) throws(MillraceError) in
                    found.append(record.map { String(decoding: $0, as: UTF8.self) })
                }
            }
            try parser.finish { (record) throws(MillraceError) in found.append(record.map { String(decoding: $0, as: UTF8.self) }) }
            #expect(found == records, "\(portions)")
        }
    }

    @Test(arguments: [
        ("a,b;c\n1,2;3\n", ","), ("a;b,c;d\n1,5;2,5;3\n", ";"), ("a\tb\n1,0\t2\n", "\t"), ("a|b|c\n1|2|3\n", "|"), ("just text\n", ","),
    ])
    func delimiter_isTheOneThatCutsEvenly(text: String, delimiter: String) {
        #expect(CSVParser.delimiter(of: Array(text.utf8)) == delimiter.utf8.first)
    }

    @Test func rows_areLinesWithTheirNumbers() {
        let found = Collected(CSVReader(), [Array("a;b\n1;\"x\ny\"\n;\n2;z\n".utf8)], .rows)
        #expect(found.text == "a\tb\n1\tx y\n2\tz\n")
        #expect(found.pieces.map(\.numbers) == [1...4])
        #expect(found.pieces.allSatisfy { $0.kind == .table })
    }

    @Test func quoteThatIsNeverClosed_endsInAnErrorBeforeAllIsInMemory() {
        let found = Collected(
            CSVReader(), [Array("a,\"b".utf8)] + [[UInt8]](repeating: Array(repeating: 0x61, count: 64 << 10), count: 40), .rows)
        #expect(found.error == .documentDamaged)
    }
}
