public import Millrace
import MillraceCore
import MillraceDatabase

extension SQLiteStore {
    /// Stores what is known of an uploaded file.
    public func createContent(_ content: ContentRecord, principal: Principal) async throws {
        try await change { session throws(MillraceError) in
            let isTaken = try session.first("SELECT 1 FROM contents WHERE content_id = ?", content.id) { _ in true }
            guard isTaken == nil else { throw StoreRefusal.contentExists(content.id) }
            try session.execute(
                "INSERT INTO contents (owner, \(SQLiteStoreRows.contentColumns)) VALUES (?, ?, ?, ?, ?, ?, ?)",
                principal.id, content.id, content.title, content.mimeType, content.length, content.entityTag, content.createdAt)
        }
    }

    /// What is known of an owner's file, or `nil`.
    public func content(_ id: String, principal: Principal) async throws -> ContentRecord? {
        try await readers.read { session throws(MillraceError) in
            try session.first(
                "SELECT \(SQLiteStoreRows.contentColumns) FROM contents WHERE content_id = ? AND owner = ?", id, principal.id,
                read: SQLiteStoreRows.content)
        }
    }

    /// The owner's files, newest first.
    public func contents(page: PageRequest, principal: Principal) async throws -> Page<ContentRecord> {
        let limit = try page.checkedLimit()
        let before = try page.keys(1)?[0] ?? .max
        return try await readers.read { session throws(MillraceError) in
            let rows = try session.rows(
                "SELECT \(SQLiteStoreRows.contentColumns), id FROM contents WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?",
                principal.id, before, limit + 1
            ) { row in (item: SQLiteStoreRows.content(row), cursor: PageCursor(row.int64(6))) }
            return Page(rows, limit: limit)
        }
    }

    /// Forgets an owner's file.
    public func deleteContent(_ id: String, principal: Principal) async throws -> Bool {
        try await change { session throws(MillraceError) in
            let before = session.connection.totalChanges
            try session.execute("DELETE FROM contents WHERE content_id = ? AND owner = ?", id, principal.id)
            return session.connection.totalChanges != before
        }
    }
}
