/// The terms of all sentences, as numbers: what ranking and summarising compute on.
struct SentenceIndex: Sendable {
    /// A term in a sentence.
    struct Entry: Equatable, Sendable {
        var term: Int32
        var count: Int32
    }

    let sentences: [Sentence]
    /// Each sentence's terms, by rising number.
    private(set) var entries: [[Entry]] = []
    /// How many terms each sentence has, repetitions included.
    private(set) var lengths: [Int] = []
    /// How many sentences have the term.
    private(set) var documentFrequency: [Int] = []
    private(set) var averageLength = 1.0
    /// How many terms were read, for tests of the time bound.
    private(set) var work = 0
    private var numbers: [String: Int32] = [:]

    /// - Throws: what `check` throws; it is called now and then, so that work for a cancelled request ends early.
    init(_ sentences: [Sentence], check: () throws -> Void = {}) rethrows {
        self.sentences = sentences
        entries.reserveCapacity(sentences.count)
        lengths.reserveCapacity(sentences.count)
        for (number, sentence) in sentences.enumerated() {
            if number % 512 == 0 { try check() }
            var list: [Int32] = []
            for term in Tokenizer.terms(sentence.text) { list.append(intern(term)) }
            work += list.count + 1
            lengths.append(list.count)
            list.sort()
            var merged: [Entry] = []
            for term in list {
                if merged.last?.term == term { merged[merged.count - 1].count += 1 } else { merged.append(Entry(term: term, count: 1)) }
            }
            for entry in merged { documentFrequency[Int(entry.term)] += 1 }
            entries.append(merged)
        }
        averageLength = max(1, Double(lengths.reduce(0, +)) / Double(max(sentences.count, 1)))
    }

    private mutating func intern(_ term: String) -> Int32 {
        if let number = numbers[term] { return number }
        let number = Int32(documentFrequency.count)
        numbers[term] = number
        documentFrequency.append(0)
        return number
    }

    /// The number of a term, `nil` when no sentence has it.
    func number(of term: String) -> Int32? { numbers[term] }

    /// How much a term says: the probabilistic inverse document frequency, kept positive.
    func inverseFrequency(_ term: Int32?) -> Double {
        BM25.inverseFrequency(containing: term.map { documentFrequency[Int($0)] } ?? 0, of: sentences.count)
    }

    /// How alike two sentences are: the cosine of their term counts, 0 to 1.
    func similarity(_ a: Int, _ b: Int) -> Double {
        let (left, right) = (entries[a], entries[b])
        var (i, j, dot) = (0, 0, 0.0)
        while i < left.count, j < right.count {
            if left[i].term == right[j].term {
                dot += Double(left[i].count) * Double(right[j].count)
                i += 1
                j += 1
            } else if left[i].term < right[j].term {
                i += 1
            } else {
                j += 1
            }
        }
        guard dot > 0 else { return 0 }
        func square(_ list: [Entry]) -> Double { list.reduce(0) { $0 + Double($1.count) * Double($1.count) } }
        return dot / (square(left) * square(right)).squareRoot()
    }
}
