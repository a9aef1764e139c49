/// The unit vectors of an index in memory, in blocks of about a megabyte.
///
/// A copy is a snapshot: who scans one is not disturbed by changes, which copy the blocks they touch only where a snapshot still has them.
struct VectorMatrix: Sendable {
    /// Vectors one behind the other, with the rows they belong to.
    struct Block: Sendable {
        var rows: [Int64] = []
        var values: [Float] = []
    }

    let dimensions: Int
    private(set) var blocks: [Block] = []
    private(set) var count = 0
    private let blockRows: Int

    init(dimensions: Int) {
        self.dimensions = dimensions
        blockRows = Self.blockRows(dimensions)
    }

    /// How many vectors fit a block.
    static func blockRows(_ dimensions: Int) -> Int { max((1 << 18) / dimensions, 1) }

    /// How many bytes so many vectors take.
    static func byteCount(_ count: Int, dimensions: Int) -> Int { count * (dimensions * MemoryLayout<Float>.stride + 8) }

    var byteCount: Int { Self.byteCount(count, dimensions: dimensions) }

    /// Adds a vector behind the others; returns its place.
    mutating func append(_ row: Int64, _ vector: UnsafeBufferPointer<Float>) -> Int {
        if count == blocks.count * blockRows {
            var block = Block()
            // The first block grows with its index; a further one will most likely be filled.
            if !blocks.isEmpty { block.values.reserveCapacity(blockRows * dimensions) }
            blocks.append(block)
        }
        blocks[blocks.count - 1].rows.append(row)
        blocks[blocks.count - 1].values.append(contentsOf: vector)
        count += 1
        return count - 1
    }

    mutating func replace(at place: Int, _ vector: UnsafeBufferPointer<Float>) {
        let start = place % blockRows * dimensions
        blocks[place / blockRows].values.replaceSubrange(start..<start + dimensions, with: vector)
    }

    /// Removes a vector by putting the last one into its place.
    /// - Returns: the row of the one that was moved there; `nil`: it was the last itself.
    mutating func remove(at place: Int) -> Int64? {
        guard let moved = blocks[blocks.count - 1].rows.popLast() else { return nil }
        let last = Array(blocks[blocks.count - 1].values.suffix(dimensions))
        blocks[blocks.count - 1].values.removeLast(dimensions)
        count -= 1
        if blocks[blocks.count - 1].rows.isEmpty { blocks.removeLast() }
        guard place != count else { return nil }
        blocks[place / blockRows].rows[place % blockRows] = moved
        last.withUnsafeBufferPointer { replace(at: place, $0) }
        return moved
    }
}
