/// Which two neighbours of a piece are merged next: a binary heap by rank, then by place.
struct MergeQueue {
    /// The rank in the upper half, the part's place in the lower.
    private var heap: [UInt64] = []

    mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

    /// Adds an entry without ordering it: ``heapify()`` follows.
    mutating func append(rank: UInt32, part: Int) { heap.append(UInt64(rank) << 32 | UInt64(part)) }

    /// Orders all entries in linear time.
    mutating func heapify() {
        for index in (0..<heap.count / 2).reversed() { sink(index) }
    }

    mutating func insert(rank: UInt32, part: Int) {
        append(rank: rank, part: part)
        var index = heap.count - 1
        let entry = heap[index]
        while index > 0, entry < heap[(index - 1) / 2] {
            heap[index] = heap[(index - 1) / 2]
            index = (index - 1) / 2
        }
        heap[index] = entry
    }

    /// Takes the entry of the lowest rank, the leftmost of several.
    mutating func removeFirst() -> (rank: UInt32, part: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink(0)
        }
        return (UInt32(first >> 32), Int(first & 0xFFFF_FFFF))
    }

    private mutating func sink(_ start: Int) {
        var index = start
        let entry = heap[index]
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < entry else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = entry
    }
}
