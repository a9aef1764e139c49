import Millrace
import MillraceCore
import MillraceDatabase

/// Searches by meaning: every vector that the filter leaves is compared.
extension SQLiteSearchReading {
    /// The nearest rows, the best first, and how many vectors were compared.
    func rows(
        _ vector: [Float], _ filter: RowSet?, limit: Int, _ cache: VectorCache
    ) throws(MillraceError) -> (best: [ScoredRow], compared: Int) {
        let wanted = UnitVector(vector).values
        var best = BestRows(limit: limit) { (row) throws(MillraceError) in try id(row) }
        let state = try session.first("SELECT generation, vector_count FROM indexes WHERE number = ?", tables.number) {
            ($0.int(0), $0.int(1))
        }
        let (generation, count) = state ?? (0, 0)
        if cache.snapshot == nil {
            try cache.load(generation: generation, count: count) { (body) throws(MillraceError) in try readVectors(body) }
        }
        var compared = 0
        if let (matrix, newest) = cache.snapshot {
            var filter = filter
            if newest != generation {
                // A commit since this transaction began, or before it and not yet in memory: only rows that are here can be given out.
                var known = try vectorRows()
                if let wanted = filter { known.formIntersection(wanted) }
                filter = known
            }
            for block in matrix.blocks {
                try cancellation.check()
                try Self.compare(wanted, block, filter, &best, &compared)
            }
        } else {
            try compareStored(wanted, filter, &best, &compared)
        }
        return (try best.sorted(), compared)
    }

    private static func compare(
        _ wanted: [Float], _ block: VectorMatrix.Block, _ filter: RowSet?, _ best: inout BestRows, _ compared: inout Int
    ) throws(MillraceError) {
        var failure: MillraceError?
        let dimensions = wanted.count
        wanted.withUnsafeBufferPointer { wanted in
            block.values.withUnsafeBytes { values in
                guard let wanted = wanted.baseAddress, let start = values.baseAddress else { return }
                do throws(MillraceError) {
                    for (place, row) in block.rows.enumerated() where filter?.contains(row) ?? true {
                        let vector = start + place &* dimensions &* MemoryLayout<Float>.stride
                        try Self.offer(row, DotProduct.simd(wanted, vector, count: dimensions), &best)
                        compared &+= 1
                    }
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }

    private static func offer(_ row: Int64, _ cosine: Float, _ best: inout BestRows) throws(MillraceError) {
        let score = UnitVector.score(ofCosine: cosine)
        if let threshold = best.threshold, score < threshold { return }
        try best.insert(ScoredRow(row: row, score: score))
    }

    private func compareStored(
        _ wanted: [Float], _ filter: RowSet?, _ best: inout BestRows, _ compared: inout Int
    ) throws(MillraceError) {
        try session.withStatement("SELECT row, vector FROM \(tables.vectors)") {
            (statement: borrowing SQLiteStatement) throws(MillraceError) in
            var steps = 0
            while try statement.step() {
                steps &+= 1
                if steps & 0x3FF == 0 { try cancellation.check() }
                let row = statement.int64(0)
                guard filter?.contains(row) ?? true else { continue }
                let cosine = statement.withBytes(1) { bytes -> Float? in
                    guard let start = bytes?.baseAddress, bytes?.count == wanted.count * MemoryLayout<Float>.stride else { return nil }
                    return wanted.withUnsafeBufferPointer { wanted in
                        wanted.baseAddress.map { DotProduct.simd($0, start, count: wanted.count) }
                    }
                }
                guard let cosine else { continue }
                try Self.offer(row, cosine, &best)
                compared &+= 1
            }
        }
    }

    private func readVectors(_ body: (Int64, UnsafeBufferPointer<Float>) -> Void) throws(MillraceError) {
        let dimensions = definition.vectorDimensions ?? 0
        try session.withStatement("SELECT row, vector FROM \(tables.vectors)") {
            (statement: borrowing SQLiteStatement) throws(MillraceError) in
            var steps = 0
            while try statement.step() {
                steps &+= 1
                if steps & 0x3FF == 0 { try cancellation.check() }
                let vector = Self.floats(statement, 1)
                guard vector.count == dimensions else { continue }
                let row = statement.int64(0)
                vector.withUnsafeBufferPointer { body(row, $0) }
            }
        }
    }

    private func vectorRows() throws(MillraceError) -> RowSet {
        RowSet(try session.rows("SELECT row FROM \(tables.vectors)") { $0.int64(0) })
    }
}
