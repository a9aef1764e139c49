import Glibc

/// Counts the features of a text, and hashes them into a vector.
struct TextFeatures {
    private enum Kind: UInt8 {
        case term, pair, letters
    }

    private let length: Int
    private var counts: [UInt64: (count: Float, weight: Float)] = [:]

    init(length: Int) { self.length = length }

    /// A term counts as a whole and, if it has letters enough, by its triples of letters, which together weigh half as much.
    mutating func add(term: String) {
        let bytes = Array(term.utf8)
        add(.term, bytes[...], weight: 1)
        guard bytes.count > 3 else { return }
        // The ends of a word are features of their own.
        let marked = [0x5E] + bytes + [0x24]
        let triples = marked.count - 2
        for start in 0..<triples { add(.letters, marked[start..<start + 3], weight: 0.5 / Float(triples).squareRoot()) }
    }

    mutating func add(pair left: String, _ right: String) {
        let bytes = Array(left.utf8) + [0x20] + Array(right.utf8)
        add(.pair, bytes[...], weight: 0.5)
    }

    private mutating func add(_ kind: Kind, _ bytes: ArraySlice<UInt8>, weight: Float) {
        counts[Self.hash(kind, bytes), default: (0, weight)].count += 1
    }

    /// The vector, of length 1.
    func unitVector() -> [Float] {
        var vector = [Float](repeating: 0, count: length)
        // In the order of the hashes: sums of floats depend on their order, and a dictionary's changes from run to run.
        for (hash, feature) in counts.sorted(by: { $0.key < $1.key }) {
            let value = feature.weight * (1 + logf(feature.count))
            vector[Int(hash >> 1) % length] += hash & 1 == 0 ? value : -value
        }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        // Two features may cancel each other out; then any place does.
        guard norm > 0 else {
            vector[0] = 1
            return vector
        }
        return vector.map { $0 / norm }
    }

    /// FNV-1a in 64 bits, with the finisher of MurmurHash3 so that low bits are as good as high ones.
    private static func hash(_ kind: Kind, _ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        mix(kind.rawValue)
        for byte in bytes { mix(byte) }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
