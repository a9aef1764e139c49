/// Picks candidates that matter and do not repeat each other.
///
/// Maximal marginal relevance: J. Carbonell, J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
/// Producing Summaries", SIGIR 1998.
struct MarginalRelevance: Equatable, Sendable {
    /// The share of relevance against novelty, 0 to 1.
    var lambda = 0.7
    /// A candidate this like one that was picked is its repetition and is left out.
    var repetition = 0.9

    /// The picked candidates, in the order of picking.
    /// - Parameters:
    ///   - candidates: number and score, the best first; only the first few dozen should be passed, the work is candidates × picks.
    ///   - work: counts the comparisons.
    func pick(_ count: Int, from candidates: [(sentence: Int, score: Double)], in index: SentenceIndex, work: inout Int) -> [Int] {
        guard let best = candidates.first?.score, best > 0 else { return [] }
        var rest = candidates.map { (sentence: $0.sentence, score: $0.score / best, likeness: 0.0) }
        var picked: [Int] = []
        while picked.count < count, !rest.isEmpty {
            var choice = 0
            var highest = -Double.infinity
            for (i, candidate) in rest.enumerated() {
                let value = lambda * candidate.score - (1 - lambda) * candidate.likeness
                if value > highest { (choice, highest) = (i, value) }
            }
            let sentence = rest.remove(at: choice).sentence
            picked.append(sentence)
            work += rest.count
            for i in rest.indices { rest[i].likeness = max(rest[i].likeness, index.similarity(rest[i].sentence, sentence)) }
            rest.removeAll { $0.likeness >= repetition }
        }
        return picked
    }
}
