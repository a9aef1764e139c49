import Millrace
import Testing

@testable import MillraceBackends

@Suite struct HybridFusionTests {
    private static func list(_ scores: KeyValuePairs<Int64, Double>) -> [ScoredRow] {
        scores.map { ScoredRow(row: $0.key, score: $0.value) }
    }

    private static func fused(_ fusion: SearchQuery.Fusion, _ text: [ScoredRow], _ vector: [ScoredRow]) -> [Int64: Double] {
        Dictionary(uniqueKeysWithValues: HybridFusion(fusion).scores(text: text, vector: vector).map { ($0.row, $0.score) })
    }

    @Test func normalized_bringsEachListToOneAndWeighsThem() {
        let scores = Self.fused(
            .normalized(textWeight: 1, vectorWeight: 3), Self.list([1: 12, 2: 7, 3: 2]), Self.list([4: 0.9, 1: 0.8, 2: 0.5]))
        let expected: [Int64: Double] = [1: (1 + 3 * 0.75) / 4, 2: (0.5 + 3 * 0.001) / 4, 3: 0.001 / 4, 4: 0.75]
        #expect(scores.count == 4)
        for (row, score) in expected { #expect(abs((scores[row] ?? .nan) - score) < 1e-12, "\(row)") }
    }

    @Test func normalized_oneAloneOrAllEqual_areOne() {
        let half = SearchQuery.Fusion.normalized(textWeight: 0.5, vectorWeight: 0.5)
        #expect(Self.fused(half, Self.list([1: 0.0003]), Self.list([2: 0.4, 3: 0.4])) == [1: 0.5, 2: 0.5, 3: 0.5])
        #expect(Self.fused(half, [], Self.list([2: 0.4])) == [2: 0.5])
        #expect(Self.fused(half, [], []) == [:])
    }

    @Test func normalized_weightsCountByTheirShare() {
        let (text, vector) = (Self.list([1: 3, 2: 2, 3: 1]), Self.list([3: 1, 1: 0.5]))
        #expect(
            Self.fused(.normalized(textWeight: 2, vectorWeight: 6), text, vector)
                == Self.fused(.normalized(textWeight: 0.25, vectorWeight: 0.75), text, vector))
    }

    @Test func reciprocalRank_addsInverseRanks() {
        let scores = Self.fused(.reciprocalRank(constant: 60), Self.list([1: 9, 2: 8]), Self.list([2: 0.9, 3: 0.1]))
        #expect(scores == [1: 1.0 / 61, 2: 1.0 / 62 + 1.0 / 61, 3: 1.0 / 62])
    }
}
