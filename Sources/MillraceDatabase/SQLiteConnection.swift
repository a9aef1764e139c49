import CSQLite
package import MillraceCore

/// One open connection to a database file. Whoever owns it uses it from one thread at a time.
package struct SQLiteConnection: ~Copyable {
    /// What a connection may do.
    package enum Access: Equatable, Sendable {
        /// Read and write, making the file if there is none.
        case readWrite
        /// Read a database that some other connection has open for writing.
        case readOnly
    }

    /// When a commit is safe (SQLite's `synchronous`, with a write-ahead log).
    package enum Synchronous: String, Equatable, Sendable, CaseIterable {
        /// A commit survives power loss.
        case full
        /// A commit survives a crash of the process; the last ones may be lost with the power.
        case normal
        /// As `normal`, and power loss may damage the file.
        case off
    }

    let handle: OpaquePointer
    private let busyTimeoutMilliseconds: Int32

    private init(handle: OpaquePointer, busyTimeoutMilliseconds: Int32) {
        self.handle = handle
        self.busyTimeoutMilliseconds = busyTimeoutMilliseconds
        sqlite3_busy_timeout(handle, busyTimeoutMilliseconds)
    }

    /// Opens a database and sets it up: write-ahead log, foreign keys.
    /// - Parameters:
    ///   - path: the file.
    ///   - busyTimeoutMilliseconds: how long SQLite itself waits for somebody else's lock.
    package static func open(
        path: String, access: Access, synchronous: Synchronous = .full, busyTimeoutMilliseconds: Int32 = 100
    ) throws(MillraceError) -> SQLiteConnection {
        var opened: OpaquePointer?
        let mode = access == .readWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        // One thread at a time uses a connection, so SQLite needs no mutex of its own.
        let code = sqlite3_open_v2(path, &opened, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let opened else {
            let failure = SQLiteFailure(code: code, message: SQLiteFailure(code: code, database: opened).message, path: path)
            sqlite3_close_v2(opened)
            throw failure.error
        }
        let connection = SQLiteConnection(handle: opened, busyTimeoutMilliseconds: busyTimeoutMilliseconds)
        try connection.execute("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY")
        switch access {
        case .readWrite:
            // What is deleted is overwritten, whatever SQLite was built with.
            // 4,096 pages between checkpoints: each costs two syncs, and 16 MiB of log are read back in milliseconds.
            try connection.execute(
                """
                PRAGMA journal_mode = WAL; PRAGMA synchronous = \(synchronous.rawValue); PRAGMA wal_autocheckpoint = 4096;
                PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA secure_delete = ON
                """)
        case .readOnly:
            try connection.execute("PRAGMA cache_size = -4096")
        }
        return connection
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs statements that have neither parameters nor rows of interest.
    package func execute(_ sql: String) throws(MillraceError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw SQLiteFailure(code: code, database: handle).error }
    }

    /// Calls `body`, in which nobody's lock is waited for.
    func withoutWaiting<R>(_ body: () throws(MillraceError) -> R) throws(MillraceError) -> R {
        sqlite3_busy_timeout(handle, 0)
        defer { sqlite3_busy_timeout(handle, busyTimeoutMilliseconds) }
        return try body()
    }

    /// Whether a transaction is open.
    package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
    /// The rows that the last statement changed.
    package var changes: Int { Int(sqlite3_changes64(handle)) }
    /// The rows changed since the connection was opened.
    package var totalChanges: Int64 { sqlite3_total_changes64(handle) }
    /// The number of the row that was inserted last.
    package var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
}
