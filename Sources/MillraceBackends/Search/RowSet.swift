/// A set of row numbers as bits: what a filter leaves. Row numbers are dense, so a bit each is less than any list.
struct RowSet: Equatable, Sendable {
    private var words: [UInt64] = []
    /// How many rows are in it.
    private(set) var count = 0

    init() {}

    init(_ rows: some Sequence<Int64>) {
        for row in rows { insert(row) }
    }

    func contains(_ row: Int64) -> Bool {
        let index = Int(row >> 6)
        return index < words.count && row >= 0 && words[index] & (1 << UInt64(row & 63)) != 0
    }

    /// - Parameter row: from 0.
    mutating func insert(_ row: Int64) {
        let index = Int(row >> 6)
        if index >= words.count { words.append(contentsOf: repeatElement(0, count: max(index + 1 - words.count, words.count))) }
        let bit: UInt64 = 1 << UInt64(row & 63)
        if words[index] & bit == 0 {
            words[index] |= bit
            count += 1
        }
    }

    mutating func formUnion(_ other: RowSet) {
        if other.words.count > words.count { words.append(contentsOf: repeatElement(0, count: other.words.count - words.count)) }
        for index in other.words.indices { words[index] |= other.words[index] }
        recount()
    }

    mutating func formIntersection(_ other: RowSet) {
        for index in words.indices { words[index] &= index < other.words.count ? other.words[index] : 0 }
        recount()
    }

    mutating func subtract(_ other: RowSet) {
        for index in 0..<min(words.count, other.words.count) { words[index] &= ~other.words[index] }
        recount()
    }

    private mutating func recount() { count = words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Calls `body` with each row, the smallest first.
    func forEach<E: Error>(_ body: (Int64) throws(E) -> Void) throws(E) {
        for index in words.indices {
            var rest = words[index]
            while rest != 0 {
                try body(Int64(index << 6 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
    }

    static func == (a: RowSet, b: RowSet) -> Bool {
        guard a.count == b.count else { return false }
        return (0..<max(a.words.count, b.words.count)).allSatisfy {
            ($0 < a.words.count ? a.words[$0] : 0) == ($0 < b.words.count ? b.words[$0] : 0)
        }
    }
}
