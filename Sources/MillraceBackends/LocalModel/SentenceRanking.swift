/// Ranks sentences by how well they answer a question: BM25 over its terms, how many of the terms meet in one sentence, the heading
/// above, a slight preference for what comes early, and for sentences that name the kind of thing asked for.
struct SentenceRanking: Sendable {
    /// A sentence that has at least one of the terms.
    struct Candidate: Equatable, Sendable {
        var sentence: Int
        var score: Double
        /// The share of the question's weight that the sentence has, 0 to 1.
        var coverage: Double
    }

    /// The best first; equal ones in the order of the text.
    private(set) var candidates: [Candidate] = []
    /// The terms that no sentence has.
    private(set) var missing: [Question.Term] = []

    /// How much a term in the heading above counts against one in the sentence.
    private static let headingShare = 0.4

    /// - Throws: what `check` throws.
    init(_ question: Question, in index: SentenceIndex, check: () throws -> Void = {}) rethrows {
        let weights = BM25()
        let terms = question.terms.map { term in
            let number = index.number(of: term.term)
            let inverse = index.inverseFrequency(number)
            // A pair of characters that no sentence has is mostly where two words of the question meet.
            let certainty = number == nil && Tokenizer.isPair(term.term) ? 0.15 : 1
            return (number: number, inverse: inverse * term.weight, weight: max(inverse, 0.5) * term.weight * certainty)
        }
        missing = zip(question.terms, terms).filter { $0.1.number == nil }.map(\.0)
        let total = max(terms.reduce(0) { $0 + $1.weight }, .leastNonzeroMagnitude)
        var headings: [String: Set<Int32>] = [:]

        for (position, sentence) in index.sentences.enumerated() {
            if position % 1024 == 0 { try check() }
            var above: Set<Int32> = []
            if let heading = sentence.heading {
                if let known = headings[heading] {
                    above = known
                } else {
                    above = Set(Tokenizer.terms(heading).compactMap { index.number(of: $0) })
                    headings[heading] = above
                }
            }
            var (score, coverage) = (0.0, 0.0)
            let entries = index.entries[position]
            for term in terms {
                guard let number = term.number else { continue }
                let own = entries.first { $0.term == number }.map { Double($0.count) }
                guard let frequency = own ?? (above.contains(number) ? Self.headingShare : nil) else { continue }
                score += weights.weight(
                    frequency: frequency, length: Double(index.lengths[position]), averageLength: index.averageLength,
                    inverseFrequency: term.inverse)
                coverage += (own == nil ? Self.headingShare : 1) * term.weight / total
            }
            guard score > 0 else { continue }
            score *= 0.4 + 0.6 * coverage
            score *= 1 + 0.05 * (1 - Double(position) / Double(index.sentences.count))
            if sentence.kind == .heading { score *= 0.4 }
            if question.focus.isMet(by: sentence.text) { score *= 1.4 }
            if question.isDefined(by: sentence.text) { score *= 2.5 }
            candidates.append(Candidate(sentence: position, score: score, coverage: coverage))
        }
        candidates.sort { ($0.score, $1.sentence) > ($1.score, $0.sentence) }
    }
}
