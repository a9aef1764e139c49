import Glibc

/// What a text is written with: its terms, pairs of them and their triples of letters, each at a place and with a sign that its hash says.
enum SpellingVector {
    /// How many numbers it has.
    static let length = 128

    private static let triplesWeight: Float = 0.5
    private static let pairWeight: Float = 0.5

    static func vector(_ terms: [EmbeddedTerm]) -> [Float] {
        var features: [UInt64: (count: Float, weight: Float)] = [:]
        func add(_ kind: UInt8, _ bytes: some Collection<UInt8>, _ weight: Float) {
            features[WordHash.of([kind] + bytes), default: (0, weight)].count += 1
        }
        for term in terms {
            add(0x77, term.bytes, term.rarity)
            // Together they weigh half as much as the word.
            let triples = LetterTriples(term.bytes)
            for triple in triples { add(0x74, triple, triplesWeight * term.rarity / Float(triples.count).squareRoot()) }
        }
        for (left, right) in zip(terms, terms.dropFirst()) {
            add(0x70, left.bytes + [0x20] + right.bytes, pairWeight * (left.rarity + right.rarity) / 2)
        }
        var sum = [Float](repeating: 0, count: length)
        for (hash, feature) in features.sorted(by: { $0.key < $1.key }) {
            let value = feature.weight * (1 + logf(feature.count))
            sum[Int((hash >> 1) % UInt64(length))] += hash & 1 == 0 ? value : -value
        }
        return sum.unit()
    }
}

/// The triples of bytes of a word of more than three, whose ends are letters of their own; of a long one those at its beginning.
struct LetterTriples: Sequence {
    private let marked: [UInt8]

    private static let longest = 64

    init(_ word: [UInt8]) { marked = word.count > 3 ? [0x5E] + word.prefix(Self.longest) + [0x24] : [] }

    var count: Int { Swift.max(0, marked.count - 2) }

    func makeIterator() -> some IteratorProtocol<ArraySlice<UInt8>> {
        (0..<count).lazy.map { [marked] in marked[$0..<$0 + 3] }.makeIterator()
    }
}
