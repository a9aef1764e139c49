import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct RowsTests {
    @Test func rowSet_isASet() {
        let (a, b): (Set<Int64>, Set<Int64>) = ([0, 1, 63, 64, 65, 200], [1, 64, 5000])
        func check(_ set: RowSet, _ expected: Set<Int64>) {
            var rows: [Int64] = []
            set.forEach { rows.append($0) }
            #expect(rows == expected.sorted() && set.count == expected.count && set == RowSet(expected))
            for row: Int64 in [-1, 0, 1, 2, 62, 63, 64, 65, 128, 200, 5000, 5001] { #expect(set.contains(row) == expected.contains(row)) }
        }
        check(RowSet(a), a)
        check(RowSet([7, 7]), [7])
        for (x, y): (Set<Int64>, Set<Int64>) in [(a, b), (b, a), (a, Set()), (Set(), a), (a, a)] {
            var set = RowSet(x)
            set.formUnion(RowSet(y))
            check(set, x.union(y))
            set = RowSet(x)
            set.formIntersection(RowSet(y))
            check(set, x.intersection(y))
            set = RowSet(x)
            set.subtract(RowSet(y))
            check(set, x.subtracting(y))
        }
    }

    @Test(arguments: [1, 2, 3, 10, 99, 100, 101, 500]) func bestRows_areTheFirstOfTheSortedList(limit: Int) throws {
        // Few different scores; ids run against the rows.
        let rows = (0..<100).map { ScoredRow(row: Int64($0 * 37 % 100), score: Double($0 % 7)) }
        func id(_ row: Int64) -> [UInt8] { Array("\(1000 - row)".utf8) }
        var best = BestRows(limit: limit) { (row) throws(MillraceError) in id(row) }
        for row in rows { try best.insert(row) }
        let sorted = rows.sorted { $0.score != $1.score ? $0.score > $1.score : id($0.row).lexicographicallyPrecedes(id($1.row)) }
        #expect(try best.sorted() == Array(sorted.prefix(limit)))
    }

    @Test func bestRows_lookUpNoIDsOfDifferentScores() throws {
        var best = BestRows(limit: 5) { (row) throws(MillraceError) in throw MillraceError(.internal, "row \(row)") }
        for row in 0..<50 { try best.insert(ScoredRow(row: Int64(row), score: Double(row * 7 % 50))) }
        #expect(try best.sorted().map(\.score) == [49, 48, 47, 46, 45])
    }
}
