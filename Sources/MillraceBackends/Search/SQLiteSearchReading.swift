import Millrace
import MillraceCore
import MillraceDatabase
import Synchronization

/// Whether the task that waits for a search was cancelled: asked by the thread that does the work.
final class SearchCancellation: Sendable {
    private let isSet = Atomic(false)

    func cancel() { isSet.store(true, ordering: .relaxed) }

    /// - Throws: ``ErrorCode/cancelled``.
    func check() throws(MillraceError) {
        if isSet.load(ordering: .relaxed) { throw MillraceError(.cancelled, "the search was cancelled") }
    }
}

/// Reads of one index, inside a read transaction.
struct SQLiteSearchReading {
    let session: SQLiteSession
    let definition: SearchIndexDefinition
    let tables: SQLiteSearchTables
    let cancellation: SearchCancellation

    /// Refuses an index that was dropped.
    static func expectIndex(_ number: Int64, _ name: String, _ session: SQLiteSession) throws(MillraceError) {
        guard try session.first("SELECT 1 FROM indexes WHERE number = ?", number, read: { _ in true }) == true else {
            throw MillraceError(.notFound, "there is no index '\(name)' any more: it was dropped")
        }
    }

    // MARK: Documents

    /// The documents of these ids that are there.
    func documents(ids: [String]) throws(MillraceError) -> [SearchDocument] {
        var rows = RowSet()
        var documents: [SearchDocument] = []
        for id in ids {
            let row = try session.first("SELECT row FROM \(tables.documents) WHERE id = ?", id) { $0.int64(0) }
            guard let row, !rows.contains(row) else { continue }
            rows.insert(row)
            if let document = try document(row, includesVector: true) { documents.append(document) }
            try cancellation.check()
        }
        return documents
    }

    /// A row's document; `nil`: it has gone.
    func document(_ row: Int64, includesVector: Bool) throws(MillraceError) -> SearchDocument? {
        let read = try session.first("SELECT id, fields FROM \(tables.documents) WHERE row = ?", row) {
            (row) throws(MillraceError) -> SearchDocument in
            let bytes = row.withBytes(1) { $0.map { [UInt8]($0) } ?? [] }
            return SearchDocument(id: row.text(0) ?? "", fields: try JSONValue(parsing: bytes).object ?? [:])
        }
        guard var document = read else { return nil }
        if includesVector, definition.vectorDimensions != nil {
            document.vector = try session.first("SELECT length, vector FROM \(tables.vectors) WHERE row = ?", row) { row in
                UnitVector.restored(Self.floats(row, 1), length: row.double(0))
            }
        }
        return document
    }

    static func floats(_ row: borrowing SQLiteStatement, _ column: Int32) -> [Float] {
        row.withBytes(column) { bytes in
            guard let bytes else { return [] }
            let count = bytes.count / MemoryLayout<Float>.stride
            return (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Float>.stride, as: Float.self) }
        }
    }

    /// The bytes of a row's id.
    func id(_ row: Int64) throws(MillraceError) -> [UInt8] {
        try session.first("SELECT id FROM \(tables.documents) WHERE row = ?", row) { row in
            row.withBytes(0) { $0.map { [UInt8]($0) } ?? [] }
        } ?? []
    }

    // MARK: Rows

    /// How many documents there are.
    func documentCount() throws(MillraceError) -> Int {
        try session.first("SELECT count(*) FROM \(tables.documents)") { $0.int(0) } ?? 0
    }

    /// Every document's row.
    func allRows() throws(MillraceError) -> RowSet { try rows("SELECT row FROM \(tables.documents)") }

    /// The rows that a filter leaves.
    func rows(_ filter: SearchFilter) throws(MillraceError) -> RowSet {
        try cancellation.check()
        switch filter {
        case .equals(let field, let value): return try rows(field, [value])
        case .among(let field, let values): return try rows(field, values)
        case .range(let field, let from, let through):
            guard let (number, kind) = number(of: field) else { return RowSet() }
            let sql = "SELECT row FROM \(tables.values) WHERE field = ?"
            switch (from.flatMap { FilterValue($0, kind) }, through.flatMap { FilterValue($0, kind) }) {
            case (nil, nil): return try rows(sql, number)
            case (let from?, nil): return try rows(sql + " AND value >= ?", number, from)
            case (nil, let through?): return try rows(sql + " AND value <= ?", number, through)
            case (let from?, let through?): return try rows(sql + " AND value >= ? AND value <= ?", number, from, through)
            }
        case .exists(let field):
            guard let (number, _) = number(of: field) else { return RowSet() }
            return try rows("SELECT row FROM \(tables.values) WHERE field = ?", number)
        case .ids(let ids):
            var rows = RowSet()
            for id in ids {
                let row = try session.first("SELECT row FROM \(tables.documents) WHERE id = ?", id) { $0.int64(0) }
                if let row { rows.insert(row) }
            }
            return rows
        case .all(let parts):
            guard let first = parts.first else { return try allRows() }
            var left = try rows(first)
            for part in parts.dropFirst() where left.count > 0 { left.formIntersection(try rows(part)) }
            return left
        case .any(let parts):
            var left = RowSet()
            for part in parts { left.formUnion(try rows(part)) }
            return left
        case .not(let part):
            var left = try allRows()
            left.subtract(try rows(part))
            return left
        }
    }

    private func number(of field: String) -> (Int, SearchIndexDefinition.FieldKind)? {
        guard let number = definition.filterFieldNames.firstIndex(of: field), let kind = definition.filterFields[field] else { return nil }
        return (number, kind)
    }

    private func rows(_ field: String, _ values: [JSONValue]) throws(MillraceError) -> RowSet {
        guard let (number, kind) = number(of: field) else { return RowSet() }
        var left = RowSet()
        for case let value? in values.map({ FilterValue($0, kind) }) {
            let found = try rows("SELECT row FROM \(tables.values) WHERE field = ? AND value = ?", number, value)
            if left.count == 0 { left = found } else { left.formUnion(found) }
        }
        return left
    }

    private func rows<each Value: SQLiteBindable>(_ sql: String, _ values: repeat each Value) throws(MillraceError) -> RowSet {
        try session.withStatement(sql) { (statement: borrowing SQLiteStatement) throws(MillraceError) in
            try statement.bind(repeat each values)
            var rows = RowSet()
            var steps = 0
            while try statement.step() {
                rows.insert(statement.int64(0))
                steps &+= 1
                if steps & 0xFFFF == 0 { try cancellation.check() }
            }
            return rows
        }
    }

    /// A page of the rows in the order of their ids.
    func rowsByID(_ filter: RowSet?, limit: Int, offset: Int) throws(MillraceError) -> [ScoredRow] {
        try session.withStatement("SELECT row FROM \(tables.documents) ORDER BY id") {
            (statement: borrowing SQLiteStatement) throws(MillraceError) in
            var page: [ScoredRow] = []
            var skipped = 0
            var steps = 0
            while page.count < limit, try statement.step() {
                steps &+= 1
                if steps & 0xFFFF == 0 { try cancellation.check() }
                let row = statement.int64(0)
                guard filter?.contains(row) ?? true else { continue }
                if skipped < offset { skipped += 1 } else { page.append(ScoredRow(row: row, score: 1)) }
            }
            return page
        }
    }
}
