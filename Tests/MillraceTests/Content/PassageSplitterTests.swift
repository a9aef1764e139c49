import MillraceCore
import Testing

@testable import Millrace

@Suite struct PassageSplitterTests {
    private static func passages(_ pieces: [[UInt8]], limit: Int) throws -> [String] {
        var splitter = PassageSplitter(limit: limit)
        var passages: [String] = []
        for piece in pieces { passages += try splitter.receive(piece) }
        return passages + (try splitter.finish())
    }

    private static let text = """
        One. Two.

        Three, a paragraph that is much longer than what fits. It has sentences! And one more?\r
        \r
        W\u{f6}rter\u{1F600}ohneEndeUndOhneLeerzeichenUndImmerWeiterBisEsNichtMehrPasst\u{1F600}\u{1F600}\u{1F600}\u{1F600}\u{1F600}

          \t
        Last.

        """

    @Test func text_atEverySplit_givesTheSamePassages() throws {
        let bytes = Array(Self.text.utf8)
        let whole = try Self.passages([bytes], limit: 48)
        #expect(whole.first == "One. Two." && whole.last == "Last.")
        #expect(whole.contains("Three, a paragraph that is much longer than"))
        #expect(try Self.passages(bytes.map { [$0] }, limit: 48) == whole)
        for split in bytes.indices { #expect(try Self.passages([Array(bytes[..<split]), Array(bytes[split...])], limit: 48) == whole) }
        // Nothing but white space between passages is lost.
        #expect(whole.joined().filter { !$0.isWhitespace } == Self.text.filter { !$0.isWhitespace })
    }

    @Test(arguments: [16, 17, 18, 19, 20, 33, 100, 1500])
    func passages_areBounded_andLoseNothing(limit: Int) throws {
        let passages = try Self.passages([Array(Self.text.utf8)], limit: limit)
        #expect(passages.allSatisfy { (1...limit).contains($0.utf8.count) })
        #expect(passages.joined().filter { !$0.isWhitespace } == Self.text.filter { !$0.isWhitespace })
    }

    /// Chinese has no spaces to cut at: where the bytes that have come end within a character, its rest is waited for.
    @Test func textWithoutSpaces_atEverySplit_isNeverCutWithinACharacter() throws {
        let text = String(repeating: "\u{4EC0}\u{4E48}\u{1F600}", count: 12)
        let bytes = Array(text.utf8)
        let whole = try Self.passages([bytes], limit: 16)
        #expect(whole.joined() == text)
        for size in 1...bytes.count {
            let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
            #expect(try Self.passages(pieces, limit: 16) == whole)
        }
    }

    @Test func accentsOverWhiteSpace_areKept() throws {
        #expect(try Self.passages([Array(" a \u{301}\n\n".utf8)], limit: 16) == ["a \u{301}"])
    }

    @Test func shortParagraphs_shareAPassage_longOnesAreCutBehindSentences() throws {
        #expect(try Self.passages([Array("a\n\nb\n\nc".utf8)], limit: 100) == ["a\n\nb\n\nc"])
        let sentences = "First sentence here. Second one."
        #expect(try Self.passages([Array(sentences.utf8)], limit: 30) == ["First sentence here.", "Second one."])
        #expect(try Self.passages([], limit: 30) == [] && Self.passages([Array(" \n \n".utf8)], limit: 30) == [])
    }

    @Test func bytesThatAreNoText_areRefused() {
        #expect(throws: MillraceError.self) { try Self.passages([[0x61, 0xFF, 0x62]], limit: 30) }
    }
}
