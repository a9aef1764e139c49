/// Makes one ranked list of several. Pure.
struct RankFusion {
    /// A passage in a list, the best first.
    struct Entry: Equatable {
        var id: String
        var score: Double
    }

    private let fusion: SearchQuery.Fusion

    init(_ fusion: SearchQuery.Fusion) { self.fusion = fusion }

    /// Lists of equal weight as one; a single list stays as it is.
    func fuse(_ lists: [[Entry]]) -> [Entry] { fuse(lists, weights: lists.map { _ in 1 }) }

    /// The list by words and the one by meaning as one, by the weights of the fusion.
    func fuse(words: [Entry], meaning: [Entry]) -> [Entry] {
        guard case .normalized(let text, let vector) = fusion else { return fuse([words, meaning]) }
        return fuse([words, meaning], weights: [text, vector])
    }

    private func fuse(_ lists: [[Entry]], weights: [Double]) -> [Entry] {
        guard lists.count > 1 else { return lists.first ?? [] }
        let total = weights.reduce(0, +)
        var scores: [String: Double] = [:]
        for (list, weight) in zip(lists, weights) {
            let (least, greatest) = (list.map(\.score).min() ?? 0, list.map(\.score).max() ?? 0)
            for (place, entry) in list.enumerated() {
                switch fusion {
                case .reciprocalRank(let constant): scores[entry.id, default: 0] += 1 / Double(constant + place + 1)
                case .normalized:
                    // As the engines do it: see ``SearchQuery/Fusion/normalized(textWeight:vectorWeight:)``.
                    let share = greatest > least ? max((entry.score - least) / (greatest - least), 0.001) : 1
                    scores[entry.id, default: 0] += share * weight / max(total, .leastNonzeroMagnitude)
                }
            }
        }
        return scores.map { Entry(id: $0.key, score: $0.value) }.sorted { ($0.score, $1.id) > ($1.score, $0.id) }
    }
}
