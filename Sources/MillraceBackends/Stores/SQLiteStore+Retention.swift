public import Millrace
import MillraceCore
import MillraceDatabase

/// Retention looks for candidates on a reader and removes them in the writer's transactions, a bounded piece each. What does not fit into one
/// piece first loses its owner: every query goes by owner, so from that commit on it does not exist, and the next piece, or the first after a
/// crash, finds it there.
extension SQLiteStore: RetentionStore {
    /// Removes a bounded piece of runs and chats.
    public func expire(
        _ cutoffs: RetentionCutoffs, from position: RetentionPosition, principal: Principal
    ) async throws -> RetentionProgress {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        let found = try await readers.read { session throws(MillraceError) in
            try session.readTransaction { () throws(MillraceError) in
                try SQLiteRetentionSearch(session: session, cutoffs: cutoffs, position: position).find()
            }
        }
        guard !found.isEmpty || position == RetentionPosition() else {
            var progress = RetentionProgress()
            progress.next = found.next
            return progress
        }
        return try await change { session throws(MillraceError) in
            var removal = SQLiteRetentionRemoval(session: session, cutoffs: cutoffs)
            return try removal.remove(found, from: position)
        }
    }

    /// Takes files away from their owners.
    public func expireContents(_ cutoffs: RetentionCutoffs, limit: Int, principal: Principal) async throws -> [ExpiredContent] {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        let limit = min(max(limit, 1), 1000)
        let unused = "NOT EXISTS (SELECT 1 FROM content_uses u WHERE u.content = contents.id)"
        let candidates = try await readers.read { session throws(MillraceError) in
            // Without a cutoff there is nothing to look for among what has an owner.
            if cutoffs.contentsCreated == nil { return [Int64]() }
            return try session.rows(
                "SELECT id FROM contents WHERE owner <> '' AND created_at <= ? AND \(unused) ORDER BY id LIMIT ?",
                cutoffs.contentsCreated?.microseconds ?? .min, limit
            ) { $0.int64(0) }
        }
        if !candidates.isEmpty {
            try await change { session throws(MillraceError) in
                for id in candidates {
                    // A chat may have begun to use it meanwhile.
                    try session.execute(
                        "UPDATE contents SET expired_owner = owner, owner = '' WHERE id = ? AND owner <> '' AND \(unused)", id)
                }
            }
        }
        return try await readers.read { session throws(MillraceError) in
            try session.rows(
                "SELECT \(SQLiteStoreRows.contentColumns), expired_owner FROM contents WHERE owner = '' ORDER BY id LIMIT ?", limit
            ) { (row) throws(MillraceError) in
                ExpiredContent(record: SQLiteStoreRows.content(row), principal: try SQLiteStoreRows.principal(row, 6))
            }
        }
    }

    /// Takes a file away from its owner.
    public func withdrawContent(_ id: String, principal: Principal) async throws -> ExpiredContent? {
        try await change { session throws(MillraceError) in
            let record = try session.first(
                "SELECT \(SQLiteStoreRows.contentColumns) FROM contents WHERE content_id = ? AND owner = ?", id, principal.id,
                read: SQLiteStoreRows.content)
            guard let record else { return nil }
            try session.execute(
                "UPDATE contents SET expired_owner = owner, owner = '' WHERE content_id = ? AND owner = ?", id, principal.id)
            return ExpiredContent(record: record, principal: principal)
        }
    }

    /// Forgets a file whose bytes are gone.
    public func removeExpiredContent(_ id: String, principal: Principal) async throws {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        try await change { session throws(MillraceError) in
            _ = try session.execute("DELETE FROM contents WHERE content_id = ? AND owner = ''", id)
        }
    }

    /// Whether the asker's chat has the message of a run whose log is gone.
    public func hasExpired(run responseID: String, principal: Principal) async throws -> Bool {
        try await readers.read { session throws(MillraceError) in
            try session.first(
                """
                SELECT 1 FROM messages m JOIN chats c ON c.id = m.chat AND c.owner = m.owner
                WHERE m.owner = ?1 AND m.message_id = ?2 AND m.role = 'assistant'
                    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.owner = ?1 AND r.response_id = ?2)
                """, principal.id, responseID
            ) { _ in true } ?? false
        }
    }
}
