import Testing

@testable import MillraceBackends

@Suite struct SentenceSplitterTests {
    @Test(arguments: [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Lee met Mrs. Ray. They spoke.", ["Dr. Lee met Mrs. Ray.", "They spoke."]),
        ("Fruit, e.g. Apples, costs 3.5 euros. Cheap.", ["Fruit, e.g. Apples, costs 3.5 euros.", "Cheap."]),
        ("It opens at 8 a.m. Come early.", ["It opens at 8 a.m.", "Come early."]),
        ("It opens at 8 a.m. on Sunday.", ["It opens at 8 a.m. on Sunday."]),
        ("See no. 7 and Art. 12. Then go.", ["See no. 7 and Art. 12.", "Then go."]),
        ("J. R. Smith came. He sat.", ["J. R. Smith came.", "He sat."]),
        ("The answer is 42. It is even.", ["The answer is 42.", "It is even."]),
        ("Am 3. März beginnt es. Gut.", ["Am 3. März beginnt es.", "Gut."]),
        ("He said: “Go.” She went (at once.) Fine.", ["He said: “Go.”", "She went (at once.)", "Fine."]),
        ("Wait... no. Yes.", ["Wait... no.", "Yes."]),
        ("租金是一千元。押金呢？「好。」是！", ["租金是一千元。", "押金呢？", "「好。」", "是！"]),
        ("www.example.org is up. Good.", ["www.example.org is up.", "Good."]),
        ("A line\r\nthat goes on.\r\n\r\nNext.", ["A line\r\nthat goes on.", "Next."]),
        ("", []), ("\n \n***\n", []),
    ])
    func text_isCutAtTheEndsOfItsSentences(text: String, expected: [String]) {
        #expect(SentenceSplitter().split(text).map(\.text) == expected)
    }

    @Test func layout_isRead() {
        let text = """
            # Guide

            Short Title

            Intro line.
            - first item. More of it
              and on
            - second item
            (b) third item

            ```
            make. all

            make test
            ```

            name,age
            Ada,36

            Tenant: Ada
            Rent: 12 euros

            Setext
            ------
            End.
            """
        let sentences = SentenceSplitter().split(text)
        let expected: [(String, Sentence.Kind, Int, String?)] = [
            ("Guide", .heading, 1, nil), ("Short Title", .heading, 2, nil), ("Intro line.", .prose, 3, "Short Title"),
            ("first item.", .listItem, 3, "Short Title"), ("More of it\n  and on", .listItem, 3, "Short Title"),
            ("second item", .listItem, 3, "Short Title"), ("third item", .listItem, 3, "Short Title"),
            ("make. all\n\nmake test", .code, 4, "Short Title"), ("name,age", .row, 5, "Short Title"), ("Ada,36", .row, 5, "Short Title"),
            ("Tenant: Ada", .prose, 6, "Short Title"), ("Rent: 12 euros", .prose, 6, "Short Title"), ("Setext", .heading, 7, nil),
            ("End.", .prose, 7, "Setext"),
        ]
        #expect(sentences.map(\.text) == expected.map(\.0))
        #expect(sentences.map(\.kind) == expected.map(\.1))
        #expect(sentences.map(\.paragraph) == expected.map(\.2))
        #expect(sentences.map(\.heading) == expected.map(\.3))
    }

    @Test func randomText_rangesAreVerbatimAndInOrder() {
        let parts = [
            "a", "Zoë ", ". ", "!", "\n", "\n\n", "# H", "- ", "1. ", "3.5", "。", "租", "```\n", "👩‍👩‍👧 ", "|", ",", ": ", "e.g. ", "”", "\r\n",
            "(a) ", "===",
        ]
        var state: UInt64 = 3
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += parts[Int(state >> 33) % parts.count]
            }
            var end = 0
            for sentence in SentenceSplitter(longestSentence: 9).split(text) {
                #expect(sentence.range.lowerBound >= end)
                #expect(Array(text.utf8)[sentence.range].elementsEqual(sentence.text.utf8))
                #expect(sentence.text.utf8.count <= 9)
                end = sentence.range.upperBound
            }
        }
    }

    /// Texts that a careless scan would look at again and again; the limit is what tells a square from a line.
    @Test(.timeLimit(.minutes(1)), arguments: [". ", "(", ".\n", "a.", "\n", "- ", "# ", "|\n", "```\n", "e.g. ", "\" "])
    func monotonousText_isReadOnce(unit: String) {
        let text = String(repeating: unit, count: 100_000) + "End here."
        #expect(SentenceSplitter().split(text).last?.text.hasSuffix("End here.") == true)
    }

    @Test func limit_endsTheWork() {
        #expect(SentenceSplitter().split("One. Two. Three.", limit: 2).map(\.text) == ["One.", "Two."])
    }
}
