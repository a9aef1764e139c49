import CSQLite
package import MillraceCore

/// A value that a statement's parameter can take.
package protocol SQLiteBindable {
    /// Binds the value to the parameter at `index`, from 1; returns SQLite's result code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

extension Int: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, Int64(self)) }
}

extension Int64: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

/// NaN becomes NULL.
extension Double: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_double(statement, index, self) }
}

extension Bool: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self ? 1 : 0) }
}

extension String: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return csqlite_bind_text_copy(statement, index, "", 0) }
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { csqlite_bind_text_copy(statement, index, $0, count) }
        }
    }
}

/// Microseconds since the epoch.
extension Timestamp: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { microseconds.bind(to: statement, at: index) }
}

/// Bytes that are bound without a copy: whoever binds them keeps them alive until the statement is reset.
package struct SQLiteStaticBlob: SQLiteBindable {
    private let bytes: UnsafeRawBufferPointer  // Guarded by the caller, as above.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
        return csqlite_bind_blob_static(statement, index, bytes.baseAddress, count)
    }
}

extension Optional: SQLiteBindable where Wrapped: SQLiteBindable {
    package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        switch self {
        case .some(let value): value.bind(to: statement, at: index)
        case .none: sqlite3_bind_null(statement, index)
        }
    }
}
