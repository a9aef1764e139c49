import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct XMLParserTests {
    private static let sample = """
        \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
        <!-- a <comment> --><?pi x?>
        <s3:ListBucketResult xmlns:s3='http://s3.amazonaws.com/doc/2006-03-01/' a = "1 > 0">
          <Name>b&amp;c &lt;d&gt; &quot;e&quot; &apos;f&apos; &#65;&#x1F600;&#13;</Name><Empty/><Empty ></Empty >
          <Contents><Key><![CDATA[<raw> & ]] > text]]>!</Key><Größe>1</Größe></Contents>
          <Contents><Key>sec<!-- -- -->ond<?pi?></Key></Contents>
        </s3:ListBucketResult>
        <!-- end -->

        """

    private func parse(_ text: String) throws -> XMLElement { try XMLElement(parsing: Array(text.utf8)) }

    @Test func wellFormedDocument_isRead() throws {
        let root = try parse(Self.sample)
        #expect(root.name == "ListBucketResult")
        #expect(root.text("Name") == "b&c <d> \"e\" 'f' A😀\r")
        #expect(root.all("Empty").map(\.text) == ["", ""])
        #expect(root.all("Contents").map { $0.text("Key") } == ["<raw> & ]] > text!", "second"])
        #expect(root.text("Contents", "Größe") == "1")
        #expect(root.text("Contents", "Nothing") == nil)
        #expect(root.first("Nothing") == nil)
    }

    @Test(arguments: [("a\r\nb\rc\nd", "a\nb\nc\nd"), ("\r", "\n"), ("\r\r\n", "\n\n"), ("&#13;&#10;", "\r\n")])
    func lineEnds_areLineFeeds(_ written: String, _ read: String) throws { #expect(try parse("<a>\(written)</a>").text == read) }

    @Test func escapedText_comesBackTheSame() throws {
        for text in ["", "a<b>&\"c'", "\r\n\t", "]]>", "é😀\u{301}", "a  b ", "&amp;"] {
            #expect(try parse("<a>\(XMLText.escape(text))</a>").text == text)
        }
    }

    @Test(arguments: [
        "", " ", "text", "<", "<a", "<a>", "<a></b>", "<a><b></a></b>", "</a>", "<a/><b/>", "<a/>x", "x<a/>", "<a></a", "<a b></a>",
        "<a b=></a>",
        "<a b=c></a>", "<a b='c></a>", "<a / >", "<a>&unknown;</a>", "<a>&amp</a>", "<a>&;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#0;</a>",
        "<a>&#+65;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#99999999999;</a>", "<a>&averyverylongname;</a>", "<a><!b/></a>",
        "<a><1b/></a>", "<-/>", "<a:\u{10}/>", "<a:1/>", "<a\u{10}/>", "<a><!-- </a>", "<a><![CDATA[ </a>", "<a><?pi </a>", "<?xml",
        "<!-- x",
        // No document type, so no entity and no file of this machine.
        "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", "<a><!DOCTYPE b></a>",
    ])
    func textThatIsNotWellFormed_isRefused(_ text: String) {
        let error = #expect(throws: MillraceError.self) { try parse(text) }
        #expect(error?.code == .invalidInput)
    }

    @Test func bytesThatAreNotUTF8_areRefused() {
        for bytes in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
            #expect(throws: MillraceError.self) { try XMLElement(parsing: Array("<a>".utf8) + bytes + Array("</a>".utf8)) }
        }
    }

    @Test(arguments: [(64, true), (65, false), (100_000, false)]) func depth_isLimited(_ depth: Int, _ isRead: Bool) {
        let text = String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        #expect(((try? parse(text)) != nil) == isRead)
    }

    @Test func everyBeginningOfADocument_isRefusedUntilItIsWhole() throws {
        let bytes = Array(Self.sample.utf8)
        let root = try #require(bytes.firstRange(of: Array("</s3:ListBucketResult>".utf8))).upperBound
        let comment = try #require(bytes[root...].firstRange(of: Array("<!-- end -->".utf8)))
        for count in 0...bytes.count {
            let isRead = (try? XMLElement(parsing: Array(bytes[..<count]))) != nil
            let isWhole = (root...comment.lowerBound).contains(count) || count >= comment.upperBound
            #expect(isRead == isWhole, "\(count) of \(bytes.count) bytes")
        }
    }

    @Test func documentWithAnyByteChanged_isReadOrRefused() async throws {
        let bytes = Array(Self.sample.utf8)
        // It is enough that nothing ends the process.
        try await onThread {
            for position in bytes.indices {
                for byte in [0, 0x20, 0x22, 0x26, 0x27, 0x2F, 0x3B, 0x3C, 0x3E, 0x5B, 0x80, 0xFF] as [UInt8] {
                    var changed = bytes
                    changed[position] = byte
                    _ = try? XMLElement(parsing: changed)
                    changed.remove(at: position)
                    _ = try? XMLElement(parsing: changed)
                }
            }
        }
    }

    /// An empty element takes four bytes of a document and some forty of memory, before arrays double.
    @Test func documentOfElementsWithoutEnd_isRefused() throws {
        let children = Array(String(repeating: "<a/>", count: 200_000).utf8)
        let error = try #require(throws: MillraceError.self) { try XMLElement(parsing: Array("<r>".utf8) + children + Array("</r>".utf8)) }
        #expect(error.message.contains("200000 elements"))
    }
}
