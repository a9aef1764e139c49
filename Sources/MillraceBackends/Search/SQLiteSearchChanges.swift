import Millrace
import MillraceCore
import MillraceDatabase

/// The writes to one index, inside a transaction of the writer.
struct SQLiteSearchChanges {
    let session: SQLiteSession
    let definition: SearchIndexDefinition
    let tables: SQLiteSearchTables
    private let analysis: SearchAnalysis
    private var vectors = VectorChanges()
    private var vectorCount = 0

    init(_ session: SQLiteSession, _ definition: SearchIndexDefinition, _ tables: SQLiteSearchTables) throws(MillraceError) {
        self.session = session
        self.definition = definition
        self.tables = tables
        analysis = SearchAnalysis(fullText: try session.fullText())
    }

    /// Stores a document in place of the one with its id.
    mutating func put(_ document: PreparedDocument) throws(MillraceError) {
        let row: Int64
        if let known = try self.row(document.id) {
            try removeParts(known)
            try session.execute("UPDATE \(tables.documents) SET fields = ? WHERE row = ?", document.fields, known)
            row = known
        } else {
            try session.execute("INSERT INTO \(tables.documents) (id, fields) VALUES (?, ?)", document.id, document.fields)
            row = session.connection.lastInsertedRow
        }
        try changeWords(row, document.terms, removing: false)
        for value in document.values {
            // A value that a list has twice is stored once.
            try session.execute(
                "INSERT OR IGNORE INTO \(tables.values) (field, value, row) VALUES (?, ?, ?)", value.field, value.value, row)
        }
        guard let vector = document.vector else { return }
        try vector.values.withUnsafeBufferPointer { (floats) throws(MillraceError) in
            _ = try session.execute(
                "INSERT INTO \(tables.vectors) (row, length, vector) VALUES (?, ?, ?)", row, vector.length,
                SQLiteStaticBlob(UnsafeRawBufferPointer(floats)))
        }
        vectorCount += 1
        vectors.changes.append(.init(row: row, vector: vector.values))
    }

    /// Removes a document; one that is not there is removed already.
    mutating func remove(id: String) throws(MillraceError) {
        if let row = try row(id) { try remove(row) }
    }

    /// Removes documents by their rows.
    mutating func remove(_ rows: RowSet) throws(MillraceError) {
        let count = try session.first("SELECT count(*) FROM \(tables.documents)") { $0.int(0) }
        if rows.count == count {
            try session.connection.execute(tables.clearing)
            vectors.removesAll = true
            vectors.changes = []
            vectorCount = -(try session.first("SELECT vector_count FROM indexes WHERE number = ?", tables.number) { $0.int(0) } ?? 0)
        } else {
            try rows.forEach { (row) throws(MillraceError) in try remove(row) }
        }
    }

    /// Notes what became of the vectors; the last call.
    mutating func finish() throws(MillraceError) -> VectorChanges {
        guard vectors.removesAll || !vectors.changes.isEmpty else { return vectors }
        let sql = "UPDATE indexes SET generation = generation + 1, vector_count = vector_count + ? WHERE number = ? RETURNING generation"
        vectors.generation = try session.first(sql, vectorCount, tables.number) { $0.int(0) } ?? 0
        return vectors
    }

    private func row(_ id: String) throws(MillraceError) -> Int64? {
        try session.first("SELECT row FROM \(tables.documents) WHERE id = ?", id) { $0.int64(0) }
    }

    private mutating func remove(_ row: Int64) throws(MillraceError) {
        try removeParts(row)
        try session.execute("DELETE FROM \(tables.documents) WHERE row = ?", row)
    }

    /// Removes what was made out of a document, which is still there itself.
    private mutating func removeParts(_ row: Int64) throws(MillraceError) {
        if !tables.columns.isEmpty {
            let text = try session.first("SELECT fields FROM \(tables.documents) WHERE row = ?", row) { $0.text(0) } ?? nil
            let fields = try JSONValue(parsing: text ?? "{}").object ?? [:]
            try changeWords(row, PreparedDocument.terms(fields, definition, analysis), removing: true)
        }
        try session.execute("DELETE FROM \(tables.values) WHERE row = ?", row)
        guard definition.vectorDimensions != nil else { return }
        if try session.execute("DELETE FROM \(tables.vectors) WHERE row = ?", row) > 0 {
            vectorCount -= 1
            vectors.changes.append(.init(row: row, vector: nil))
        }
    }

    private func changeWords(_ row: Int64, _ terms: [String], removing: Bool) throws(MillraceError) {
        guard !tables.columns.isEmpty else { return }
        try session.withStatement(tables.wordsStatement(removing: removing)) {
            (statement: borrowing SQLiteStatement) throws(MillraceError) in
            try statement.bind(list: [row] + terms)
            while try statement.step() {}
        }
    }
}
