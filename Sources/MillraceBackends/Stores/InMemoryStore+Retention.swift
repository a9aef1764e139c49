public import Millrace

extension InMemoryStore: RetentionStore {
    /// Removes runs and chats.
    public func expire(
        _ cutoffs: RetentionCutoffs, from position: RetentionPosition, principal: Principal
    ) async throws -> RetentionProgress {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        return try withTables { $0.expire(cutoffs) }
    }

    /// Takes files away from their owners.
    public func expireContents(_ cutoffs: RetentionCutoffs, limit: Int, principal: Principal) async throws -> [ExpiredContent] {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        return try withTables { $0.expireContents(cutoffs, limit: limit) }
    }

    /// Takes a file away from its owner.
    public func withdrawContent(_ id: String, principal: Principal) async throws -> ExpiredContent? {
        try withTables { $0.withdrawContent(id, principal) }
    }

    /// Forgets a file whose bytes are gone.
    public func removeExpiredContent(_ id: String, principal: Principal) async throws {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        try withTables { $0.removeExpiredContent(id) }
    }

    /// Whether the asker's chat has the message of a run whose log is gone.
    public func hasExpired(run responseID: String, principal: Principal) async throws -> Bool {
        try withTables { $0.hasExpired(run: responseID, principal) }
    }
}
