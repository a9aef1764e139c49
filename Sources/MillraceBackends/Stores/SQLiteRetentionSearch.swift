import Millrace
import MillraceCore
import MillraceDatabase

/// What a piece of retention may remove: looked up on a reader, looked at again by the writer.
struct SQLiteRetentionCandidates: Sendable {
    /// Runs and chats that an earlier piece has begun with.
    var begunRuns: [Int64] = []
    var begunChats: [Int64] = []
    /// Ended runs, oldest first.
    var runs: [Int64] = []
    var chats: [Int64] = []
    /// How many runs are above the number that is kept, before any of these is gone; `nil`: not counted.
    var excessRuns: Int?
    /// Where to go on when all of these are gone; `nil`: the pass is over.
    var next: RetentionPosition?

    var isEmpty: Bool { begunRuns.isEmpty && begunChats.isEmpty && runs.isEmpty && chats.isEmpty }
}

/// Finds the next candidates of a pass.
///
/// Runs are numbered in the order in which they began, and none ends before it begins: by age, the first that began after the cutoff ends the
/// search. So it needs no index over the ends, which every run would have to pay for.
struct SQLiteRetentionSearch {
    let session: SQLiteSession
    let cutoffs: RetentionCutoffs
    var position: RetentionPosition

    /// Runs that are looked at for one piece.
    private static let runsAtOnce = 512
    /// Candidates for one piece: more do not fit, for each has a row of events at least.
    private static let candidatesAtOnce = 128
    /// Candidates for one piece while the store is too large, which is measured anew before the next.
    private static let candidatesOfALargeStore = 16
    /// Runs that are counted for one piece, and how many of them looking at another owner is worth.
    private static let runsCountedAtOnce = 8192
    private static let worthOfAnOwner = 16
    /// Owners whose chats are looked at for one piece.
    private static let ownersAtOnce = 64
    private static let chatsAtOnce = 16

    consuming func find() throws(MillraceError) -> SQLiteRetentionCandidates {
        var found = SQLiteRetentionCandidates()
        found.begunRuns = try session.rows("SELECT id FROM runs WHERE owner = '' ORDER BY id LIMIT 16") { $0.int64(0) }
        found.begunChats = try session.rows("SELECT id FROM chats WHERE owner = '' LIMIT 4") { $0.int64(0) }
        if !found.begunRuns.isEmpty || !found.begunChats.isEmpty {
            found.excessRuns = position.excessRuns
            found.next = position
        } else if !position.hasLookedAtRuns {
            try findRuns(&found)
        } else if !position.hasLookedAtOwners, let most = cutoffs.maximumRunsPerOwner {
            try findRunsOfOwners(&found, most)
        } else {
            try findChats(&found)
        }
        return found
    }

    private mutating func findRuns(_ found: inout SQLiteRetentionCandidates) throws(MillraceError) {
        if position.excessRuns == nil, let most = cutoffs.maximumRuns {
            // Once a pass. Those that go on are counted, too: they are few.
            position.excessRuns = max(0, (try session.first("SELECT count(*) FROM runs") { $0.int(0) } ?? 0) - most)
        }
        found.excessRuns = position.excessRuns
        var excess = position.excessRuns ?? 0
        let isTooLarge = try isTooLarge()
        let most = isTooLarge ? Self.candidatesOfALargeStore : Self.candidatesAtOnce
        let rows = try session.rows(
            "SELECT id, started_at, ended_at, status FROM runs WHERE id > ? AND owner <> '' ORDER BY id LIMIT ?", position.run,
            Self.runsAtOnce
        ) { row in (id: row.int64(0), started: row.timestamp(1), ended: row.isNull(2) ? nil : row.timestamp(2), status: row.text(3)) }
        var isOver = rows.count < Self.runsAtOnce
        for row in rows {
            let isTooMuch = isTooLarge || excess > 0
            guard isTooMuch || cutoffs.runsEnded.map({ row.started <= $0 }) ?? false else {
                isOver = true
                break
            }
            if found.runs.count == most {
                isOver = false
                break
            }
            position.run = row.id
            guard let ended = row.ended, row.status != RunStatus.interrupted.rawValue else { continue }
            if isTooMuch || cutoffs.runsEnded.map({ ended <= $0 }) ?? false {
                found.runs.append(row.id)
                excess = max(0, excess - 1)
            }
        }
        position.hasLookedAtRuns = isOver
        found.next = isOver && cutoffs.maximumRunsPerOwner == nil && cutoffs.chatsChanged == nil ? nil : position
    }

    /// Goes from owner to owner, counts the newest runs of each, which stay, and gives of the others those that have ended. Both go on in the
    /// next piece where this one has done enough.
    private mutating func findRunsOfOwners(_ found: inout SQLiteRetentionCandidates, _ most: Int) throws(MillraceError) {
        var budget = Self.runsCountedAtOnce
        while budget > 0 {
            var runs: RetentionPosition.OwnersRuns
            if let begun = position.runOwner, begun.lookedAt < begun.oldestCounted {
                runs = begun
            } else {
                let last = position.runOwner?.owner ?? ""
                guard let next = try session.first("SELECT min(owner) FROM runs WHERE owner > ?", last, read: { $0.text(0) }) ?? nil else {
                    position.hasLookedAtOwners = true
                    found.next = cutoffs.chatsChanged == nil ? nil : position
                    return
                }
                runs = RetentionPosition.OwnersRuns(owner: next)
                budget -= Self.worthOfAnOwner
            }
            if runs.count < most {
                budget -= try count(&runs, most: min(most - runs.count, Self.runsCountedAtOnce))
            } else {
                budget -= try findOldest(of: &runs, &found)
            }
            position.runOwner = runs
            found.next = position
            if found.runs.count >= Self.candidatesAtOnce { return }
        }
    }

    /// Counts on from the newest to the oldest; whoever has no more than that is done with. Returns how many were counted.
    private func count(_ runs: inout RetentionPosition.OwnersRuns, most: Int) throws(MillraceError) -> Int {
        let piece = try session.first(
            """
            SELECT count(*), min(id)
            FROM (SELECT id FROM runs INDEXED BY runs_by_owner WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?)
            """, runs.owner, runs.oldestCounted, most
        ) { (count: $0.int(0), oldest: $0.int64(1)) }
        let counted = piece?.count ?? 0
        runs.count += counted
        runs.oldestCounted = counted == most ? piece?.oldest ?? 0 : 0
        return counted
    }

    /// Gives the oldest of those that are not kept. Returns how many were looked at.
    private func findOldest(
        of runs: inout RetentionPosition.OwnersRuns, _ found: inout SQLiteRetentionCandidates
    ) throws(MillraceError) -> Int {
        let most = Self.candidatesAtOnce - found.runs.count
        let rows = try session.rows(
            "SELECT id, status FROM runs INDEXED BY runs_by_owner WHERE owner = ? AND id > ? AND id < ? ORDER BY id LIMIT ?", runs.owner,
            runs.lookedAt, runs.oldestCounted, most
        ) { (id: $0.int64(0), status: $0.text(1)) }
        found.runs += rows.filter { $0.status != RunStatus.running.rawValue && $0.status != RunStatus.interrupted.rawValue }.map(\.id)
        // Behind the last of them comes the next owner.
        runs.lookedAt = rows.count < most ? runs.oldestCounted : rows.last?.id ?? runs.oldestCounted
        return rows.count
    }

    private func isTooLarge() throws(MillraceError) -> Bool {
        guard let most = cutoffs.maximumBytes else { return false }
        return try usedBytes() > most
    }

    private mutating func findChats(_ found: inout SQLiteRetentionCandidates) throws(MillraceError) {
        guard let changed = cutoffs.chatsChanged else { return }
        for _ in 0..<Self.ownersAtOnce {
            // From owner to owner in the index of changes, whose oldest come first.
            let owner = try session.first("SELECT min(owner) FROM chats WHERE owner > ?", position.owner ?? "") { $0.text(0) } ?? nil
            guard let owner else {
                found.next = nil
                return
            }
            found.chats += try session.rows(
                """
                SELECT c.id FROM chats c WHERE c.owner = ? AND c.updated_at <= ?
                    AND \(SQLiteRetentionRemoval.chatMayGo) ORDER BY c.updated_at LIMIT ?
                """, owner, changed, Self.chatsAtOnce
            ) { $0.int64(0) }
            found.next = position
            // There may be more of this owner's.
            if !found.chats.isEmpty { return }
            position.owner = owner
            found.next = position
        }
    }

    /// The bytes of the database's pages that hold something.
    private func usedBytes() throws(MillraceError) -> Int {
        func pragma(_ name: String) throws(MillraceError) -> Int { try session.first("PRAGMA \(name)") { $0.int(0) } ?? 0 }
        return (try pragma("page_count") - pragma("freelist_count")) * (try pragma("page_size"))
    }
}
