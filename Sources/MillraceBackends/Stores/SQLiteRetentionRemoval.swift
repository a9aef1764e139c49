import Millrace
import MillraceCore
import MillraceDatabase

/// Removes one piece of what retention has found, inside the writer's transaction.
struct SQLiteRetentionRemoval {
    /// How much one piece may remove. A transaction that holds others' commits, too, takes milliseconds longer at most.
    private struct Budget {
        var rows = 256
        var bytes = 1 << 20
        var isSpent: Bool { rows <= 0 || bytes <= 0 }
        mutating func spend(_ bytes: Int) {
            rows -= 1
            self.bytes -= bytes
        }
    }

    /// Which chats may go: none in which a run goes on, or whose newest message waits for a person.
    static let chatMayGo = """
        c.id NOT IN (SELECT chat FROM runs WHERE status = 'running')
            AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.owner = c.owner AND m.message_id = c.newest_message_id
                AND m.status = 'interrupted')
        """

    let session: SQLiteSession
    let cutoffs: RetentionCutoffs
    private var budget = Budget()
    private var progress = RetentionProgress()

    init(session: SQLiteSession, cutoffs: RetentionCutoffs) {
        self.session = session
        self.cutoffs = cutoffs
    }

    /// - Parameter position: where this piece began; the next begins there, too, if not all of it fits.
    mutating func remove(
        _ found: SQLiteRetentionCandidates, from position: RetentionPosition
    ) throws(MillraceError) -> RetentionProgress {
        // A writer that rolls back asks again.
        budget = Budget()
        progress = RetentionProgress()
        try removeKeys()
        var isWhole = true
        for run in found.begunRuns where isWhole { isWhole = try removeRun(run, hasBegun: true) }
        for chat in found.begunChats where isWhole { isWhole = try removeChat(chat, hasBegun: true) }
        for run in found.runs where isWhole {
            let isThere = try session.first("SELECT 1 FROM runs WHERE id = ? AND owner <> '' AND status <> 'running'", run) { _ in true }
            if isThere ?? false { isWhole = try removeRun(run, hasBegun: false) }
        }
        for chat in found.chats where isWhole {
            // It may have been changed since it was found.
            let mayGo = try session.first(
                "SELECT 1 FROM chats c WHERE c.id = ? AND c.owner <> '' AND c.updated_at <= ? AND \(Self.chatMayGo)", chat,
                cutoffs.chatsChanged
            ) { _ in true }
            if mayGo ?? false { isWhole = try removeChat(chat, hasBegun: false) }
        }
        // What did not fit is looked for again.
        progress.next = isWhole ? found.next : position
        progress.next?.excessRuns = found.excessRuns.map { max(0, $0 - progress.runs) }
        return progress
    }

    private func removeKeys() throws(MillraceError) {
        try session.execute(
            """
            DELETE FROM idempotency WHERE (owner, key) IN
                (SELECT owner, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT 128)
            """, cutoffs.now)
    }

    /// Removes a run with its log, or as much of it as fits. Returns whether it is gone.
    private mutating func removeRun(_ run: Int64, hasBegun: Bool) throws(MillraceError) -> Bool {
        if budget.isSpent { return false }
        let rows = try sized("SELECT id, length(frames) + coalesce(length(hidden), 0) FROM run_events WHERE run = ? LIMIT ?", run)
        guard rows.areAll else {
            if !hasBegun { try session.execute("UPDATE runs SET owner = '', response_id = response_id || '/' || id WHERE id = ?", run) }
            for row in rows.ids { try session.execute("DELETE FROM run_events WHERE id = ?", row) }
            return false
        }
        // What is left of its log goes with it: the reference cascades.
        try session.execute("DELETE FROM runs WHERE id = ?", run)
        budget.rows -= 1
        progress.runs += 1
        return true
    }

    /// Removes a chat with its runs and messages, or as much of it as fits. Returns whether it is gone.
    private mutating func removeChat(_ chat: Int64, hasBegun: Bool) throws(MillraceError) -> Bool {
        if budget.isSpent { return false }
        if !hasBegun { try session.execute("UPDATE chats SET owner = '', chat_id = chat_id || '/' || id WHERE id = ?", chat) }
        let runs = try session.rows("SELECT id FROM runs WHERE chat = ? LIMIT ?", chat, budget.rows) { $0.int64(0) }
        for run in runs {
            guard try removeRun(run, hasBegun: false) else { return false }
        }
        if budget.isSpent { return false }
        let messages = try sized("SELECT id, length(parts) FROM messages WHERE chat = ? LIMIT ?", chat)
        guard messages.areAll else {
            for message in messages.ids { try session.execute("DELETE FROM messages WHERE id = ?", message) }
            return false
        }
        try session.execute("DELETE FROM chats WHERE id = ?", chat)
        budget.rows -= 1
        progress.chats += 1
        return true
    }

    /// The rows that the budget allows, one at least, and whether there are no more.
    private mutating func sized(_ query: String, _ id: Int64) throws(MillraceError) -> (ids: [Int64], areAll: Bool) {
        let rows = try session.rows(query, id, budget.rows + 1) { (id: $0.int64(0), bytes: $0.int(1)) }
        var ids: [Int64] = []
        for row in rows {
            if budget.isSpent { return (ids, false) }
            ids.append(row.id)
            budget.spend(row.bytes)
        }
        return (ids, true)
    }
}
