public import MillraceCore

/// What a store no longer keeps. What is `nil` sets no bound.
public struct RetentionCutoffs: Equatable, Sendable {
    /// What time it is: idempotency keys that have expired by now go.
    public var now: Timestamp
    /// Runs that ended at or before this go, with their logs.
    public var runsEnded: Timestamp?
    /// Of ended runs above this number those go that began first.
    public var maximumRuns: Int?
    /// Of each owner's runs only so many are kept, those that began last; of the others those go that have ended.
    public var maximumRunsPerOwner: Int?
    /// Of ended runs those go that began first, while the store uses more than so many bytes.
    public var maximumBytes: Int?
    /// Chats that were last changed at or before this go, with their messages and runs.
    public var chatsChanged: Timestamp?
    /// Uploaded files from at or before this go, where no chat names them.
    public var contentsCreated: Timestamp?

    /// Cutoffs that remove nothing but expired keys.
    public init(now: Timestamp) { self.now = now }
}

/// How far a pass of retention has come. It belongs to the store that gave it.
public struct RetentionPosition: Equatable, Sendable {
    /// The number of the run that was looked at last.
    package var run: Int64 = 0
    /// How many runs are above the number that is kept; `nil`: not counted yet.
    package var excessRuns: Int?
    /// Whether all runs were looked at.
    package var hasLookedAtRuns = false
    /// The owner whose runs are counted; `nil`: none yet.
    package var runOwner: OwnersRuns?
    /// Whether all owners' runs were counted.
    package var hasLookedAtOwners = false
    /// The owner whose chats were looked at last; `nil`: none yet.
    package var owner: String?

    /// The start of a pass.
    public init() {}

    /// How far the runs of one owner were counted, from the newest, and removed, from the oldest.
    package struct OwnersRuns: Equatable, Sendable {
        package var owner: String
        /// How many were counted.
        package var count = 0
        /// The oldest that was counted.
        package var oldestCounted = Int64.max
        /// The newest of the others that was looked at.
        package var lookedAt: Int64 = 0

        package init(owner: String) { self.owner = owner }
    }
}

/// What a piece of a pass has removed.
public struct RetentionProgress: Equatable, Sendable {
    /// Runs that are gone with their logs.
    public var runs = 0
    /// Chats that are gone with all that was in them.
    public var chats = 0
    /// Where the next piece begins; `nil`: the pass is over.
    public var next: RetentionPosition?
    /// Nothing removed.
    public init() {}
}

/// A file that nobody can read any more and whose bytes are still there.
public struct ExpiredContent: Equatable, Sendable {
    /// What was known of it.
    public var record: ContentRecord
    /// Whose it was.
    public var principal: Principal
    /// Creates the description.
    public init(record: ContentRecord, principal: Principal) {
        self.record = record
        self.principal = principal
    }
}

/// A store that removes what is old when it is asked to, in bounded pieces. One whose engine expires things by itself need not be.
///
/// A running run is never taken, nor its chat, nor a run that waits for a person (``RunStatus/interrupted``): that goes with its chat, and the
/// chat stays while its newest message is such a run's. Whatever is being removed does not exist for anybody from the first piece on, also after
/// a crash in the midst of it. Only ``Principal/system`` may ask, but for ``hasExpired(run:principal:)`` and
/// ``withdrawContent(_:principal:)``.
public protocol RetentionStore: Sendable {
    /// Removes a bounded piece of runs and chats: work of milliseconds, so that what else is to be written does not wait.
    func expire(_ cutoffs: RetentionCutoffs, from position: RetentionPosition, principal: Principal) async throws -> RetentionProgress

    /// Takes files away from their owners, and gives those whose bytes have to be removed, also such as an earlier call has taken; at most
    /// `limit`.
    func expireContents(_ cutoffs: RetentionCutoffs, limit: Int, principal: Principal) async throws -> [ExpiredContent]

    /// Takes a file away from its owner, who deletes it: from this commit on nobody can read or name it. What was known of it stays, and
    /// ``expireContents(_:limit:principal:)`` gives it, until ``removeExpiredContent(_:principal:)`` says that nothing of it is left.
    /// - Returns: what was known of it; `nil` when the asker has none of that id.
    func withdrawContent(_ id: String, principal: Principal) async throws -> ExpiredContent?

    /// Forgets a file that ``expireContents(_:limit:principal:)`` or ``withdrawContent(_:principal:)`` gave; its bytes are gone.
    func removeExpiredContent(_ id: String, principal: Principal) async throws

    /// Whether the asker had a run of that id whose log is gone, while the chat still has its message.
    func hasExpired(run responseID: String, principal: Principal) async throws -> Bool
}
