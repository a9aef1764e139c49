public import Millrace
public import MillraceCore
import MillraceDatabase

extension SQLiteStore {
    /// Stores a run, its user's message, its idempotency key and its log's beginning in one commit.
    public func createRun(_ new: NewRun, principal: Principal) async throws -> RunCreation {
        try await change { session throws(MillraceError) in try Self.create(new, principal, session) }
    }

    // Everything that can be refused is looked up before the first write, so that a refusal leaves the group as it is.
    private static func create(_ new: NewRun, _ principal: Principal, _ session: SQLiteSession) throws(MillraceError) -> RunCreation {
        let owner = principal.id
        if let key = new.idempotencyKey, let known = try knownKey(key, new.run.startedAt, owner, session) {
            guard known.bodyHash == key.bodyHash else { throw StoreRefusal.bodyDiffers(key.key) }
            return .existing(responseID: known.responseID)
        }
        let message = new.userMessage
        var chat = try session.first("SELECT id FROM chats WHERE owner = ? AND chat_id = ?", owner, new.run.chatID) { $0.int64(0) }
        if chat == nil, !new.createsChat { throw StoreRefusal.noChat(new.run.chatID) }
        if let parentID = message.parentID {
            let isThere = try session.first(
                "SELECT 1 FROM messages WHERE owner = ? AND message_id = ? AND chat = ?", owner, parentID, chat ?? 0
            ) { _ in true }
            guard isThere != nil else { throw StoreRefusal.noParent(parentID) }
        }
        // In this transaction: from it on the message keeps them, and before it retention may have taken what a request has just named.
        for id in ContentRecord.ids(in: message) {
            let isThere = try session.first("SELECT 1 FROM contents WHERE content_id = ? AND owner = ?", id, owner) { _ in true }
            guard isThere != nil else { throw StoreRefusal.noContent(id) }
        }
        for id in [new.run.responseID, message.id] {
            let isTaken = try session.first(
                """
                SELECT 1 FROM messages WHERE owner = ?1 AND message_id = ?2
                UNION ALL SELECT 1 FROM runs WHERE owner = ?1 AND response_id = ?2
                """, owner, id
            ) { _ in true }
            guard isTaken == nil else { throw StoreRefusal.idExists(id) }
        }
        if chat == nil {
            try session.execute(
                "INSERT INTO chats (owner, chat_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)", owner, new.run.chatID,
                new.run.startedAt)
            chat = session.connection.lastInsertedRow
        } else {
            try session.execute("UPDATE chats SET updated_at = max(updated_at, ?) WHERE id = ?", new.run.startedAt, chat)
        }
        try insert(message, chat: chat ?? 0, owner, session)
        try noteContent(of: message, chat: chat ?? 0, owner, session)
        let number = try insert(new.run, chat: chat ?? 0, owner, session)
        try new.firstBatch.frames.withBytes { (frames) throws(MillraceError) in
            try SQLiteStoreWriter.insertEvents(
                of: number, first: new.firstBatch.firstSequence, last: new.firstBatch.lastSequence,
                reserved: new.run.reservedSequence, frames, hidden: new.firstBatch.hidden, session)
        }
        if let key = new.idempotencyKey { try keep(key, new.run, owner, session) }
        return .created(RunHandle(principal: principal, responseID: new.run.responseID, number: number))
    }

    private static func insert(_ message: Message, chat: Int64, _ owner: String, _ session: SQLiteSession) throws(MillraceError) {
        try session.execute(
            """
            INSERT INTO messages (owner, message_id, chat, parent_id, role, parts, created_at, model_id, usage, metadata, status)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            owner, message.id, chat, message.parentID, message.role.rawValue, SQLiteStoreRows.partsText(message.parts), message.createdAt,
            message.modelID, message.usage?.json.text, SQLiteStoreRows.text(message.metadata), message.status.rawValue)
    }

    /// Notes which files the chat names, so that they are kept as long as it is.
    private static func noteContent(of message: Message, chat: Int64, _ owner: String, _ session: SQLiteSession) throws(MillraceError) {
        for id in ContentRecord.ids(in: message) {
            try session.execute(
                "INSERT OR IGNORE INTO content_uses (content, chat) SELECT id, ? FROM contents WHERE content_id = ? AND owner = ?", chat,
                id,
                owner)
        }
    }

    private static func insert(_ run: RunRecord, chat: Int64, _ owner: String, _ session: SQLiteSession) throws(MillraceError) -> Int64 {
        try session.execute(
            """
            INSERT INTO runs (owner, response_id, chat, task, model_id, status, request_id, user_message_id, started_at, ended_at, usage,
                last_sequence, reserved, recovery, prompts, judged)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            owner, run.responseID, chat, run.task, run.modelID, run.status.rawValue, run.requestID, run.userMessageID, run.startedAt,
            run.endedAt, run.usage?.json.text, run.lastSequence, run.reservedSequence, run.recovery.rawValue,
            SQLiteStoreRows.text(run.prompts), run.judgedSequence)
        return session.connection.lastInsertedRow
    }

    // MARK: Idempotency keys

    /// The key as it was stored, unless it has expired or its run is gone.
    private static func knownKey(
        _ key: IdempotencyKey, _ now: Timestamp, _ owner: String, _ session: SQLiteSession
    ) throws(MillraceError) -> (bodyHash: String, responseID: String)? {
        try session.first(
            """
            SELECT k.body_hash, k.response_id FROM idempotency k
            JOIN runs r ON r.owner = k.owner AND r.response_id = k.response_id
            JOIN chats c ON c.id = r.chat AND c.owner = r.owner
            WHERE k.owner = ? AND k.key = ? AND k.expires_at > ?
            """, owner, key.key, now
        ) { ($0.text(0) ?? "", $0.text(1) ?? "") }
    }

    /// Stores a key, and drops a few that have expired: each new key pays for the old ones, so the table does not grow.
    private static func keep(_ key: IdempotencyKey, _ run: RunRecord, _ owner: String, _ session: SQLiteSession) throws(MillraceError) {
        try session.execute(
            """
            DELETE FROM idempotency WHERE (owner, key) IN
                (SELECT owner, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT 16)
            """, run.startedAt)
        try session.execute(
            """
            INSERT INTO idempotency (owner, key, body_hash, response_id, expires_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (owner, key) DO UPDATE
            SET body_hash = excluded.body_hash, response_id = excluded.response_id, expires_at = excluded.expires_at
            """, owner, key.key, key.bodyHash, run.responseID, key.expiresAt)
    }

    // MARK: Reading

    /// The run that an idempotency key names.
    public func run(of key: IdempotencyKey, at time: Timestamp, principal: Principal) async throws -> String? {
        try await readers.read { session throws(MillraceError) in
            guard let known = try Self.knownKey(key, time, principal.id, session) else { return nil }
            guard known.bodyHash == key.bodyHash else { throw StoreRefusal.bodyDiffers(key.key) }
            return known.responseID
        }
    }

    /// One run, or `nil`.
    public func run(_ responseID: String, principal: Principal) async throws -> RunRecord? {
        try await readers.read { session throws(MillraceError) in
            try session.first(
                """
                SELECT \(SQLiteStoreRows.runColumns) FROM runs r JOIN chats c ON c.id = r.chat AND c.owner = r.owner
                WHERE r.owner = ? AND r.response_id = ?
                """, principal.id, responseID, read: SQLiteStoreRows.run)
        }
    }

    /// The owner's runs, newest first.
    public func runs(_ filter: RunFilter, page: PageRequest, principal: Principal) async throws -> Page<RunRecord> {
        let limit = try page.checkedLimit()
        let before = try page.keys(1)?[0] ?? .max
        let query = Self.listQuery(filter)
        return try await readers.read { session throws(MillraceError) in
            let rows = try session.rows(
                query, principal.id, before, filter.status?.rawValue, filter.task, filter.chatID, limit + 1
            ) { (row) throws(MillraceError) in (item: try SQLiteStoreRows.run(row), cursor: PageCursor(row.int64(0))) }
            return Page(rows, limit: limit)
        }
    }

    /// What finds a page of runs. For every combination of filters there is an index that gives just the rows that match, newest first, so that
    /// a page costs the same however many runs there are. It is named, and the join goes to the left, since the planner guesses how many rows
    /// match, or has statistics of the tables that somebody gathered: it would look through all runs, or through all chats first to make a filter.
    ///
    /// Parameters: 1 owner, 2 the number before which to begin, 3 status, 4 task, 5 chat, 6 how many.
    static func listQuery(_ filter: RunFilter) -> String {
        let index: String
        // Of a chat that is being removed nothing is left.
        var conditions = ["r.owner = ?1", "r.id < ?2", "coalesce(c.owner, '') = r.owner"]
        if filter.chatID != nil {
            // One chat's runs are few, and looked at one by one.
            index = "runs_by_chat"
            conditions.append("r.chat = (SELECT id FROM chats WHERE owner = ?1 AND chat_id = ?5)")
        } else {
            switch (filter.status, filter.task) {
            case (.running?, _): index = "runs_unfinished"
            case (nil, nil): index = "runs_by_owner"
            case (_?, nil): index = "runs_by_status"
            case (nil, _?): index = "runs_by_task"
            case (_?, _?): index = "runs_by_task_and_status"
            }
        }
        switch filter.status {
        // In words: these indexes hold only what runs, or only what has ended.
        case .running?: conditions.append("r.status = 'running'")
        case _?: conditions += ["r.status = ?3", "r.status <> 'running'"]
        case nil: break
        }
        if filter.task != nil { conditions.append("r.task = ?4") }
        return """
            SELECT \(SQLiteStoreRows.runColumns) FROM runs r INDEXED BY \(index)
            LEFT JOIN chats c ON c.id = r.chat
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY r.id DESC LIMIT ?6
            """
    }

    /// The sent events of a run after a sequence.
    public func events(of responseID: String, after sequence: Int, byteLimit: Int, principal: Principal) async throws -> StoredEvents? {
        try await readers.read { session throws(MillraceError) in
            // One snapshot: who reads that a run has ended also reads its last event.
            try session.readTransaction { () throws(MillraceError) in
                try Self.events(of: responseID, after: sequence, byteLimit, principal.id, session)
            }
        }
    }

    private static func events(
        of responseID: String, after sequence: Int, _ byteLimit: Int, _ owner: String, _ session: SQLiteSession
    ) throws(MillraceError) -> StoredEvents? {
        let run = try session.first(
            """
            SELECT r.id, r.status FROM runs r JOIN chats c ON c.id = r.chat AND c.owner = r.owner WHERE r.owner = ? AND r.response_id = ?
            """, owner, responseID
        ) { (row) throws(MillraceError) in (number: row.int64(0), status: try SQLiteStoreRows.status(row, 1))
        }
        guard let run else { return nil }
        return try session.withStatement(
            """
            SELECT first_sequence, last_sequence, length(frames), frames FROM run_events
            WHERE run = ? AND last_sequence > ? AND last_sequence >= first_sequence ORDER BY last_sequence, id
            """
        ) { (row) throws(MillraceError) in
            try row.bind(run.number, sequence)
            var stretch = EventStretch(after: sequence, byteLimit: byteLimit)
            while try row.step() {
                guard stretch.takes(firstSequence: row.int(0), byteCount: row.int(2)) else { break }
                row.withBytes(3) { bytes in
                    if let bytes { stretch.add(firstSequence: row.int(0), lastSequence: row.int(1), frames: bytes) }
                }
            }
            return stretch.events(status: run.status)
        }
    }

    /// Runs that no terminal event closed, oldest first.
    public func unfinishedRuns(principal: Principal) async throws -> [UnfinishedRun] {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        return try await readers.read { session throws(MillraceError) in
            try session.rows(
                """
                SELECT \(SQLiteStoreRows.runColumns), \(SQLiteStoreRows.messageColumns) FROM runs r INDEXED BY runs_unfinished
                JOIN chats c ON c.id = r.chat JOIN messages m ON m.owner = r.owner AND m.message_id = r.user_message_id
                WHERE r.status = 'running' ORDER BY r.id
                """
            ) { (row) throws(MillraceError) in
                let record = try SQLiteStoreRows.run(row)
                return UnfinishedRun(
                    handle: RunHandle(
                        principal: try SQLiteStoreRows.principal(row, 1), responseID: record.responseID, number: row.int64(0)),
                    record: record,
                    userMessage: try SQLiteStoreRows.message(row, chatID: record.chatID, from: SQLiteStoreRows.runColumnCount))
            }
        }
    }
}
