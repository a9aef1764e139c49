import Millrace
import MillraceCore
import Synchronization

/// Removes files with all that was made of them: passages for searching, bytes, and at the end what is known of them.
///
/// A file that its owner deletes is gone for everybody at once. What cannot be removed at that moment, since the search engine or the object
/// store does not answer, is remembered by the store, and the sweeper removes it later.
final class ContentRemoval: Sendable {
    private let store: any Store
    private let content: ContentStore?
    private let passages: ContentPassages?
    /// Why there may be passages that cannot be reached; `nil`: all can, or there is no search engine.
    private let searchUnavailable: String?
    private let logger: Logger
    private let leftovers = Atomic<Bool>(false)

    init(store: any Store, content: ContentStore?, passages: ContentPassages?, searchUnavailable: String?, logger: Logger) {
        self.store = store
        self.content = content
        self.passages = passages
        self.searchUnavailable = searchUnavailable
        self.logger = logger
    }

    /// Whether something is left of files that were deleted.
    var hasLeftovers: Bool { leftovers.load(ordering: .relaxed) }

    /// Looks for what an earlier process has left, or clears the mark before a sweep.
    func noteLeftovers(_ areThere: Bool) { leftovers.store(areThere, ordering: .relaxed) }

    /// Deletes an owner's file. Returns false when the owner has none of that id.
    func delete(_ record: ContentRecord, principal: Principal) async throws -> Bool {
        guard let remembering = store as? any RetentionStore else {
            // A store that remembers nothing: in this order a failure leaves the file to be deleted again.
            try await removePassages(of: record, principal)
            return try await content?.deleteAlone(record, principal: principal) ?? false
        }
        guard let withdrawn = try await remembering.withdrawContent(record.id, principal: principal) else { return false }
        do {
            try await remove(withdrawn)
            try await remembering.removeExpiredContent(record.id, principal: .system)
        } catch {
            noteLeftovers(true)
            logger.warning(
                "a deleted file has left something behind; it is removed later",
                ["content_id": .string(record.id), "error": .string("\(error)")])
        }
        return true
    }

    /// Removes what was made of a file that nobody can read any more: all that can be removed now.
    /// - Throws: what kept something from being removed.
    func remove(_ file: ExpiredContent) async throws {
        guard let content else {
            throw MillraceError(.storageUnavailable, "files cannot be removed: there is no object store")
        }
        var failure: (any Error)?
        do { try await content.removeBytes(of: file.record) } catch { failure = error }
        try await removePassages(of: file.record, file.principal)
        if let failure { throw failure }
    }

    private func removePassages(of record: ContentRecord, _ principal: Principal) async throws {
        if let searchUnavailable {
            throw MillraceError(.storageUnavailable, "passages cannot be removed: the search engine is not available: \(searchUnavailable)")
        }
        try await passages?.forget(record, principal: principal)
    }
}
