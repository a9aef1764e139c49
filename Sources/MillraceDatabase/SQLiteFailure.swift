import CSQLite
package import MillraceCore

/// What SQLite said, kept as the cause of the error that callers see.
package struct SQLiteFailure: Error, Equatable, CustomStringConvertible {
    /// The extended result code.
    package let code: Int32
    /// SQLite's own words.
    package let message: String
    /// The database's file.
    package let path: String

    package init(code: Int32, message: String, path: String) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// The failure of the last call on a connection.
    init(code: Int32, database: OpaquePointer?) {
        let text = database.flatMap { sqlite3_extended_errcode($0) == code ? sqlite3_errmsg($0) : nil } ?? sqlite3_errstr(code)
        self.init(
            code: code, message: text.map { String(cString: $0) } ?? "unknown error",
            path: database.flatMap { sqlite3_db_filename($0, "main") }.map { String(cString: $0) } ?? "")
    }

    package var description: String { "SQLite error \(code), \(message), in \(path)" }

    /// The error for callers: what to do about it, and whether trying again can help.
    package var error: MillraceError {
        switch code & 0xFF {
        case SQLITE_FULL:
            return MillraceError(
                .storageFull, "the disk of the data directory is full: free some space, it then goes on by itself", cause: self,
                isRetryable: true)
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
            return unavailable("another program holds a lock on the database: close it, then try again", isRetryable: true)
        case SQLITE_IOERR, SQLITE_NOMEM:
            return unavailable("the database cannot be read or written now: check the disk, then try again", isRetryable: true)
        case SQLITE_CANTOPEN:
            return unavailable("the database cannot be opened: check that the data directory is there and is yours", isRetryable: true)
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
            return unavailable("the database may not be written: check the data directory's permissions", isRetryable: false)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return unavailable("the database is damaged: stop the server and restore the data directory", isRetryable: false)
        case SQLITE_CONSTRAINT: return constraint
        case SQLITE_TOOBIG:
            return MillraceError(.limitExceeded, "a value is too large for the store", cause: self)
        default:
            return MillraceError(.internal, "the store was asked for something that SQLite refuses", cause: self)
        }
    }

    private func unavailable(_ message: String, isRetryable: Bool) -> MillraceError {
        MillraceError(.storageUnavailable, message, cause: self, isRetryable: isRetryable)
    }

    private var constraint: MillraceError {
        switch Int(code) {
        case 2067, 1555:  // SQLITE_CONSTRAINT_UNIQUE and _PRIMARYKEY, macros that Swift cannot import
            MillraceError(.conflict, "a thing of that name is stored already", cause: self)
        case 787:  // SQLITE_CONSTRAINT_FOREIGNKEY
            MillraceError(.notFound, "what this belongs to is no longer stored", cause: self)
        default:
            MillraceError(.internal, "the store was given a value that breaks a rule of its tables", cause: self)
        }
    }
}

extension MillraceError {
    /// Whether the store itself failed, as opposed to one request that it refuses.
    package var isStoreFailure: Bool { code == .storageFull || code == .storageUnavailable }
}
