package import Millrace
package import MillraceCore
import MillraceDatabase

/// What the database of a ``SQLiteStore`` holds, and what of it a pass of retention would remove: read beside a server, or without one.
package struct SQLiteStoreInventory: Equatable, Sendable {
    /// What was found in the file.
    package enum Reading: Equatable, Sendable {
        case current(SQLiteStoreInventory)
        /// Tables that this Millrace's next start brings up to date.
        case older
        /// Tables that this Millrace does not know.
        case newer
    }

    /// What retention would remove, but for what it removes to make the store smaller.
    package struct Expiring: Equatable, Sendable {
        package var runs = 0
        /// Chats with all that is in them; their runs are not among the others.
        package var chats = 0
        package var contents = 0
        /// Whether the store uses more bytes than it may: then the oldest ended runs go until it does not.
        package var isTooLarge = false
        package init() {}
        package var isEmpty: Bool { self == Expiring() }
    }

    package var runs = 0
    package var unfinishedRuns = 0
    /// Owners of runs.
    package var owners = 0
    package var chats = 0
    package var contents = 0
    /// Bytes of the pages that hold something.
    package var usedBytes = 0
    /// Bytes of all pages.
    package var fileBytes = 0
    package var expiring = Expiring()

    package init() {}

    /// Reads the database at `path`, all of it from one snapshot. It goes through all runs: about a second for a million.
    /// - Throws: ``ErrorCode/storageUnavailable`` where there is none, or it cannot be read.
    package static func read(path: String, cutoffs: RetentionCutoffs) throws(MillraceError) -> Reading {
        let session = try SQLiteSession(.open(path: path, access: .readOnly, busyTimeoutMilliseconds: 5000))
        let known = SQLiteStoreSchema.migrations.steps.count
        return try session.readTransaction { () throws(MillraceError) in
            let version = try number("PRAGMA user_version", session)
            if version != known { return version < known ? .older : .newer }
            var inventory = SQLiteStoreInventory()
            inventory.chats = try number("SELECT count(*) FROM chats WHERE owner <> ''", session)
            inventory.contents = try number("SELECT count(*) FROM contents WHERE owner <> ''", session)
            let pages = (all: try number("PRAGMA page_count", session), free: try number("PRAGMA freelist_count", session))
            let pageBytes = try number("PRAGMA page_size", session)
            inventory.usedBytes = (pages.all - pages.free) * pageBytes
            inventory.fileBytes = pages.all * pageBytes
            try inventory.lookAtRuns(session, cutoffs)
            try inventory.lookAtTheRest(session, cutoffs)
            return .current(inventory)
        }
    }

    private static func number(_ sql: String, _ session: SQLiteSession) throws(MillraceError) -> Int {
        try session.first(sql) { $0.int(0) } ?? 0
    }

    /// In the order of a pass: by number and by age, the oldest first, and of what is left by each owner's number.
    private mutating func lookAtRuns(_ session: SQLiteSession, _ cutoffs: RetentionCutoffs) throws(MillraceError) {
        let waits = "status IN ('running', 'interrupted')"
        var excess = 0
        if let most = cutoffs.maximumRuns { excess = max(0, try Self.number("SELECT count(*) FROM runs", session) - most) }
        var older = try Self.number("SELECT count(*) FROM runs WHERE owner <> '' AND NOT \(waits)", session)
        var kept: [String: Int] = [:]
        try session.withStatement("SELECT owner, ended_at, \(waits), status = 'running' FROM runs WHERE owner <> '' ORDER BY id DESC") {
            (row) throws(MillraceError) in
            while try row.step() {
                runs += 1
                if row.int(3) != 0 { unfinishedRuns += 1 }
                let owner = row.text(0) ?? ""
                let newer = kept[owner, default: 0]
                var goes = false
                if row.int(2) == 0 {
                    // How many may go that began before this one.
                    older -= 1
                    goes = older < excess || cutoffs.runsEnded.map { row.timestamp(1) <= $0 } ?? false
                    if !goes { goes = cutoffs.maximumRunsPerOwner.map { newer >= $0 } ?? false }
                }
                if goes { expiring.runs += 1 }
                kept[owner] = goes ? newer : newer + 1
            }
        }
        owners = kept.count
    }

    private mutating func lookAtTheRest(_ session: SQLiteSession, _ cutoffs: RetentionCutoffs) throws(MillraceError) {
        if let changed = cutoffs.chatsChanged {
            expiring.chats =
                try session.first(
                    "SELECT count(*) FROM chats c WHERE c.owner <> '' AND c.updated_at <= ? AND \(SQLiteRetentionRemoval.chatMayGo)",
                    changed
                ) { $0.int(0) } ?? 0
        }
        if let created = cutoffs.contentsCreated {
            expiring.contents =
                try session.first(
                    """
                    SELECT count(*) FROM contents WHERE owner <> '' AND created_at <= ?
                        AND NOT EXISTS (SELECT 1 FROM content_uses u WHERE u.content = contents.id)
                    """, created
                ) { $0.int(0) } ?? 0
        }
        if let most = cutoffs.maximumBytes { expiring.isTooLarge = usedBytes > most }
    }
}
