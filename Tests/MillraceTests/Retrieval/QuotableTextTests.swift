import Testing

@testable import Millrace

@Suite struct QuotableTextTests {
    static let source = "The “X100” weighs  3 kg,\n\tas the maker’s sheet\u{00AD}s say — see §4… Größe: 12–14 mm. R&D <b> ok. 漢字の本。"

    @Test(arguments: [
        ("weighs 3 kg, as the", "weighs  3 kg,\n\tas the"), ("The \"X100\" weighs", "The “X100” weighs"), ("\"X100\"", "“X100”"),
        ("the maker's sheets say - see §4...", "the maker’s sheet\u{00AD}s say — see §4…"), ("„weighs 3 kg“", "weighs  3 kg"),
        ("weighs 3 kg...", "weighs  3 kg"), ("weighs 3 kg.", "weighs  3 kg"), ("  Größe:\u{A0}12-14 mm  ", "Größe: 12–14 mm"),
        ("R&amp;D &lt;b&gt; ok", "R&D <b> ok"), ("字の", "字の"), ("3 kg", "3 kg"), ("ok", "ok"),
    ])
    func quoteThatStandsThere_isGivenAsItStands(quote: String, words: String) throws {
        let found = try #require(QuotableText(Self.source).find(quote))
        #expect(found.text == words)
        let start = Self.source.utf8.index(Self.source.startIndex, offsetBy: found.offset)
        #expect(Self.source[start...].hasPrefix(words))
    }

    @Test(arguments: [
        "", " ", "...", "\"", "weighs 4 kg", "weighs kg", "Weighs 3 kg", "eighs 3 k", "maker’s shee", "3 kg as", "Grö", "x",
        "The X100 weighs",
    ])
    func quoteThatDoesNot_isNotFound(quote: String) { #expect(QuotableText(Self.source).find(quote) == nil) }

    @Test(arguments: [
        ("The fee is 1.5 percent.", "The fee is 1", false), ("The fee is 1.5 percent.", "5 percent", false),
        ("The fee is 1.5 percent.", "fee is 1.5 percent", true), ("1,500,000 euros", "500,000 euros", false),
        ("A result of -5 million", "5 million", false), ("A result of −5 million", "5 million", false),
        ("A result of -5 million", "-5 million", true), ("We can't refund it", "We can", false), ("non-refundable", "refundable", false),
        ("It is 5. Then 6", "5. Then 6", true), ("- Rent is due", "Rent is due", true), ("a - b", "b", true),
        ("(5 euros)", "5 euros", true),
    ])
    func numbersAndWords_areNotCut(source: String, quote: String, isFound: Bool) {
        #expect((QuotableText(source).find(quote) != nil) == isFound)
    }

    @Test func wordWithinAWord_isNotTheWord_butTheNextOneIs() {
        #expect(QuotableText("warranty art").find("art")?.offset == 9)
        #expect(QuotableText("aab aaab").find("aaab")?.offset == 4)
    }

    /// Worst for a search that goes back: it must not.
    @Test func repetitiveText_isSearchedOnce() {
        let text = QuotableText(String(repeating: "a", count: 200_000))
        #expect(text.find(String(repeating: "a", count: 4_000) + "b") == nil)
        #expect(text.find(String(repeating: "a", count: 200_000))?.offset == 0)
    }
}
