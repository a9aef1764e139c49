import Testing

@testable import Millrace

@Suite struct VerbatimQuotesTests {
    private static func run(_ pieces: some Sequence<String>, fewestWords: Int = 4) -> [CitationStream.Piece] {
        var stream = CitationStream(CitationStreamTests.sources, verbatimWords: fewestWords)
        var all: [CitationStream.Piece] = []
        for piece in pieces { all += stream.receive(piece) }
        all += stream.finish()
        return all.reduce(into: []) { joined, piece in
            if case .text(let more) = piece, case .text(let before)? = joined.last {
                joined[joined.count - 1] = .text(before + more)
            } else {
                joined.append(piece)
            }
        }
    }

    private static func citation(_ id: Int, _ text: String, page: Int?, section: String, number: Int = 1) -> CitationStream.Piece {
        CitationStreamTests.citation(id, text, page: page, section: section, number: number)
    }

    static let years = citation(1, "a warranty of two years", page: 3, section: "Service › Warranty")
    static let months = citation(1, "The battery’s warranty\nis twelve months", page: 4, section: "Service › Battery")

    static let table: [(text: String, pieces: [CitationStream.Piece])] = [
        (
            "It has a warranty of two years.",
            [
                .text("It has a warranty of two years. [1]"),
                citation(1, "has a warranty of two years", page: 3, section: "Service › Warranty"),
            ]
        ),
        // Case, line breaks and punctuation make no difference; the words are the source's.
        (
            "THE BATTERY'S WARRANTY: is twelve months! More.",
            [.text("THE BATTERY'S WARRANTY: is twelve months! [1]"), months, .text(" More.")]
        ),
        ("Get a warranty of two years?\n\nYes", [.text("Get a warranty of two years? [1]"), years, .text("\n\nYes")]),
        // A line ends a sentence, and so does the answer.
        ("- a warranty of two years\n- none", [.text("- a warranty of two years [1]"), years, .text("\n- none")]),
        ("a warranty of two years", [.text("a warranty of two years [1]"), years]),
        ("(a warranty of two years.) So", [.text("(a warranty of two years.) [1]"), years, .text(" So")]),
        // The longest run of a sentence counts, once.
        (
            "Parts and labour. It covers parts and labour, the battery's warranty is twelve months. Fine.",
            [
                .text("Parts and labour. It covers parts and labour, the battery's warranty is twelve months. [1]"),
                citation(
                    1, "It covers parts and labour. The battery’s warranty\nis twelve months", page: 4, section: "Service › Battery"),
                .text(" Fine."),
            ]
        ),
        // Too few words, other words, words of two sentences.
        (
            "Of two years. Warranty of three years, twelve months. Two. Years.",
            [.text("Of two years. Warranty of three years, twelve months. Two. Years.")]
        ),
        ("The 1.5 X100 has", [.text("The 1.5 X100 has")]),
        // A marker that is true takes the place; one that is not leaves it.
        (
            "It has a warranty of two years. <cite ref=\"1\">a warranty of two years</cite> Good.",
            [.text("It has a warranty of two years. [1]"), years, .text(" Good.")]
        ),
        (
            "It has a warranty of two years.\n<cite ref=\"1\">a warranty of two years</cite> Good.",
            [.text("It has a warranty of two years.\n[1]"), years, .text(" Good.")]
        ),
        (
            "With <cite ref=\"1\">a warranty of two years</cite> it has a warranty of two years. Good.",
            [.text("With [1]"), years, .text(" it has a warranty of two years. Good.")]
        ),
        (
            "Get a warranty of two years. <cite ref=\"1\">ten years</cite> Good.",
            [.text("Get a warranty of two years. [1]"), years, .text(" Good.")]
        ),
        // White space is kept, however much there is.
        (
            "a warranty of two years." + String(repeating: "\n", count: 100) + "x",
            [.text("a warranty of two years. [1]"), years, .text(String(repeating: "\n", count: 100) + "x")]
        ),
        ("", []),
        // Code and tables are left as they are, and what comes behind them is not.
        (
            "See:\n```\na warranty of two years\n```\na warranty of two years",
            [.text("See:\n```\na warranty of two years\n```\na warranty of two years [1]"), years]
        ),
        ("    a warranty of two years\n", [.text("    a warranty of two years\n")]),
        ("| a warranty of two years. | x |\n", [.text("| a warranty of two years. | x |\n")]),
    ]

    @Test(arguments: table) func sentenceThatQuotes_isCited_howeverItIsCut(text: String, pieces: [CitationStream.Piece]) {
        #expect(Self.run([text]) == pieces)
        #expect(Self.run(text.unicodeScalars.map { String($0) }) == pieces)
        let scalars = Array(text.unicodeScalars)
        for cut in scalars.indices {
            let parts = [scalars[..<cut], scalars[cut...]].map { String(String.UnicodeScalarView($0)) }
            #expect(Self.run(parts) == pieces, "cut at \(cut)")
        }
    }

    @Test func withoutBeingAskedFor_nothingIsLookedFor() {
        let text = "It has a warranty of two years. "
        #expect(Self.run([text], fewestWords: 0) == [.text(text)])
        #expect(Self.run([text], fewestWords: 7) == [.text(text)])
        #expect(Self.run([text], fewestWords: 6).count == 3)
    }

    /// A provider's own citation behind a sentence is the sentence's.
    @Test func citationOfTheProvider_takesThePlace() {
        var stream = CitationStream(CitationStreamTests.sources, verbatimWords: 4)
        var pieces = stream.receive("It has a warranty of two years.\n")
        pieces += stream.receive(Citation(documentID: "1", text: "warranty of two years"))
        pieces += stream.receive("Good.") + stream.finish()
        #expect(stream.verifiedCount == 1)
        #expect(pieces.count { if case .citation = $0 { true } else { false } } == 1)
    }

    /// The worst that a source and a text can be to each other.
    @Test(arguments: ["0 ", "0,"]) func textThatRepeatsOneWord_endsInTime(word: String) {
        let passage = CollectionPassage(documentID: "d", place: 0, text: String(repeating: word, count: 12_000), title: "t", source: "s")
        var sources = RetrievedSources()
        sources.add(
            RetrievalResults(
                sources: [RetrievedSource(number: 1, passages: [passage], score: 1)], mode: .keyword, notices: [], isCollectionEmpty: false)
        )
        var stream = CitationStream(sources, verbatimWords: 6)
        let text = String(repeating: word, count: 20_000)
        let pieces = stream.receive(text) + stream.finish()
        #expect(pieces.count > 0)
    }

    /// A text without sentences costs what its length does.
    @Test func endlessSentence_isLookedForInParts() {
        let text = String(repeating: "a warranty of three weeks and ", count: 2_000) + "a warranty of two years"
        let pieces = Self.run([text])
        #expect(pieces.contains { if case .citation(let citation) = $0 { citation.text == "a warranty of two years" } else { false } })
    }
}
