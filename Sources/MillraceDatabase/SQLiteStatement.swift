import CSQLite
package import MillraceCore

/// What SQLite is about to be asked; tests decide by it what fails.
package enum SQLiteOperation: Equatable, Sendable {
    case begin
    case step
    case commit
}

/// Asked before each call of a connection that has one: a result code makes the call fail with it. Tests only.
package typealias SQLiteFaultHook = @Sendable (SQLiteOperation) -> Int32?

/// One prepared statement, kept for as long as its connection.
package struct SQLiteStatement: ~Copyable {
    private let handle: OpaquePointer
    private let operation: SQLiteOperation
    private let faultHook: SQLiteFaultHook?

    /// Prepares `sql`, which must be one statement.
    package init(
        _ sql: String, on connection: borrowing SQLiteConnection, operation: SQLiteOperation = .step, faultHook: SQLiteFaultHook? = nil
    ) throws(MillraceError) {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw SQLiteFailure(code: code, database: connection.handle).error }
        handle = prepared
        self.operation = operation
        self.faultHook = faultHook
    }

    deinit { sqlite3_finalize(handle) }

    /// Binds values to the parameters, from the first.
    package func bind<each Value: SQLiteBindable>(_ values: repeat each Value) throws(MillraceError) {
        var index: Int32 = 0
        for value in repeat each values {
            index += 1
            let code = value.bind(to: handle, at: index)
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    /// As ``bind(_:)``, for as many values as are known at run time only.
    package func bind(list values: [any SQLiteBindable]) throws(MillraceError) {
        for (index, value) in values.enumerated() {
            let code = value.bind(to: handle, at: Int32(index + 1))
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    /// Goes on to the next row; false when there is none.
    package func step() throws(MillraceError) -> Bool {
        if let faultHook, let code = faultHook(operation) {
            throw SQLiteFailure(code: code, message: "injected by a test", path: path).error
        }
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else { throw failure(code) }
        return false
    }

    /// Ends the execution and drops what was bound, so that the statement holds no lock and no pointer.
    package func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    private var path: String {
        sqlite3_db_handle(handle).flatMap { sqlite3_db_filename($0, "main") }.map { String(cString: $0) } ?? ""
    }
    private func failure(_ code: Int32) -> MillraceError { SQLiteFailure(code: code, database: sqlite3_db_handle(handle)).error }

    // MARK: Columns of the current row, from 0

    /// The column as an integer, 0 for NULL.
    package func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    /// The column as an integer, 0 for NULL.
    package func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }
    /// The column as a number, 0 for NULL.
    package func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }
    /// The column as a moment.
    package func timestamp(_ column: Int32) -> Timestamp { Timestamp(microseconds: int64(column)) }
    /// Whether the column is NULL.
    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// The column as text, `nil` for NULL.
    package func text(_ column: Int32) -> String? {
        withBytes(column) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// The column's bytes, `nil` for NULL; valid only inside `body`.
    package func withBytes<R>(_ column: Int32, _ body: (UnsafeRawBufferPointer?) -> R) -> R {
        guard !isNull(column) else { return body(nil) }
        let start = sqlite3_column_blob(handle, column)
        return body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))))
    }
}
