import MillraceCore

@testable import Millrace
@testable import MillraceBackends

extension FuzzTarget {
    /// Every single byte, and pairs that follow from the bytes' order.
    private static let vocabulary: BPEVocabulary = {
        var vocabulary = BPEVocabulary(capacity: 512)
        for byte in UInt8.min...UInt8.max { _ = vocabulary.insert([byte].span, rank: UInt32(byte)) }
        for (index, pair) in ["in", "er", "th", "an", "  ", "11", "\r\n"].enumerated() {
            _ = vocabulary.insert(Array(pair.utf8).span, rank: UInt32(256 + index))
        }
        return vocabulary
    }()

    /// Vocabulary files, and how a text is cut into pieces and tokens: nothing lost, every piece between scalars.
    static let tokens = FuzzTarget("tokens") { (bytes) throws(Disagreement) in
        _ = try? TiktokenFile.vocabulary(bytes, path: "v.tiktoken")
        let text = String(decoding: bytes, as: UTF8.self)
        let utf8 = Array(text.utf8)
        for encoding in BPEEncoding.all {
            let scanner = PieceScanner(encoding.pattern)
            var start = 0
            while start < utf8.count {
                let end = scanner.end(of: start, in: utf8.span)
                try expect(end > start && end <= utf8.count, "a piece from \(start) to \(end) of \(utf8.count)")
                try expect(end == utf8.count || utf8[end] & 0xC0 != 0x80, "a piece ends within a scalar, at \(end)")
                start = end
            }
            let counter = BPETokenCounter(vocabulary: vocabulary, encoding: encoding)
            let ranks = counter.encode(text)
            try expectEqual(counter.count(text).tokens, ranks.count, "the number of tokens")
            try expect(ranks.count <= utf8.count, "more tokens than bytes")
        }
    }

    /// Text of users in the local model and in the passages for searching: quotes are verbatim, and cuts of the input do not matter.
    static let text = FuzzTarget("text") { (bytes) throws(Disagreement) in
        let text = String(decoding: bytes, as: UTF8.self)
        let utf8 = Array(text.utf8)
        for sentence in SentenceSplitter().split(text) {
            try expectEqual(Array(sentence.text.utf8), Array(utf8[sentence.range]), "a sentence")
        }
        _ = Tokenizer.terms(text)
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let request = ModelRequest(
            turns: [.init(role: .user, parts: [.text(lines[0])])],
            documents: lines.count > 1 ? [ModelDocument(id: "d", title: "t", text: lines[1])] : [])
        do {
            let answer = try ExtractiveAnswer(Material(request, limit: 4096), sentenceLimit: 100).answer
            _ = AnswerPieces(answer, maxTokens: 50, stopSequences: ["stop"])
        } catch { throw Disagreement("the local model has no answer: \(error)") }
        for limit in [16, 1500] {
            let whole = passages([utf8], limit)
            try expect(whole != nil, "a text in UTF-8 is refused")
            for pieces in Pieces.cuts(of: utf8) { try expectEqual(passages(pieces, limit), whole, "passages of \(pieces.count) pieces") }
            // Nothing but white space is left out.
            let visible = { (text: String) in text.unicodeScalars.filter { !$0.properties.isWhitespace } }
            try expect(visible((whole ?? []).joined()).elementsEqual(visible(text)), "passages have lost a part of the text")
            _ = passages([bytes], limit)
        }
    }

    private static func passages(_ pieces: [[UInt8]], _ limit: Int) -> [String]? {
        var splitter = PassageSplitter(limit: limit)
        var passages: [String] = []
        do throws(MillraceError) {
            for piece in pieces { passages += try splitter.receive(piece) }
            return passages + (try splitter.finish())
        } catch { return nil }
    }
}
