package import MillraceCore

/// A connection with the statements it has prepared: each SQL text is prepared once, as long as there are not too many. One thread at a time.
package final class SQLiteSession {
    private final class Prepared {
        let statement: SQLiteStatement
        init(_ statement: consuming SQLiteStatement) { self.statement = statement }
    }

    /// The connection.
    package let connection: SQLiteConnection
    private let faultHook: SQLiteFaultHook?
    private var prepared: [String: Prepared] = [:]
    private var knownFullText: FullText?
    private let beginWrite: SQLiteStatement
    private let beginRead: SQLiteStatement
    private let commitOpen: SQLiteStatement
    private let rollBackOpen: SQLiteStatement

    private static let mostPrepared = 512

    /// A session on a connection.
    package init(_ connection: consuming SQLiteConnection, faultHook: SQLiteFaultHook? = nil) throws(MillraceError) {
        beginWrite = try SQLiteStatement("BEGIN IMMEDIATE", on: connection, operation: .begin, faultHook: faultHook)
        beginRead = try SQLiteStatement("BEGIN", on: connection, operation: .begin, faultHook: faultHook)
        commitOpen = try SQLiteStatement("COMMIT", on: connection, operation: .commit, faultHook: faultHook)
        // Prepared, so that ending a transaction takes no memory when there is none.
        rollBackOpen = try SQLiteStatement("ROLLBACK", on: connection)
        self.connection = connection
        self.faultHook = faultHook
    }

    /// The texts of the statements that are prepared now.
    package var preparedTexts: [String] { Array(prepared.keys) }

    /// Lends the statement for `sql`; it is reset when `body` returns.
    package func withStatement<R>(
        _ sql: String, _ body: (borrowing SQLiteStatement) throws(MillraceError) -> R
    ) throws(MillraceError) -> R {
        let cached: Prepared
        if let known = prepared[sql] {
            cached = known
        } else {
            cached = Prepared(try SQLiteStatement(sql, on: connection, faultHook: faultHook))
            // Tables that come and go bring new texts for ever. One that runs is held by its caller and ends with it.
            if prepared.count >= Self.mostPrepared { prepared.removeAll() }
            prepared[sql] = cached
        }
        defer { cached.statement.reset() }
        return try body(cached.statement)
    }

    /// The full-text module of the connection.
    package func fullText() throws(MillraceError) -> FullText {
        if let knownFullText { return knownFullText }
        let made = try FullText(connection)
        knownFullText = made
        return made
    }

    /// Executes a statement that gives no rows; returns how many rows it changed.
    @discardableResult
    package func execute<each Value: SQLiteBindable>(_ sql: String, _ values: repeat each Value) throws(MillraceError) -> Int {
        try withStatement(sql) { (statement: borrowing SQLiteStatement) throws(MillraceError) in
            try statement.bind(repeat each values)
            while try statement.step() {}
        }
        return connection.changes
    }

    /// Reads every row that a query gives.
    package func rows<each Value: SQLiteBindable, R>(
        _ sql: String, _ values: repeat each Value, read: (borrowing SQLiteStatement) throws(MillraceError) -> R
    ) throws(MillraceError) -> [R] {
        try withStatement(sql) { (statement: borrowing SQLiteStatement) throws(MillraceError) in
            try statement.bind(repeat each values)
            var rows: [R] = []
            while try statement.step() { rows.append(try read(statement)) }
            return rows
        }
    }

    /// Reads a query's first row, `nil` when there is none.
    package func first<each Value: SQLiteBindable, R>(
        _ sql: String, _ values: repeat each Value, read: (borrowing SQLiteStatement) throws(MillraceError) -> R
    ) throws(MillraceError) -> R? {
        try withStatement(sql) { (statement: borrowing SQLiteStatement) throws(MillraceError) in
            try statement.bind(repeat each values)
            return try statement.step() ? try read(statement) : nil
        }
    }

    /// Reads from one snapshot, so that several queries agree.
    package func readTransaction<R>(_ body: () throws(MillraceError) -> R) throws(MillraceError) -> R {
        try run(beginRead)
        defer { rollback() }  // Nothing was written: ending the snapshot is all there is to do.
        return try body()
    }

    /// Opens a write transaction, ending first what an earlier failure may have left open.
    package func begin() throws(MillraceError) {
        rollback()
        try run(beginWrite)
    }

    /// Commits the open transaction.
    package func commit() throws(MillraceError) { try run(commitOpen) }

    /// Rolls an open transaction back. SQLite has done so by itself after some errors.
    package func rollback() {
        if connection.isInTransaction { try? run(rollBackOpen) }
    }

    /// Folds the write-ahead log into the file and empties it, unless somebody reads it just now: nobody is waited for.
    /// - Returns: whether it is empty.
    package func emptyLog() throws(MillraceError) -> Bool {
        try connection.withoutWaiting { () throws(MillraceError) in
            try first("PRAGMA wal_checkpoint(TRUNCATE)") { $0.int(0) == 0 } ?? false
        }
    }

    private func run(_ statement: borrowing SQLiteStatement) throws(MillraceError) {
        defer { statement.reset() }
        _ = try statement.step()
    }
}
