import Millrace
import MillraceCore
import MillraceDatabase

/// How rows become values and back. The column lists and the functions that read them stand side by side.
enum SQLiteStoreRows {
    // MARK: Chats

    static let chatColumns = "c.chat_id, c.title, c.created_at, c.updated_at, c.newest_message_id, c.metadata"

    static func chat(_ row: borrowing SQLiteStatement, from column: Int32 = 0) throws(MillraceError) -> Chat {
        Chat(
            id: row.text(column) ?? "", title: row.text(column + 1), createdAt: row.timestamp(column + 2),
            updatedAt: row.timestamp(column + 3), newestMessageID: row.text(column + 4), metadata: try object(row, column + 5))
    }

    /// The bytes of a chat's metadata.
    static func chatBytes(_ row: borrowing SQLiteStatement, from column: Int32 = 0) -> Int { bytes(row, column + 5) }

    // MARK: Messages

    static let messageColumns =
        "m.message_id, m.parent_id, m.role, m.parts, m.created_at, m.model_id, m.usage, m.metadata, m.status"

    static func message(_ row: borrowing SQLiteStatement, chatID: String, from column: Int32 = 0) throws(MillraceError) -> Message {
        guard let role = row.text(column + 2).flatMap(MessageRole.init(rawValue:)) else { throw damaged("messages.role") }
        return Message(
            id: row.text(column) ?? "", chatID: chatID, parentID: row.text(column + 1), role: role,
            parts: try MessagePart.list(json: try json(row, column + 3) ?? []), createdAt: row.timestamp(column + 4),
            modelID: row.text(column + 5), usage: try json(row, column + 6).map { Usage(json: $0) }, metadata: try object(row, column + 7),
            status: try status(row, column + 8))
    }

    /// The bytes of a message's parts, usage and metadata, as they are stored.
    static func messageBytes(_ row: borrowing SQLiteStatement, from column: Int32 = 0) -> Int {
        bytes(row, column + 3) + bytes(row, column + 6) + bytes(row, column + 7)
    }

    /// The same of a message that is not stored here.
    static func bytes(of message: Message) -> Int {
        partsText(message.parts).utf8.count + (message.usage?.json.text.utf8.count ?? 0) + (text(message.metadata)?.utf8.count ?? 0)
    }

    static func partsText(_ parts: [MessagePart]) -> String { JSONValue.array(parts.map(\.json)).text }

    // MARK: Runs

    /// The highest sequences are those of the run's newest event row, or of the run row before there is one.
    static let runColumns = """
        r.id, r.owner, r.response_id, c.chat_id, r.task, r.model_id, r.status, r.request_id, r.user_message_id, r.started_at, r.ended_at,
        r.usage, max(r.last_sequence, coalesce((SELECT max(e.last_sequence) FROM run_events e WHERE e.run = r.id), 0)),
        max(r.reserved, coalesce(
            (SELECT e.reserved FROM run_events e WHERE e.run = r.id ORDER BY e.last_sequence DESC, e.id DESC LIMIT 1), 0)),
        r.recovery, r.prompts, r.judged
        """
    static let runColumnCount: Int32 = 17

    static func run(_ row: borrowing SQLiteStatement) throws(MillraceError) -> RunRecord {
        guard let recovery = row.text(14).flatMap(RecoveryPolicy.init(rawValue:)) else { throw damaged("runs.recovery") }
        return RunRecord(
            responseID: row.text(2) ?? "", chatID: row.text(3) ?? "", task: row.text(4) ?? "", modelID: row.text(5),
            status: try status(row, 6), requestID: row.text(7) ?? "", userMessageID: row.text(8) ?? "", startedAt: row.timestamp(9),
            endedAt: row.isNull(10) ? nil : row.timestamp(10), usage: try json(row, 11).map { Usage(json: $0) }, lastSequence: row.int(12),
            reservedSequence: row.int(13), recovery: recovery,
            prompts: try json(row, 15)?.array?.compactMap { PromptReference(json: $0) } ?? [],
            judgedSequence: row.isNull(16) ? nil : row.int(16))
    }

    // MARK: Task handlers

    static let handlerColumns = "name, description, is_default, configuration, created_at, updated_at"

    static func handler(_ row: borrowing SQLiteStatement) throws(MillraceError) -> TaskHandlerMetadata {
        TaskHandlerMetadata(
            name: row.text(0) ?? "", description: row.text(1) ?? "", isDefault: row.int(2) != 0, configuration: try object(row, 3),
            createdAt: row.timestamp(4), updatedAt: row.timestamp(5))
    }

    // MARK: Content

    static let contentColumns = "content_id, title, mime_type, length, entity_tag, created_at"

    static func content(_ row: borrowing SQLiteStatement) -> ContentRecord {
        ContentRecord(
            id: row.text(0) ?? "", title: row.text(1), mimeType: row.text(2) ?? "", length: row.int(3), entityTag: row.text(4) ?? "",
            createdAt: row.timestamp(5))
    }

    // MARK: Values

    static func bytes(_ row: borrowing SQLiteStatement, _ column: Int32) -> Int { row.withBytes(column) { $0?.count ?? 0 } }

    static func text(_ object: [String: JSONValue]) -> String? { object.isEmpty ? nil : JSONValue.object(object).text }

    static func text(_ prompts: [PromptReference]) -> String? { prompts.isEmpty ? nil : JSONValue.array(prompts.map(\.json)).text }

    static func principal(_ row: borrowing SQLiteStatement, _ column: Int32) throws(MillraceError) -> Principal {
        do throws(MillraceError) {
            return try Principal(stored: row.text(column) ?? "")
        } catch {
            throw damaged("owner")
        }
    }

    static func status(_ row: borrowing SQLiteStatement, _ column: Int32) throws(MillraceError) -> RunStatus {
        guard let status = row.text(column).flatMap(RunStatus.init(rawValue:)) else { throw damaged("status") }
        return status
    }

    private static func json(_ row: borrowing SQLiteStatement, _ column: Int32) throws(MillraceError) -> JSONValue? {
        guard let bytes = row.withBytes(column, { $0.map { [UInt8]($0) } }) else { return nil }
        do throws(MillraceError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw damaged("JSON")
        }
    }

    private static func object(_ row: borrowing SQLiteStatement, _ column: Int32) throws(MillraceError) -> [String: JSONValue] {
        try json(row, column)?.object ?? [:]
    }

    private static func damaged(_ what: String) -> MillraceError {
        MillraceError(
            .storageUnavailable, "the database holds a value that this Millrace cannot read (\(what)): was it written by another program?")
    }
}
