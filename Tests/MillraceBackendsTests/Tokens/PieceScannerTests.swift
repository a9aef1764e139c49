import Testing

@testable import MillraceBackends

/// Where pieces end, as Python's `regex` module finds it with tiktoken's own patterns.
@Suite struct PieceScannerTests {
    private static func pieces(_ text: String, _ pattern: PiecePattern) -> [String] {
        let scanner = PieceScanner(pattern)
        let bytes = Array(text.utf8)
        var (found, start) = ([String](), 0)
        while start < bytes.count {
            let end = scanner.end(of: start, in: bytes.span)
            guard end > start else { return found + ["no progress at \(start)"] }
            found.append(String(decoding: bytes[start..<end], as: UTF8.self))
            start = end
        }
        return found
    }

    @Test(
        arguments: [
            ("don't they'LL we'ſ", ["don", "'t", " they", "'LL", " we", "'ſ"], ["don't", " they'LL", " we'ſ"]),
            ("'sun 's", ["'s", "un", " '", "s"], ["'sun", " '", "s"]),
            ("a  b   \n  c", ["a", " ", " b", "   \n", " ", " c"], ["a", " ", " b", "   \n", " ", " c"]),
            ("x \n ", ["x", " \n "], ["x", " \n", " "]),
            ("x\n\n\ty", ["x", "\n\n", "\ty"], ["x", "\n\n", "\ty"]),
            ("1234567 \u{663}\u{664}", ["123", "456", "7", " ", "\u{663}\u{664}"], ["123", "456", "7", " ", "\u{663}\u{664}"]),
            ("a/b//\n/c", ["a", "/b", "//\n", "/c"], ["a", "/b", "//\n/", "c"]),
            ("!!!\r\n\r\nz", ["!!!\r\n\r\n", "z"], ["!!!\r\n\r\n", "z"]),
            ("parseURLToJSON XMLs", ["parseURLToJSON", " XMLs"], ["parse", "URLTo", "JSON", " XMLs"]),
            ("ABC\u{301}D", ["ABC", "\u{301}D"], ["ABC\u{301}", "D"]),
            ("\u{301}AB \u{301}", ["\u{301}AB", " \u{301}"], ["\u{301}", "AB", " \u{301}"]),
            ("字Aa字B", ["字Aa字B"], ["字Aa字", "B"]),
            (" .hi", [" .", "hi"], [" .", "hi"]),
            ("\u{A0}\u{A0}x", ["\u{A0}", "\u{A0}x"], ["\u{A0}", "\u{A0}x"]),
            ("<|endoftext|>", ["<|", "endoftext", "|>"], ["<|", "endoftext", "|>"]),
            ("$\u{301}x", ["$\u{301}", "x"], ["$\u{301}x"]),
            ("ǅa AB'Sc", ["ǅa", " AB", "'S", "c"], ["ǅa", " AB'S", "c"]),
        ] as [(String, [String], [String])])
    func recordedText_isCutWhereThePatternsCutIt(text: String, cl100k: [String], o200k: [String]) {
        #expect(Self.pieces(text, .cl100k).map { Array($0.utf8) } == cl100k.map { Array($0.utf8) })
        #expect(Self.pieces(text, .o200k).map { Array($0.utf8) } == o200k.map { Array($0.utf8) })
    }

    @Test(arguments: [PiecePattern.cl100k, .o200k])
    func anyText_isCutWhole(pattern: PiecePattern) {
        for text in TokenCorpus.written + TokenCorpus.long + TokenCorpus.random(500, seed: 5) {
            #expect(Self.pieces(text, pattern).flatMap { Array($0.utf8) } == Array(text.utf8))
        }
    }
}
