/// Chooses the sentences that are closest to what a whole text is about.
///
/// A sentence's score is the weight that its terms have in the text's centroid, with a preference for the beginning: D. Radev, H. Jing,
/// M. Styś, D. Tam, "Centroid-based summarization of multiple documents", Information Processing & Management 40 (2004).
struct CentroidSummary: Sendable {
    /// How many candidates the removal of repetitions looks at, beyond those wanted.
    private static let spareCandidates = 40

    /// The chosen sentences, in the order of the text.
    private(set) var sentences: [Int] = []
    private(set) var work = 0

    /// How many sentences a summary of `total` sentences has when nobody says.
    static func usualLength(of total: Int) -> Int { max(1, min(8, Int((Double(total) * 1.2).squareRoot()))) }

    /// - Parameters:
    ///   - count: how many sentences to choose, or fewer when there are fewer.
    ///   - isCandidate: which sentences may be chosen.
    init(of index: SentenceIndex, count: Int, isCandidate: (Int) -> Bool = { _ in true }) {
        let members = index.sentences.indices.filter(isCandidate)
        guard !members.isEmpty, count > 0 else { return }
        var centroid = [Double](repeating: 0, count: index.documentFrequency.count)
        for member in members {
            for entry in index.entries[member] { centroid[Int(entry.term)] += Double(entry.count) }
            work += index.entries[member].count
        }
        // A word that a text never repeats is not what it is about, however rare it is.
        for term in centroid.indices where centroid[term] > 0 {
            centroid[term] = centroid[term] < 2 ? 0.1 : centroid[term] * index.inverseFrequency(Int32(term))
        }

        var firstOf: [Int: Int] = [:]
        var sizes: [Int: Int] = [:]
        for member in members {
            let source = index.sentences[member].source
            if firstOf[source] == nil { firstOf[source] = member }
            sizes[source, default: 0] += 1
        }
        var scored: [(sentence: Int, score: Double)] = members.map { member in
            let sentence = index.sentences[member]
            var score = index.entries[member].reduce(0) { $0 + centroid[Int($1.term)] }
            // Divided by the root of the length: whole sentences are wanted, not the longest ones.
            score /= Double(max(index.lengths[member], 6)).squareRoot()
            let depth = Double(member - (firstOf[sentence.source] ?? 0)) / Double(sizes[sentence.source] ?? 1)
            score *= 1 + 0.3 * max(0, 1 - depth * 3)
            switch sentence.kind {
            case .heading: score *= 0.05
            case .code, .row: score *= 0.4
            case .prose, .listItem: break
            }
            if sentence.text.hasSuffix(":") { score *= 0.5 }
            return (member, score)
        }
        scored.sort { ($0.score, $1.sentence) > ($1.score, $0.sentence) }
        // A text that repeats itself must not fill the candidates with one sentence.
        var seen: Set<String> = []
        scored.removeAll { $0.score <= 0 || !seen.insert(index.sentences[$0.sentence].text).inserted }
        let short = Array(scored.prefix(count + Self.spareCandidates))
        sentences = MarginalRelevance().pick(count, from: short, in: index, work: &work).sorted()
    }
}
