import Millrace

/// How the list of a search by words and that of a search by meaning become one.
///
/// The normalisation is that of OpenSearch's normalization processor (technique `min_max`, combination `arithmetic_mean`); reciprocal rank
/// fusion is that of Cormack, Clarke and Büttcher (SIGIR 2009).
struct HybridFusion: Equatable, Sendable {
    let fusion: SearchQuery.Fusion

    init(_ fusion: SearchQuery.Fusion) { self.fusion = fusion }

    /// What the least score becomes, so that who was found last differs from who was not found.
    private static let floor = 0.001

    /// The score of each row of the two lists, both of which have the best first; in no order.
    func scores(text: [ScoredRow], vector: [ScoredRow]) -> [ScoredRow] {
        var scores: [Int64: Double] = [:]
        switch fusion {
        case .normalized(let textWeight, let vectorWeight):
            for (list, weight) in [(text, textWeight), (vector, vectorWeight)] {
                for entry in Self.normalized(list) { scores[entry.row, default: 0] += entry.score * weight / (textWeight + vectorWeight) }
            }
        case .reciprocalRank(let constant):
            for list in [text, vector] {
                for (place, entry) in list.enumerated() { scores[entry.row, default: 0] += 1 / Double(constant + place + 1) }
            }
        }
        return scores.map { ScoredRow(row: $0.key, score: $0.value) }
    }

    private static func normalized(_ list: [ScoredRow]) -> [ScoredRow] {
        let scores = list.map(\.score)
        guard let least = scores.min(), let greatest = scores.max() else { return [] }
        return list.map { entry in
            let share = greatest == least ? 1 : (entry.score - least) / (greatest - least)
            return ScoredRow(row: entry.row, score: share == 0 ? floor : share)
        }
    }
}
