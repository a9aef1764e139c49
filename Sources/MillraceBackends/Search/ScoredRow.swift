import MillraceCore

/// A row with its score.
struct ScoredRow: Equatable, Sendable {
    var row: Int64
    var score: Double
}

/// The best of many rows, in a heap of bounded size whose root is the worst of them. Equal scores go by the ids' bytes, which are looked up only
/// when two scores are equal.
struct BestRows {
    private let limit: Int
    private let idOfRow: (Int64) throws(MillraceError) -> [UInt8]
    private var heap: [ScoredRow] = []
    private var ids: [Int64: [UInt8]] = [:]

    /// - Parameters:
    ///   - limit: how many are kept, at least one.
    ///   - idOfRow: the bytes of a row's id.
    init(limit: Int, idOfRow: @escaping (Int64) throws(MillraceError) -> [UInt8]) {
        self.limit = limit
        self.idOfRow = idOfRow
    }

    /// What a row must have at least to be kept; `nil` as long as there is room.
    var threshold: Double? { heap.count < limit ? nil : heap.first?.score }

    mutating func insert(_ candidate: ScoredRow) throws(MillraceError) {
        if heap.count < limit {
            heap.append(candidate)
            try siftUp()
        } else if let worst = heap.first, candidate.score >= worst.score, try isBetter(candidate, worst) {
            heap[0] = candidate
            try siftDown()
        }
    }

    /// The rows that were kept, the best first.
    consuming func sorted() throws(MillraceError) -> [ScoredRow] {
        var result: [ScoredRow] = []
        result.reserveCapacity(heap.count)
        while let worst = heap.first {
            result.append(worst)
            let last = heap.removeLast()
            if !heap.isEmpty {
                heap[0] = last
                try siftDown()
            }
        }
        return result.reversed()
    }

    private mutating func isBetter(_ a: ScoredRow, _ b: ScoredRow) throws(MillraceError) -> Bool {
        if a.score != b.score { return a.score > b.score }
        return try id(a.row).lexicographicallyPrecedes(id(b.row))
    }

    private mutating func id(_ row: Int64) throws(MillraceError) -> [UInt8] {
        if let known = ids[row] { return known }
        let id = try idOfRow(row)
        // Many equal scores would otherwise remember many ids.
        if ids.count >= 4 * limit + 1024 { ids.removeAll(keepingCapacity: true) }
        ids[row] = id
        return id
    }

    private mutating func siftUp() throws(MillraceError) {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard try isBetter(heap[parent], heap[child]) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func siftDown() throws(MillraceError) {
        var parent = 0
        while true {
            var worst = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if try isBetter(heap[worst], heap[child]) { worst = child }
            }
            guard worst != parent else { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}
