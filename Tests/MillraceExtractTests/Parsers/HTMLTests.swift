import MillraceCore
import Testing

@testable import MillraceExtraction

@Suite struct HTMLTests {
    private func read(_ text: String, _ portions: [[UInt8]]? = nil) -> Collected {
        Collected(HTMLReader(head: Array(text.utf8)), portions ?? [Array(text.utf8)])
    }

    @Test(arguments: [
        ("<p>a<p>b", "a\nb\n"),
        ("a <b>bold</b>\n  word", "a bold word\n"),
        ("x<script>if (a<b) '</p>'</script>y<style>p{}</style>z", "xyz\n"),
        ("<!-- <p>no</p> -->yes<!---->!<!-->?", "yes!?\n"),
        ("a &amp; b &lt;c&gt; &eacute;&#233;&#xE9;&#x80; &ampx &notit; &unknown; &", "a & b <c> ééé€ &x ¬it; &unknown; &\n"),
        ("<ul><li>one<li>two<ol><li>x</ol></ul>", "- one\n- two\n1. x\n"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc\n"),
        ("a<br>b", "a\nb\n"),
        ("1 < 2 and <3", "1 < 2 and <3\n"),
        ("<a title=\"x > y\" href='<p>'>link</a> <a b=c\"d>e</a>", "link e\n"),
        ("</ nonsense>ok<?php echo '>' ?>!", "ok' ?>!\n"),
        ("<table><tr><th>a</th><td>b<p>c</p></td><tr><td>1<td>2</table>end", "a\tb c\n1\t2\nend\n"),
        ("<table><tr><td>out<table><tr><td>in</table></table>", "out\nin\n"),
        ("<title>never closed", ""),
        ("<p>cut off &am", "cut off &am\n"),
        ("<p", ""), ("", ""), ("<", "<\n"), ("<div><span>deep</div></span></p>x", "deep\nx\n"),
    ])
    func page_isReadAsItIsSeen_atEverySplit(text: String, seen: String) {
        let whole = read(text)
        #expect(whole.text == seen)
        for portions in Collected.cuts(text) { #expect(read(text, portions) == whole, "\(portions.map(\.count))") }
    }

    @Test func headings_areSections() {
        let found = read("<html><head><title> The\nMill </title></head><body>a<h1>One</h1>b<h3>Three</h3>c<h2>Two</h2>d</body>")
        #expect(found.title == "The Mill")
        #expect(found.pieces.filter { $0.kind == .text }.map(\.place.section) == [[], ["One"], ["One", "Three"], ["One", "Two"]])
        #expect(found.text == "a\nOne\nb\nThree\nc\nTwo\nd\n")
    }

    @Test func encoding_isTheOneThatThePageNames() {
        let page = Array("<meta charset='iso-8859-1'><p>gr".utf8) + [0xFC, 0xC3, 0xBC]
        #expect(Collected(HTMLReader(head: page), [page]).text == "grüÃ¼\n")
        let other = Array("<meta http-equiv=x content='text/html; charset=koi8-r'>a".utf8)
        #expect(Collected(HTMLReader(head: other), [other]).warnings.first?.contains("koi8-r") == true)
    }

    @Test func elementsWithoutEnd_takeBoundedMemoryAndTime() {
        for opening in ["<div>", "<table><tr><td>", "<ul><li>", "<svg>", "<h1>", "<pre>"] {
            let found = read(String(repeating: opening + "x ", count: 20_000))
            #expect(found.error == nil)
        }
    }

    @Test func names_areUnique_andBounded() {
        #expect(HTMLEntities.named.keys.allSatisfy { $0.utf8.count <= HTMLEntities.longest })
        #expect(
            HTMLEntities.withoutSemicolon.allSatisfy {
                $0.utf8.count <= HTMLEntities.longestWithoutSemicolon && HTMLEntities.named[$0] != nil
            })
    }
}
