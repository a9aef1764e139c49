import Testing

@testable import MillraceBackends

/// Merging by rank: both ways of it do what the definition says.
@Suite struct BPEMergeTests {
    /// All single bytes, then the tokens in the order of their ranks from 256 on.
    static func vocabulary(_ tokens: [String]) -> BPEVocabulary {
        var vocabulary = BPEVocabulary(capacity: 0)
        let all = (UInt8.min...UInt8.max).map { [$0] } + tokens.map { Array($0.utf8) }
        for (rank, token) in all.enumerated() {
            let isNew = vocabulary.insert(token.span, rank: UInt32(rank))
            #expect(isNew)
        }
        return vocabulary
    }

    /// The definition, word by word.
    private static func defined(_ piece: [UInt8], _ vocabulary: BPEVocabulary) -> [UInt32] {
        var parts = piece.map { [$0] }
        while true {
            let ranks = zip(parts, parts.dropFirst()).map { vocabulary.rank(of: ($0 + $1).span) }
            guard let lowest = ranks.min(), lowest != BPEVocabulary.none, let first = ranks.firstIndex(of: lowest) else { break }
            parts[first] += parts.remove(at: first + 1)
        }
        return parts.map { vocabulary.rank(of: $0.span) }
    }

    private static func merged(_ piece: [UInt8], _ vocabulary: BPEVocabulary) -> (scanned: [UInt32], queued: [UInt32]) {
        var merge = BPEMerge()
        var (scanned, queued) = ([UInt32](), [UInt32]())
        merge.scanned(piece.span, vocabulary) { scanned.append($0) }
        merge.queued(piece.span, vocabulary) { queued.append($0) }
        return (scanned, queued)
    }

    @Test(
        arguments: [
            ("a", [97]), ("abc", [256, 99]), ("aab", [97, 256]), ("bcab", [257, 256]), ("aaa", [258, 97]), ("aaaa", [259]),
            ("abcd", [256, 260]),
            ("xyz", [120, 121, 122]),
        ] as [(String, [UInt32])])
    func piece_isMergedByRankAndFromTheLeft(piece: String, ids: [UInt32]) {
        // `xyz` is a token that no merge leads to.
        let vocabulary = Self.vocabulary(["ab", "bc", "aa", "aaaa", "cd", "xyz"])
        let merged = Self.merged(Array(piece.utf8), vocabulary)
        #expect(merged.scanned == ids)
        #expect(merged.queued == ids)
    }

    @Test func randomPieceAndVocabulary_bothWaysGiveWhatTheDefinitionGives() {
        var random = SplitMix64(seed: 21)
        for _ in 0..<60 {
            func word(_ length: ClosedRange<Int>) -> String {
                String(
                    decoding: (0..<Int.random(in: length, using: &random)).map { _ in UInt8.random(in: 97...99, using: &random) },
                    as: UTF8.self)
            }
            var tokens: [String] = []
            for _ in 0..<40 {
                let token = word(2...6)
                if !tokens.contains(token) { tokens.append(token) }
            }
            let vocabulary = Self.vocabulary(tokens)
            for piece in [word(1...1), word(2...2), word(3...20), word(50...90)].map({ Array($0.utf8) }) {
                let (scanned, queued) = Self.merged(piece, vocabulary)
                let defined = Self.defined(piece, vocabulary)
                #expect(scanned == defined)
                #expect(queued == defined)
            }
        }
    }

    @Test func queue_givesTheLowestRankThenTheLeftmost() {
        var queue = MergeQueue()
        for (rank, part) in [(5, 1), (3, 9), (3, 2), (7, 0)] as [(UInt32, Int)] { queue.append(rank: rank, part: part) }
        queue.heapify()
        queue.insert(rank: 1, part: 4)
        queue.insert(rank: 5, part: 0)
        var order: [[Int]] = []
        while let (rank, part) = queue.removeFirst() { order.append([Int(rank), part]) }
        #expect(order == [[1, 4], [3, 2], [3, 9], [5, 0], [5, 1], [7, 0]])
    }
}
