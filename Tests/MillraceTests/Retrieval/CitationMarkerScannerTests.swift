import Testing

@testable import Millrace

@Suite struct CitationMarkerScannerTests {
    typealias Piece = CitationMarkerScanner.Piece

    /// What pieces come to: neighbouring texts joined.
    static func scan(_ pieces: some Sequence<String>) -> [Piece] {
        var scanner = CitationMarkerScanner()
        var found: [Piece] = []
        for piece in pieces { found += scanner.receive(piece) }
        found += scanner.finish()
        var joined: [Piece] = []
        for piece in found {
            if case .text(let more) = piece, case .text(let before)? = joined.last {
                joined[joined.count - 1] = .text(before + more)
            } else {
                joined.append(piece)
            }
        }
        return joined
    }

    static let table: [(text: String, pieces: [Piece])] = [
        ("", []),
        ("plain text", [.text("plain text")]),
        ("a <cite ref=\"2\">two words</cite> b", [.text("a "), .marker(reference: 2, quote: "two words"), .text(" b")]),
        ("<CITE REF='12'>x</Cite >", [.marker(reference: 12, quote: "x")]),
        ("<cite ref=[3]>x</cite>", [.marker(reference: 3, quote: "x")]),
        ("<cite  id=\"9\" ref = \"4\" >x</cite>", [.marker(reference: 4, quote: "x")]),
        ("<cite>x</cite>.", [.marker(reference: nil, quote: "x"), .text(".")]),
        ("<cite href=\"4\">x</cite>", [.marker(reference: nil, quote: "x")]),
        ("<cite ref=\"1234567\">x</cite>", [.marker(reference: nil, quote: "x")]),
        ("<cite ref=\"1\"/>z", [.marker(reference: 1, quote: nil), .text("z")]),
        ("a</cite> b", [.text("a b")]),
        (
            "1 < 2 <b>bold</b> <citation> <<cite ref=1>x<y</cite>",
            [.text("1 < 2 <b>bold</b> <citation> <"), .marker(reference: 1, quote: "x<y")]
        ),
        ("<cite ref=1>one<cite ref=2>two</cite>", [.marker(reference: 1, quote: nil), .marker(reference: 2, quote: "two")]),
        ("<cite ref=1>one </cit e> two</cite>", [.marker(reference: 1, quote: "one </cit e> two")]),
        ("a <cite ref=1>never closed", [.text("a "), .marker(reference: 1, quote: nil)]),
        ("a <cite ref=\"1", [.text("a ")]),
        ("a <", [.text("a <")]),
        ("<cite ref=1>open \n \nnew paragraph</cite>.", [.text("open \n \nnew paragraph.")]),
        ("<cite ref=1>line\nline</cite>", [.marker(reference: 1, quote: "line\nline")]),
        ("<cite ref=\"\(String(repeating: "x", count: 80))\">y</cite>", [.text("<cite ref=\"\(String(repeating: "x", count: 80))\">y")]),
        ("ü<cite ref=1>größe — 漢字</cite>é", [.text("ü"), .marker(reference: 1, quote: "größe — 漢字"), .text("é")]),
    ]

    @Test(arguments: table.indices) func everySplit_givesTheSame(_ row: Int) {
        let (text, expected) = Self.table[row]
        #expect(Self.scan([text]) == expected)
        let scalars = Array(text.unicodeScalars).map { String($0) }
        #expect(Self.scan(scalars) == expected)
        for cut in scalars.indices {
            #expect(Self.scan([scalars[..<cut].joined(), scalars[cut...].joined()]) == expected, "cut at \(cut)")
        }
    }

    /// Pieces of markers in a random order: whatever comes of them, it is the same at every split, and no text outside markers is lost.
    @Test func generatedTexts_areTheSameAtEverySplit() {
        let parts = ["<cite ref=\"1\">", "<cite", " ref=1>", "</cite>", "</ci", "te>", "word ", "<", ">", "\n", "ö", "/", "<<", "\n\n"]
        var generator = SplitMix(seed: 7)
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 1...9, using: &generator)).map { _ in parts.randomElement(using: &generator) ?? "" }.joined()
            let whole = Self.scan([text])
            let scalars = Array(text.unicodeScalars).map { String($0) }
            #expect(Self.scan(scalars) == whole, "\(text.debugDescription)")
            for cut in scalars.indices {
                #expect(Self.scan([scalars[..<cut].joined(), scalars[cut...].joined()]) == whole, "\(text.debugDescription) at \(cut)")
            }
        }
    }

    @Test func quoteWithoutEnd_isHeldOnlySoLong() {
        var scanner = CitationMarkerScanner()
        var (sent, given) = (0, 0)
        _ = scanner.receive("<cite ref=1>")
        for _ in 0..<3_000 {
            given += 5
            for case .text(let text) in scanner.receive("word ") { sent += text.utf8.count }
            #expect(given - sent <= CitationMarkerScanner.longestQuote)
        }
        #expect(scanner.finish().isEmpty && sent == given)
    }

    @Test func textWithoutMarkers_isNeverHeld() {
        var scanner = CitationMarkerScanner()
        for piece in ["Two ", "years", ", a > b", " and a <b"] { #expect(scanner.receive(piece) == [.text(piece)]) }
    }
}
