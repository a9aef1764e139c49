import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// Our pieces, ids and scalar classes are those of tiktoken itself, run as a child process with the published vocabularies.
@Suite struct TiktokenComparisonTests {
    @Test(.timeLimit(.minutes(5)))
    func tiktokenItself_hasTheSamePiecesIDsAndScalarClasses() throws {
        var random = SplitMix64(seed: 3)
        // One word that a quadratic merge would not finish within the time limit.
        let word = String(decoding: (0..<100_000).map { _ in UInt8.random(in: 97...122, using: &random) }, as: UTF8.self)
        let texts = TokenCorpus.written + TokenCorpus.long + [word] + TokenCorpus.random(24_000, seed: 11)
        var pieces: [String: [[UInt32]]] = [:]
        for encoding in BPEEncoding.all { pieces[encoding.name] = texts.map { Self.pieceLengths($0, encoding) } }
        guard let reference = try TiktokenReference.encoding(texts, pieces: pieces) else { return }
        for encoding in BPEEncoding.all {
            Self.report("\(encoding): pieces", try reference.cutOtherwise(encoding.name).map { texts[$0] })
            let counter = try BPETokenCounter(vocabularyFile: reference.vocabularyFile(encoding.name))
            #expect(counter.encoding == encoding)
            let expected = try reference.ids(encoding.name)
            try #require(expected.count == texts.count)
            Self.report("\(encoding): ids", zip(texts, expected).filter { counter.encode($0) != $1 }.map(\.0))
        }

        let classes = try reference.classes()
        try #require(classes.count == 0x110000)
        let different = (0..<UInt32(0x110000)).filter { value in
            Unicode.Scalar(value).map { ScalarClassTable.shared[$0].rawValue != classes[Int(value)] } ?? false
        }
        Self.report("classes", different.map { "U+" + String($0, radix: 16, uppercase: true) })
    }

    private static func pieceLengths(_ text: String, _ encoding: BPEEncoding) -> [UInt32] {
        let scanner = PieceScanner(encoding.pattern)
        let bytes = Array(text.utf8)
        var (lengths, start) = ([UInt32](), 0)
        while start < bytes.count {
            let end = scanner.end(of: start, in: bytes.span)
            lengths.append(UInt32(end - start))
            start = end
        }
        return lengths
    }

    /// Fails when something is wrong, and shows the first of it.
    private static func report(_ what: String, _ wrong: [String]) {
        guard !wrong.isEmpty else { return }
        Issue.record("\(what): \(wrong.count) differ from tiktoken's, such as \(wrong.prefix(5).map { $0.debugDescription.prefix(300) })")
    }
}
