public import Millrace
public import MillraceCore
import MillraceDatabase

extension SQLiteStore: PromptStore {
    private static let promptColumns =
        "p.kind, p.name, p.newest_version, p.revision, p.created_at, p.updated_at, \(versionColumns), p.id"
    private static let versionColumns = "v.version, v.title, v.description, v.text, v.hash, v.created_at"
    private static let promptTables = "prompts p LEFT JOIN prompt_versions v ON v.prompt = p.id AND v.version = p.active_version"

    /// Stores the next version.
    public func storePrompt(
        _ kind: PromptKind, _ name: String, _ draft: PromptDraft, activates: Bool, if condition: PromptCondition, at time: Timestamp,
        principal: Principal
    ) async throws -> StoredPrompt {
        let hash = PromptRules.hash(draft.text)
        return try await change { session throws(MillraceError) in
            let known = try Self.known(kind, name, principal, session)
            try PromptBounds.check(condition, known.map { ($0.newestVersion, $0.revision, $0.createdAt) }, kind, name)
            let number: Int64
            if let known {
                try PromptBounds.check(versions: known.newestVersion, kind, name)
                number = known.number
                try session.execute(
                    """
                    UPDATE prompts SET newest_version = newest_version + 1, revision = revision + 1, updated_at = max(updated_at, ?1),
                        active_version = CASE WHEN ?2 THEN newest_version + 1 ELSE active_version END
                    WHERE id = ?3
                    """, time, activates, number)
            } else {
                let names = try session.first("SELECT count(*) FROM prompts WHERE owner = ? AND kind = ?", principal.id, kind.rawValue) {
                    $0.int(0)
                }
                try PromptBounds.check(names: names ?? 0, kind)
                try session.execute(
                    """
                    INSERT INTO prompts (owner, kind, name, newest_version, active_version, revision, created_at, updated_at)
                    VALUES (?1, ?2, ?3, 1, ?4, 1, ?5, ?5)
                    """, principal.id, kind.rawValue, name, activates ? 1 : Int?.none, time)
                number = session.connection.lastInsertedRow
            }
            try session.execute(
                """
                INSERT INTO prompt_versions (prompt, version, title, description, text, hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
                """, number, (known?.newestVersion ?? 0) + 1, draft.title, draft.description, draft.text, hash, time)
            return try Self.reread(kind, name, principal, session)
        }
    }

    /// Uses another version, or none.
    public func activatePrompt(
        _ kind: PromptKind, _ name: String, version: Int?, if condition: PromptCondition, at time: Timestamp, principal: Principal
    ) async throws -> StoredPrompt? {
        try await change { session throws(MillraceError) in
            guard let known = try Self.known(kind, name, principal, session) else { return nil }
            try PromptBounds.check(condition, (known.newestVersion, known.revision, known.createdAt), kind, name)
            if let version, !(1...known.newestVersion).contains(version) { throw PromptBounds.noVersion(version, kind, name) }
            try session.execute(
                "UPDATE prompts SET active_version = ?, revision = revision + 1, updated_at = max(updated_at, ?) WHERE id = ?", version,
                time, known.number)
            return try Self.reread(kind, name, principal, session)
        }
    }

    /// What is stored of a name.
    public func prompt(_ kind: PromptKind, _ name: String, principal: Principal) async throws -> StoredPrompt? {
        try await readers.read { session throws(MillraceError) in try Self.find(kind, name, principal, session) }
    }

    /// All that is stored of a kind, oldest first.
    public func prompts(_ kind: PromptKind, page: PageRequest, principal: Principal) async throws -> Page<StoredPrompt> {
        let limit = try page.checkedLimit()
        let after = try page.keys(1)?[0] ?? 0
        return try await readers.read { session throws(MillraceError) in
            let rows = try session.rows(
                "SELECT \(Self.promptColumns) FROM \(Self.promptTables) WHERE p.owner = ? AND p.kind = ? AND p.id > ? ORDER BY p.id LIMIT ?",
                principal.id, kind.rawValue, after, limit + 1
            ) { row in (item: Self.prompt(row, kind), cursor: PageCursor(row.int64(12))) }
            return Page(rows, limit: limit)
        }
    }

    /// One version.
    public func promptVersion(_ kind: PromptKind, _ name: String, _ number: Int, principal: Principal) async throws -> PromptVersion? {
        try await readers.read { session throws(MillraceError) in
            try session.first(
                """
                SELECT \(Self.versionColumns) FROM prompts p JOIN prompt_versions v ON v.prompt = p.id
                WHERE p.owner = ? AND p.kind = ? AND p.name = ? AND v.version = ?
                """, principal.id, kind.rawValue, name, number
            ) { Self.version($0) }
        }
    }

    /// The versions, newest first.
    public func promptVersions(
        _ kind: PromptKind, _ name: String, page: PageRequest, principal: Principal
    ) async throws -> Page<PromptVersion>? {
        let limit = try page.checkedLimit()
        let before = try page.keys(1)?[0] ?? .max
        return try await readers.read { session throws(MillraceError) in
            guard let known = try Self.known(kind, name, principal, session) else { return nil }
            let rows = try session.rows(
                "SELECT \(Self.versionColumns) FROM prompt_versions v WHERE v.prompt = ? AND v.version < ? ORDER BY v.version DESC LIMIT ?",
                known.number, before, limit + 1
            ) { row in (item: Self.version(row), cursor: PageCursor(row.int64(0))) }
            return Page(rows, limit: limit)
        }
    }

    /// Deletes a name with all its versions.
    public func deletePrompt(_ kind: PromptKind, _ name: String, if condition: PromptCondition, principal: Principal) async throws -> Bool {
        try await change { session throws(MillraceError) in
            guard let known = try Self.known(kind, name, principal, session) else { return false }
            try PromptBounds.check(condition, (known.newestVersion, known.revision, known.createdAt), kind, name)
            // The versions go with it: their reference cascades.
            try session.execute("DELETE FROM prompts WHERE id = ?", known.number)
            return true
        }
    }

    // MARK: Rows

    private static func known(
        _ kind: PromptKind, _ name: String, _ principal: Principal, _ session: SQLiteSession
    ) throws(MillraceError) -> (number: Int64, newestVersion: Int, revision: Int, createdAt: Timestamp)? {
        try session.first(
            "SELECT id, newest_version, revision, created_at FROM prompts WHERE owner = ? AND kind = ? AND name = ?", principal.id,
            kind.rawValue, name
        ) { ($0.int64(0), $0.int(1), $0.int(2), $0.timestamp(3)) }
    }

    private static func find(
        _ kind: PromptKind, _ name: String, _ principal: Principal, _ session: SQLiteSession
    ) throws(MillraceError) -> StoredPrompt? {
        try session.first(
            "SELECT \(promptColumns) FROM \(promptTables) WHERE p.owner = ? AND p.kind = ? AND p.name = ?", principal.id, kind.rawValue,
            name
        ) { prompt($0, kind) }
    }

    /// What was just written.
    private static func reread(
        _ kind: PromptKind, _ name: String, _ principal: Principal, _ session: SQLiteSession
    ) throws(MillraceError) -> StoredPrompt {
        guard let prompt = try find(kind, name, principal, session) else {
            throw MillraceError(.storageUnavailable, "the store does not give back what was written to it")
        }
        return prompt
    }

    private static func prompt(_ row: borrowing SQLiteStatement, _ kind: PromptKind) -> StoredPrompt {
        StoredPrompt(
            kind: kind, name: row.text(1) ?? "", active: row.isNull(6) ? nil : version(row, from: 6), newestVersion: row.int(2),
            revision: row.int(3), createdAt: row.timestamp(4), updatedAt: row.timestamp(5))
    }

    private static func version(_ row: borrowing SQLiteStatement, from column: Int32 = 0) -> PromptVersion {
        PromptVersion(
            number: row.int(column),
            draft: PromptDraft(title: row.text(column + 1), description: row.text(column + 2), text: row.text(column + 3) ?? ""),
            hash: row.text(column + 4) ?? "", createdAt: row.timestamp(column + 5))
    }
}
