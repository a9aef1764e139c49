import Millrace
import Testing

@testable import MillraceBackends

@Suite struct HighlighterTests {
    /// Words between spaces, without what is not a letter; `the` is left out.
    private static func words(_ text: String) -> [AnalysedWord] {
        var words: [AnalysedWord] = []
        var start: Int?
        let bytes = Array(text.utf8) + [0x20]
        for (index, byte) in bytes.enumerated() {
            let isLetter = (97...122).contains(byte | 0x20) || byte >= 0x80
            if isLetter, start == nil { start = index }
            if !isLetter, let begun = start {
                let word = String(decoding: bytes[begun..<index], as: UTF8.self).lowercased()
                words.append(AnalysedWord(place: begun..<index, term: word == "the" ? nil : word))
                start = nil
            }
        }
        return words
    }

    private static func passages(_ text: String, _ phrases: [[String]], _ fragments: Int = 3, _ length: Int = 20) -> [String] {
        let wish = SearchQuery.Highlight(fragments: fragments, fragmentLength: length, before: "[", after: "]")
        return Highlighter(wish: wish).passages(text, words: words(text), phrases: phrases)
    }

    @Test func shortText_isWhole() {
        #expect(Self.passages("... a mill, a Mill!", [["mill"]]) == ["... a [mill], a [Mill]!"])
        #expect(Self.passages("nothing here", [["mill"]]) == [])
        #expect(Self.passages("", [["mill"]]) == [])
    }

    @Test func phrase_isMarkedOnlyWhereItStands_overStopWords() {
        #expect(Self.passages("a b; b a; a the b", [["a", "b"]], 3, 30) == ["[a] [b]; b a; [a] the [b]"])
        #expect(Self.passages("b, b a; x", [["a", "b"]]) == [])
    }

    @Test func longText_givesTheRichestPassages_inTheOrderOfTheText() {
        let text = "one mill two three four five six seven eight nine ten mill wind eleven twelve thirteen fourteen fifteen wind sixteen."
        #expect(Self.passages(text, [["mill"], ["wind"]], 1) == ["ten [mill] [wind] eleven"])
        let two = Self.passages(text, [["mill"], ["wind"]], 2, 24)
        #expect(two.count == 2 && two[0].hasPrefix("one [mill] two"))
        #expect(Self.passages(text, [["wind"]], 9).last?.hasSuffix("[wind] sixteen.") == true)
        #expect(Self.passages(text, [["one"]]) == ["[one] mill two three"])
    }

    @Test func passages_countCharactersAndNotBytes() {
        let text = String(repeating: "ööö ", count: 30) + "mill " + String(repeating: "ööö ", count: 30)
        let passage = Self.passages(text, [["mill"]], 1, 40).first ?? ""
        #expect((30...42).contains(passage.count), "\(passage.count)")
    }
}
