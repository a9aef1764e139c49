/// Merges the bytes of a piece into tokens: of all neighbours that together are a token, those of the lowest rank first, the leftmost of
/// several; until no two neighbours are a token. It keeps its memory from one piece to the next.
struct BPEMerge {
    /// Pieces of at most this many bytes are merged by looking through all neighbours each time, which is faster for few of them.
    static let scanLimit = 96

    // A part of the piece, by the offset of its first byte while parts are linked, by its number while they are scanned.
    private var starts: [Int32] = []
    private var ids: [UInt32] = []
    /// The rank of a part and the next one together.
    private var pairs: [UInt32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var queue = MergeQueue()

    /// Calls `body` with the ids of the piece's tokens. The vocabulary has all single bytes.
    mutating func tokens(of piece: Span<UInt8>, _ vocabulary: borrowing BPEVocabulary, _ body: (UInt32) -> Void) {
        if piece.count <= Self.scanLimit {
            scanned(piece, vocabulary, body)
        } else {
            queued(piece, vocabulary, body)
        }
    }

    /// Quadratic in the piece's length, with little work a step.
    mutating func scanned(_ piece: Span<UInt8>, _ vocabulary: borrowing BPEVocabulary, _ body: (UInt32) -> Void) {
        var count = piece.count
        starts.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
        pairs.removeAll(keepingCapacity: true)
        for offset in 0..<count {
            starts.append(Int32(offset))
            ids.append(vocabulary.byteRanks[Int(piece[offset])])
            pairs.append(offset + 1 < count ? vocabulary.rank(of: piece.extracting(offset..<offset + 2)) : BPEVocabulary.none)
        }
        starts.append(Int32(count))
        while count > 1 {
            var (lowest, part) = (BPEVocabulary.none, 0)
            for index in 0..<count where pairs[index] < lowest { (lowest, part) = (pairs[index], index) }
            if lowest == BPEVocabulary.none { break }
            ids[part] = lowest
            starts.remove(at: part + 1)
            ids.remove(at: part + 1)
            pairs.remove(at: part + 1)
            count -= 1
            for first in max(part - 1, 0)...part {
                guard first + 2 <= count else {
                    pairs[first] = BPEVocabulary.none
                    continue
                }
                pairs[first] = vocabulary.rank(of: piece.extracting(Int(starts[first])..<Int(starts[first + 2])))
            }
        }
        for id in ids { body(id) }
    }

    /// In n log n for n bytes: parts are linked, and a queue says which neighbours are next. It takes up to 50 bytes of
    /// memory for each byte of the piece.
    mutating func queued(_ piece: Span<UInt8>, _ vocabulary: borrowing BPEVocabulary, _ body: (UInt32) -> Void) {
        let count = piece.count
        let none = Int32(count)
        ids = [UInt32](repeating: 0, count: count)
        pairs = [UInt32](repeating: BPEVocabulary.none, count: count)
        next = [Int32](repeating: none, count: count)
        previous = [Int32](repeating: none, count: count)
        queue.removeAll()
        for offset in 0..<count {
            ids[offset] = vocabulary.byteRanks[Int(piece[offset])]
            next[offset] = Int32(offset + 1)
            previous[offset] = offset > 0 ? Int32(offset - 1) : none
            guard offset + 1 < count else { break }
            pairs[offset] = vocabulary.rank(of: piece.extracting(offset..<offset + 2))
            if pairs[offset] != BPEVocabulary.none { queue.append(rank: pairs[offset], part: offset) }
        }
        queue.heapify()
        while let (rank, part) = queue.removeFirst() {
            // One of the two has been merged with another since.
            if pairs[part] != rank { continue }
            let merged = Int(next[part])
            let after = next[merged]
            ids[part] = rank
            next[part] = after
            pairs[merged] = BPEVocabulary.none
            if after != none { previous[Int(after)] = Int32(part) }
            if previous[part] != none { pair(Int(previous[part]), piece, vocabulary) }
            pair(part, piece, vocabulary)
        }
        var part = 0
        while part < count {
            body(ids[part])
            part = Int(next[part])
        }
    }

    /// Notes what a part and the next one are together.
    private mutating func pair(_ part: Int, _ piece: Span<UInt8>, _ vocabulary: borrowing BPEVocabulary) {
        let second = Int(next[part])
        guard second < piece.count else {
            pairs[part] = BPEVocabulary.none
            return
        }
        let rank = vocabulary.rank(of: piece.extracting(part..<Int(next[second])))
        pairs[part] = rank
        if rank != BPEVocabulary.none { queue.insert(rank: rank, part: part) }
    }
}
