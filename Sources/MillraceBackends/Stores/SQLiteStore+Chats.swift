public import Millrace
import MillraceCore
import MillraceDatabase

extension SQLiteStore {
    /// Makes an empty chat.
    public func createChat(_ chat: Chat, principal: Principal) async throws {
        try await change { session throws(MillraceError) in
            let isTaken = try session.first(
                "SELECT 1 FROM chats WHERE owner = ? AND chat_id = ?", principal.id, chat.id
            ) { _ in true }
            guard isTaken == nil else { throw StoreRefusal.chatExists(chat.id) }
            try session.execute(
                """
                INSERT INTO chats (owner, chat_id, title, created_at, updated_at, newest_message_id, metadata) VALUES (?, ?, ?, ?, ?, NULL, ?)
                """, principal.id, chat.id, chat.title, chat.createdAt, chat.updatedAt, SQLiteStoreRows.text(chat.metadata))
        }
    }

    private static let selectChat =
        "SELECT c.id, \(SQLiteStoreRows.chatColumns) FROM chats c WHERE c.owner = ? AND c.chat_id = ?"

    private static func find(_ chatID: String, _ owner: String, _ session: SQLiteSession) throws(MillraceError) -> (
        number: Int64, chat: Chat
    )? {
        try session.first(selectChat, owner, chatID) { (row) throws(MillraceError) in
            (row.int64(0), try SQLiteStoreRows.chat(row, from: 1))
        }
    }

    /// One chat, or `nil`.
    public func chat(_ chatID: String, principal: Principal) async throws -> Chat? {
        try await readers.read { session throws(MillraceError) in try Self.find(chatID, principal.id, session)?.chat }
    }

    /// The owner's chats, last changed first.
    public func chats(page: PageRequest, principal: Principal) async throws -> Page<Chat> {
        let fill = try PageFill<Chat>(page)
        let before = try page.keys(2) ?? [.max, .max]
        return try await readers.read { session throws(MillraceError) in
            try session.withStatement(
                """
                SELECT c.id, \(SQLiteStoreRows.chatColumns) FROM chats c
                WHERE c.owner = ? AND (c.updated_at, c.id) < (?, ?) ORDER BY c.updated_at DESC, c.id DESC LIMIT ?
                """
            ) { (row) throws(MillraceError) in
                var fill = fill
                try row.bind(principal.id, before[0], before[1], page.limit + 1)
                while try row.step() {
                    let bytes = SQLiteStoreRows.chatBytes(row, from: 1)
                    guard fill.takes(bytes: bytes) else { break }
                    let chat = try SQLiteStoreRows.chat(row, from: 1)
                    fill.add(chat, PageCursor(chat.updatedAt.microseconds, row.int64(0)), bytes: bytes)
                }
                return fill.page
            }
        }
    }

    /// Changes a chat and returns it.
    public func updateChat(_ chatID: String, _ change: ChatChange, principal: Principal) async throws -> Chat? {
        let now = Timestamp.now()
        return try await self.change { session throws(MillraceError) in
            try session.execute(
                """
                UPDATE chats SET title = coalesce(?1, title), metadata = CASE WHEN ?2 THEN ?3 ELSE metadata END,
                    updated_at = max(updated_at, ?4)
                WHERE owner = ?5 AND chat_id = ?6
                """, change.title, change.metadata != nil, change.metadata.flatMap(SQLiteStoreRows.text), now, principal.id, chatID)
            return try Self.find(chatID, principal.id, session)?.chat
        }
    }

    /// Deletes a chat with its messages, runs and their logs.
    public func deleteChat(_ chatID: String, principal: Principal) async throws -> Bool {
        try await change { session throws(MillraceError) in
            guard let number = try Self.find(chatID, principal.id, session)?.number else { return false }
            let running = try session.first("SELECT 1 FROM runs WHERE chat = ? AND status = 'running'", number) { _ in true }
            guard running == nil else { throw StoreRefusal.chatIsBusy(chatID) }
            // Messages, runs and events go with it: their references cascade.
            try session.execute("DELETE FROM chats WHERE owner = ? AND id = ?", principal.id, number)
            return true
        }
    }

    /// All messages of a chat, oldest first.
    public func messages(of chatID: String, page: PageRequest, principal: Principal) async throws -> Page<Message>? {
        let fill = try PageFill<Message>(page)
        let after = try page.keys(1)?[0] ?? 0
        return try await readers.read { session throws(MillraceError) in
            guard let chat = try Self.find(chatID, principal.id, session) else { return nil }
            // Row by row: what does not fit is not read.
            return try session.withStatement(
                """
                SELECT \(SQLiteStoreRows.messageColumns), m.id FROM messages m
                WHERE m.owner = ? AND m.chat = ? AND m.id > ? ORDER BY m.id LIMIT ?
                """
            ) { (row) throws(MillraceError) in
                var fill = fill
                try row.bind(principal.id, chat.number, after, page.limit + 1)
                while try row.step() {
                    let bytes = SQLiteStoreRows.messageBytes(row)
                    guard fill.takes(bytes: bytes) else { break }
                    fill.add(try SQLiteStoreRows.message(row, chatID: chatID), PageCursor(row.int64(9)), bytes: bytes)
                }
                return fill.page
            }
        }
    }

    /// The path from the root to a message.
    public func path(in chatID: String, to parentID: String?, principal: Principal) async throws -> MessagePath? {
        try await readers.read { session throws(MillraceError) in
            try session.readTransaction { () throws(MillraceError) in
                guard let (number, chat) = try Self.find(chatID, principal.id, session) else { return nil }
                guard let leaf = parentID ?? chat.newestMessageID else { return MessagePath(chat: chat, messages: []) }
                let messages = try session.rows(
                    """
                    WITH RECURSIVE path (id, parent_id, depth) AS (
                        SELECT id, parent_id, 0 FROM messages WHERE owner = ?1 AND message_id = ?2 AND chat = ?3
                        UNION ALL
                        SELECT m.id, m.parent_id, path.depth + 1 FROM path
                        JOIN messages m ON m.owner = ?1 AND m.message_id = path.parent_id AND m.chat = ?3
                    )
                    SELECT \(SQLiteStoreRows.messageColumns) FROM path JOIN messages m ON m.id = path.id ORDER BY path.depth DESC
                    """, principal.id, leaf, number
                ) { (row) throws(MillraceError) in try SQLiteStoreRows.message(row, chatID: chatID) }
                if messages.isEmpty { throw StoreRefusal.noParent(leaf) }
                return MessagePath(chat: chat, messages: messages)
            }
        }
    }
}
