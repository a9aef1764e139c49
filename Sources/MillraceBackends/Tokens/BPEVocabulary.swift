/// The tokens of a byte-pair encoding and their ranks, which are their ids too.
///
/// The tokens' bytes lie one after the other in one array, and an open hash table holds their places: for 200,000 tokens some 7 MB, without
/// an object for each.
struct BPEVocabulary: Sendable {
    /// The rank that no token has.
    static let none = UInt32.max
    /// Ranks are below this: more than any published vocabulary has tenfold.
    static let rankLimit = 1 << 21

    /// The bytes of all tokens, and where each token begins; the last offset is the end.
    private(set) var bytes: [UInt8] = []
    private var offsets: [UInt32] = [0]
    private var ranks: [UInt32] = []
    /// In each slot the upper half of the token's hash and, in the lower half, its index plus one; 0 is an empty slot.
    private var slots: [UInt64]
    /// The ranks of the 256 tokens of one byte.
    private(set) var byteRanks = [UInt32](repeating: BPEVocabulary.none, count: 256)
    /// The longest token's length in bytes.
    private(set) var longestToken = 0

    /// The highest rank; 0 when there is no token.
    var highestRank: Int { Int(ranks.max() ?? 0) }

    /// How many tokens there are.
    var count: Int { ranks.count }

    /// An empty vocabulary with room for `capacity` tokens.
    init(capacity: Int) {
        slots = [UInt64](repeating: 0, count: Self.slotCount(for: capacity))
        ranks.reserveCapacity(capacity)
        offsets.reserveCapacity(capacity + 1)
    }

    /// A power of two of which at most half is taken.
    private static func slotCount(for capacity: Int) -> Int {
        1 << (Int.bitWidth - (max(capacity, 8) * 2 - 1).leadingZeroBitCount)
    }

    /// Adds a token, unless it is there: then it returns `false`.
    mutating func insert(_ token: Span<UInt8>, rank: UInt32) -> Bool {
        if (ranks.count + 1) * 2 > slots.count { grow() }
        let hash = Self.hash(token.bytes)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash >> 32, isToken(Int(slots[slot] & 0xFFFF_FFFF) - 1, token.bytes) { return false }
            slot = (slot + 1) & (slots.count - 1)
        }
        ranks.append(rank)
        slots[slot] = (hash & ~0xFFFF_FFFF) | UInt64(ranks.count)
        for index in token.indices { bytes.append(token[index]) }
        offsets.append(UInt32(bytes.count))
        longestToken = max(longestToken, token.count)
        if token.count == 1 { byteRanks[Int(token[0])] = rank }
        return true
    }

    private mutating func grow() {
        var grown = [UInt64](repeating: 0, count: slots.count * 2)
        for index in ranks.indices {
            let token = bytes.span.extracting(Int(offsets[index])..<Int(offsets[index + 1]))
            let hash = Self.hash(token.bytes)
            var slot = Int(truncatingIfNeeded: hash) & (grown.count - 1)
            while grown[slot] != 0 { slot = (slot + 1) & (grown.count - 1) }
            grown[slot] = (hash & ~0xFFFF_FFFF) | UInt64(index + 1)
        }
        slots = grown
    }

    /// The rank of the token that these bytes are, or ``none``.
    func rank(of piece: Span<UInt8>) -> UInt32 {
        if piece.count <= 1 { return piece.isEmpty ? Self.none : byteRanks[Int(piece[0])] }
        if piece.count > longestToken { return Self.none }
        let hash = Self.hash(piece.bytes)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while true {
            let entry = slots[slot]
            if entry == 0 { return Self.none }
            let index = Int(entry & 0xFFFF_FFFF) - 1
            if entry >> 32 == hash >> 32, isToken(index, piece.bytes) { return ranks[index] }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    private func isToken(_ index: Int, _ piece: RawSpan) -> Bool {
        let start = Int(offsets[index])
        let count = Int(offsets[index + 1]) - start
        guard count == piece.byteCount else { return false }
        let token = bytes.span.extracting(start..<start + count).bytes
        var offset = 0
        while offset + 8 <= count {
            if Self.word(token, offset) != Self.word(piece, offset) { return false }
            offset += 8
        }
        return Self.tail(token, offset) == Self.tail(piece, offset)
    }

    /// Multiply and fold, eight bytes a step. The table's tokens are fixed, so nobody can fill one of its chains from outside.
    private static func hash(_ key: RawSpan) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: key.byteCount) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset + 8 <= key.byteCount {
            hash = mixed(hash ^ word(key, offset))
            offset += 8
        }
        return mixed(hash ^ tail(key, offset))
    }

    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// The up to seven bytes from `offset` on as a number; of equally long keys, different tails have different ones.
    @inline(__always)
    private static func tail(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        let count = bytes.byteCount - offset
        if count >= 4 {
            let low = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
            let high = bytes.unsafeLoadUnaligned(fromByteOffset: bytes.byteCount - 4, as: UInt32.self)
            return UInt64(high) << 32 | UInt64(low)
        }
        if count == 0 { return 0 }
        let first = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
        let middle = bytes.unsafeLoad(fromByteOffset: offset + count / 2, as: UInt8.self)
        let last = bytes.unsafeLoad(fromByteOffset: bytes.byteCount - 1, as: UInt8.self)
        return UInt64(first) << 16 | UInt64(middle) << 8 | UInt64(last)
    }
}
