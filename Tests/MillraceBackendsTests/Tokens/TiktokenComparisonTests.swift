import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// Our ids and scalar classes are those of tiktoken itself, run as a child process with the published vocabularies.
@Suite struct TiktokenComparisonTests {
    @Test(.timeLimit(.minutes(5)))
    func tiktokenItself_hasTheSameIDsAndScalarClasses() throws {
        var random = SplitMix64(seed: 3)
        // One word that a quadratic merge would not finish within the time limit.
        let word = String(decoding: (0..<100_000).map { _ in UInt8.random(in: 97...122, using: &random) }, as: UTF8.self)
        let texts = TokenCorpus.written + TokenCorpus.long + [word] + TokenCorpus.random(24_000, seed: 11)
        guard let reference = try TiktokenReference.encoding(texts) else { return }
        for encoding in BPEEncoding.all {
            let counter = try BPETokenCounter(vocabularyFile: reference.vocabularyFile(encoding.name))
            #expect(counter.encoding == encoding)
            let expected = try reference.ids(encoding.name)
            try #require(expected.count == texts.count)
            var wrong: [String] = []
            for (text, ids) in zip(texts, expected) where counter.encode(text) != ids { wrong.append(text.debugDescription) }
            #expect(wrong.isEmpty, "\(encoding): \(wrong.count) texts have other ids, such as \(wrong.prefix(5).map { $0.prefix(300) })")
        }

        let classes = try reference.classes()
        try #require(classes.count == 0x110000)
        let different = (0..<UInt32(0x110000)).filter { value in
            Unicode.Scalar(value).map { ScalarClassTable.shared[$0].rawValue != classes[Int(value)] } ?? false
        }
        #expect(different.isEmpty, "scalars of another class: \(different.prefix(20).map { String($0, radix: 16) })")
    }
}
