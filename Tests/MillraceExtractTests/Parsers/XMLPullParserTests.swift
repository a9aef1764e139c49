import MillraceCore
import Testing

@testable import MillraceExtraction

@Suite struct XMLPullParserTests {
    /// The events in short, with neighbouring texts joined.
    private func read(_ portions: [[UInt8]]) throws(MillraceError) -> String {
        var parser = XMLPullParser()
        var out = ""
        func drain() throws(MillraceError) {
            while let event = try parser.next() {
                switch event {
                case .start(let tag):
                    let attributes = tag.attributes.map { " \(String(decoding: $0.name, as: UTF8.self))=\($0.value)" }.joined()
                    out += "<\(tag.name)\(attributes)>"
                case .end(let name): out += "</\(name)>"
                case .text(let bytes): out += String(decoding: bytes, as: UTF8.self)
                }
            }
        }
        for portion in portions {
            parser.receive(portion)
            try drain()
        }
        parser.finish()
        try drain()
        return out
    }

    @Test(arguments: [
        ("<?xml version=\"1.0\"?><w:a w:b=\"1\" c = 'x>y'>t&amp;&#x20AC;&lt;<d/>u</w:a>", "<a w:b=1 c=x>y>t&€<<d></d>u</a>"),
        ("<a><![CDATA[<b>&amp;]]]]></a>", "<a><b>&amp;]]</a>"),
        ("\u{FEFF}<!-- c --><a>ü<!-- -- > -->x<?p > ?></a>\n<!-- end -->", "<a>üx</a>"),
        ("<a b=\"&quot;&apos;\"></a >", "<a b=\"'></a>"),
    ])
    func document_isReadAtEverySplit(text: String, events: String) throws {
        for portions in Collected.cuts(text) { #expect(try read(portions) == events, "\(portions.map(\.count))") }
    }

    @Test(arguments: [
        "<a>", "<a></b>", "<a/><b/>", "text", "<a>&unknown;</a>", "<a>&#xD800;</a>", "<!DOCTYPE a><a/>", "<a b></a>", "<a b=c/>", "<a",
        "<a>&am",
        "<a><![CDATA[", "<!-- ", "", "<a/>text", "</a>", "< a/>", "<a b='&'/>", "<a><!ENTITY x ''></a>",
    ])
    func whatIsNotWellFormed_isDamage_atEverySplit(text: String) {
        for portions in Collected.cuts(text) {
            let error = #expect(throws: MillraceError.self, "\(portions.map(\.count))") { _ = try read(portions) }
            #expect(error?.code == .documentDamaged)
        }
    }

    @Test func depth_isLimited() throws {
        let fits = String(repeating: "<a>", count: XMLPullParser.deepest) + String(repeating: "</a>", count: XMLPullParser.deepest)
        #expect(throws: Never.self) { try read([Array(fits.utf8)]) }
        #expect(throws: MillraceError.self) { try read([Array(("<a>" + fits + "</a>").utf8)]) }
    }

    @Test func tagWithoutEnd_isDamageBeforeAllIsInMemory() {
        let endless = [Array("<a b='".utf8)] + [[UInt8]](repeating: Array(repeating: 0x61, count: 64 << 10), count: 8)
        #expect(throws: MillraceError.self) { try read(endless) }
    }

    @Test func utf16_isRead() throws {
        let bytes: [UInt8] = [0xFF, 0xFE] + "<a>ü</a>".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(try read([bytes]) == "<a>ü</a>")
    }
}
