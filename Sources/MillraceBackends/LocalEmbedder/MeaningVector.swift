import Glibc

/// What a text is about: the sum of its words' vectors.
struct MeaningVector {
    /// How many numbers it has.
    static var length: Int { WordVectors.english.dimensions }

    /// Rare words say more than their rarity does: found by `.ci/search-quality`.
    private static let exponent: Float = 1.5
    /// How much the triples of letters of a word without a vector weigh beside the word.
    private static let triplesWeight: Float = 0.5

    /// Vectors that were drawn, for as many words as are kept.
    private var drawn: [[UInt8]: [Float]] = [:]
    private static let keptWords = 4096

    mutating func vector(_ terms: [EmbeddedTerm]) -> [Float] {
        var counts: [[UInt8]: (term: EmbeddedTerm, count: Float)] = [:]
        for term in terms { counts[term.bytes, default: (term, 0)].count += 1 }
        var sum = [Float](repeating: 0, count: Self.length)
        // In an order: sums of floats depend on theirs, and a dictionary's changes from run to run.
        for (_, entry) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let weight = (1 + logf(entry.count)) * powf(entry.term.rarity, Self.exponent)
            if let place = entry.term.place {
                WordVectors.english.add(place, weight: weight, to: &sum)
            } else {
                let drawn = vector(ofOther: entry.term.bytes)
                for index in sum.indices { sum[index] += weight * drawn[index] }
            }
        }
        return sum.unit()
    }

    private mutating func vector(ofOther word: [UInt8]) -> [Float] {
        if let known = drawn[word] { return known }
        let made = Self.draw(word)
        if drawn.count < Self.keptWords { drawn[word] = made }
        return made
    }

    /// A vector for a word that has none: in another direction than those of nearly all words, but for those that share letters with it.
    private static func draw(_ word: [UInt8]) -> [Float] {
        var sum = [Float](repeating: 0, count: length)
        let triples = LetterTriples(word)
        let weight = triplesWeight / Float(triples.count).squareRoot()
        sum.withUnsafeMutableBufferPointer { sum in
            add(signs: WordHash.of([0x77] + word), weight: 1, to: sum)
            for triple in triples { add(signs: WordHash.of([0x74] + triple), weight: weight, to: sum) }
        }
        return sum.unit()
    }

    /// Adds a row of signs that SplitMix64 makes (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
    private static func add(signs seed: UInt64, weight: Float, to sum: UnsafeMutableBufferPointer<Float>) {
        var state = seed
        for start in stride(from: 0, to: sum.count, by: 64) {
            state &+= 0x9E37_79B9_7F4A_7C15
            let bits = WordHash.finish(state)
            for index in 0..<min(64, sum.count - start) {
                // A branch would be guessed wrong every other time.
                let sign = UInt32(truncatingIfNeeded: bits &>> UInt64(index)) &<< 31
                sum[start + index] += Float(bitPattern: weight.bitPattern ^ sign)
            }
        }
    }
}
