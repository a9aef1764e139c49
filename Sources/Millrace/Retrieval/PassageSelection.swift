/// Chooses among ranked passages: not too many of one document, nothing twice; and joins those that stand one behind the other. Pure.
struct PassageSelection {
    /// A passage and how well it fits.
    struct Candidate: Equatable {
        var passage: CollectionPassage
        var score: Double
    }

    /// From this share of common three-word sequences on, two passages say the same.
    private static let sameness = 0.85

    let limit: Int
    let passagesPerDocument: Int?
    let minimumScore: Double
    var joinsNeighbours = true

    /// - Parameter ranked: the best first.
    func sources(_ ranked: [Candidate]) -> [RetrievedSource] {
        guard let best = ranked.first?.score else { return [] }
        var chosen: [(candidate: Candidate, words: WordSequences)] = []
        var counts: [String: Int] = [:]
        for candidate in ranked where chosen.count < limit {
            if best > 0, candidate.score < best * minimumScore { break }
            let document = candidate.passage.documentID
            if let most = passagesPerDocument, counts[document, default: 0] >= most { continue }
            let words = WordSequences(candidate.passage.text)
            guard !chosen.contains(where: { $0.words.similarity(to: words) >= Self.sameness }) else { continue }
            chosen.append((candidate, words))
            counts[document, default: 0] += 1
        }
        guard joinsNeighbours else {
            return chosen.enumerated().map { place, chosen in
                RetrievedSource(number: place + 1, passages: [chosen.candidate.passage], score: chosen.candidate.score)
            }
        }
        return Self.joined(chosen.map(\.candidate))
    }

    /// Candidates as sources, the best first: neighbours of a document as one.
    static func joined(_ candidates: [Candidate]) -> [RetrievedSource] {
        var runs: [[Candidate]] = []
        for candidate in candidates.sorted(by: { ($0.passage.documentID, $0.passage.place) < ($1.passage.documentID, $1.passage.place) }) {
            let last = runs.last?.last?.passage
            if let last, last.documentID == candidate.passage.documentID, last.place + 1 == candidate.passage.place {
                runs[runs.count - 1].append(candidate)
            } else {
                runs.append([candidate])
            }
        }
        let sources = runs.map { run in
            RetrievedSource(number: 0, passages: run.map(\.passage), score: run.map(\.score).max() ?? 0)
        }
        // Equal scores in the order of the documents: the sort is stable.
        let ordered = sources.enumerated().sorted { ($0.element.score, $1.offset) > ($1.element.score, $0.offset) }.map(\.element)
        return ordered.enumerated().map { place, source in
            var source = source
            source.number = place + 1
            return source
        }
    }
}

/// The three-word sequences of a text, by which near copies are told.
private struct WordSequences {
    private let sequences: Set<Int>

    init(_ text: String) {
        let words = text.lowercased().unicodeScalars.split { !$0.properties.isAlphabetic && $0.properties.numericType == nil }
            .map { String($0) }
        var sequences: Set<Int> = []
        for place in words.indices where place + 2 < words.count || place == 0 {
            var hasher = Hasher()
            for word in words[place..<min(place + 3, words.count)] { hasher.combine(word) }
            sequences.insert(hasher.finalize())
        }
        self.sequences = sequences
    }

    /// The share of common sequences among all (Jaccard), 0 to 1.
    func similarity(to other: WordSequences) -> Double {
        let (least, most) = (min(sequences.count, other.sequences.count), max(sequences.count, other.sequences.count))
        // Sets of very different size cannot be alike: no need to compare them.
        guard least > 0, least * 4 >= most * 3 else { return 0 }
        let common = sequences.intersection(other.sequences).count
        return Double(common) / Double(sequences.count + other.sequences.count - common)
    }
}
