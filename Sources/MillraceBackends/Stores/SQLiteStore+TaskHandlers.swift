public import Millrace
public import MillraceCore
import MillraceDatabase

extension SQLiteStore {
    /// Stores a handler's metadata row; what an operator configured stays.
    public func registerTaskHandler(_ metadata: TaskHandlerMetadata, principal: Principal) async throws {
        _ = try await change { session throws(MillraceError) in
            try session.execute(
                """
                INSERT INTO task_handlers (owner, name, description, is_default, configuration, created_at, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (owner, name) DO UPDATE SET description = excluded.description, is_default = excluded.is_default
                """,
                principal.id, metadata.name, metadata.description, metadata.isDefault, JSONValue.object(metadata.configuration).text,
                metadata.createdAt, metadata.updatedAt)
        }
    }

    private static let selectHandler =
        "SELECT \(SQLiteStoreRows.handlerColumns) FROM task_handlers WHERE owner = ? AND name = ?"

    /// A handler's stored metadata, or `nil`.
    public func taskHandler(_ name: String, principal: Principal) async throws -> TaskHandlerMetadata? {
        try await readers.read { session throws(MillraceError) in
            try session.first(Self.selectHandler, principal.id, name, read: SQLiteStoreRows.handler)
        }
    }

    /// Replaces a handler's stored configuration.
    public func updateTaskHandler(
        _ name: String, configuration: [String: JSONValue], principal: Principal
    ) async throws -> TaskHandlerMetadata? {
        let now = Timestamp.now()
        return try await change { session throws(MillraceError) in
            try session.execute(
                "UPDATE task_handlers SET configuration = ?, updated_at = max(updated_at + 1, ?) WHERE owner = ? AND name = ?",
                JSONValue.object(configuration).text, now, principal.id, name)
            return try session.first(Self.selectHandler, principal.id, name, read: SQLiteStoreRows.handler)
        }
    }
}
