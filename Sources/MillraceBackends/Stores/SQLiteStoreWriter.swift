import Millrace
import MillraceCore
import MillraceDatabase

/// Executes a ``SQLiteStore``'s writes: first all appends, those of one run merged into one row, then the other changes in their order.
///
/// The order is safe: only who has seen a run's creation committed can append to it, and a change that wants runs to have ended only gains.
final class SQLiteStoreWriter: SQLiteWriteHandler {
    /// Appends of one run that are consecutive. Most rows are one append, which needs no array.
    private struct Row {
        let handle: RunHandle
        let firstSequence: Int
        var lastSequence: Int
        var reservedSequence: Int
        var byteCount: Int
        let batch: EventBatch
        var furtherBatches: [EventBatch] = []
        /// The append that ends the run.
        var ending: RunAppend?
        /// What the run has used, where one of the appends says so.
        var prompts: [PromptReference]?
        /// What is taken back of the log, and up to where it is judged.
        var retractions: [Retraction]
        var judgedSequence: Int?
        let job: Int
        var furtherJobs: [Int] = []

        init(_ append: RunAppend, job: Int) {
            handle = append.handle
            firstSequence = append.batch.firstSequence
            lastSequence = append.batch.lastSequence
            reservedSequence = append.reservedSequence
            byteCount = append.batch.byteCount
            batch = append.batch
            if append.isTerminal { ending = append }
            prompts = append.prompts
            retractions = append.retractions
            judgedSequence = append.judgedSequence
            self.job = job
        }

        mutating func merge(_ append: RunAppend, job: Int) -> Bool {
            guard append.batch.firstSequence == lastSequence + 1, ending == nil, byteCount + append.batch.byteCount <= Self.mostBytes
            else { return false }
            lastSequence = append.batch.lastSequence
            reservedSequence = max(reservedSequence, append.reservedSequence)
            byteCount += append.batch.byteCount
            furtherBatches.append(append.batch)
            if append.isTerminal { ending = append }
            if let newer = append.prompts { prompts = newer }
            retractions += append.retractions
            if let newer = append.judgedSequence { judgedSequence = newer }
            furtherJobs.append(job)
            return true
        }

        /// A reader takes whole rows, so a row has a bound.
        private static let mostBytes = 128 << 10
    }

    let session: SQLiteSession
    private let stopped: () -> Void
    private var rows: [Row] = []
    private var rowOfRun: [Int64: Int] = [:]
    /// The jobs of the current group that failed after they had written, by their index.
    private var leftOut: [Int: MillraceError] = [:]
    private var scratch = ByteBuffer()
    /// Runs of which an append has failed: what follows of them is dropped until recovery closes them, for the log must not get a hole.
    private let failedRuns: Locked<Set<Int64>>

    /// Whether the write-ahead log may still hold what was taken back.
    private var holdsRetractedText = false
    /// When the log may be emptied next; `nil`: now.
    private var nextEmptying: ContinuousClock.Instant?
    /// Each time costs syncs, which commits wait for.
    private static let emptyingPause = Duration.milliseconds(100)

    /// - Parameter stopped: called on the writer's thread when the last write is done.
    init(_ session: SQLiteSession, failedRuns: Locked<Set<Int64>>, stopped: @escaping () -> Void) {
        self.session = session
        self.failedRuns = failedRuns
        self.stopped = stopped
    }

    func stop() { stopped() }

    func execute(_ jobs: [SQLiteStoreWrite]) throws(MillraceError) -> SQLiteGroupVerdict {
        gather(jobs)
        for row in rows {
            do throws(MillraceError) {
                try write(row)
            } catch {
                if error.isStoreFailure { throw error }
                leftOut[row.job] = error
                for job in row.furtherJobs { leftOut[job] = error }
                return .restart
            }
        }
        for case .change(let change) in jobs {
            if try change.execute(session) == .restart { return .restart }
        }
        return .commit
    }

    func finish(_ jobs: [SQLiteStoreWrite], _ error: MillraceError?) {
        rows.removeAll(keepingCapacity: true)
        rowOfRun.removeAll(keepingCapacity: true)
        for (index, job) in jobs.enumerated() {
            switch job {
            case .append(let appends, let completed):
                let error = error ?? (leftOut.isEmpty ? nil : leftOut[index])
                settle(appends, failed: error != nil)
                completed(error)
            case .change(let change): change.finish(error)
            }
        }
        leftOut.removeAll()
    }

    private func settle(_ appends: [RunAppend], failed: Bool) {
        if failed {
            failedRuns.withLock { $0.formUnion(appends.lazy.filter { !$0.isRecovery }.map(\.handle.number)) }
        } else {
            for append in appends where append.isRecovery { failedRuns.withLock { _ = $0.remove(append.handle.number) } }
        }
    }

    private func gather(_ jobs: [SQLiteStoreWrite]) {
        rows.removeAll(keepingCapacity: true)
        rowOfRun.removeAll(keepingCapacity: true)
        let failed = failedRuns.withLock { $0 }
        for (index, job) in jobs.enumerated() {
            guard case .append(let appends, _) = job, leftOut.isEmpty || leftOut[index] == nil else { continue }
            for append in appends {
                let run = append.handle.number
                if !failed.isEmpty, failed.contains(run), !append.isRecovery { continue }
                if let known = rowOfRun[run], rows[known].merge(append, job: index) { continue }
                rowOfRun[run] = rows.count
                rows.append(Row(append, job: index))
            }
        }
    }

    // MARK: Rows

    /// Inserts one row of a run's log.
    static func insertEvents(
        of run: Int64, first: Int, last: Int, reserved: Int, _ frames: UnsafeRawBufferPointer, hidden: [UInt8]?, _ session: SQLiteSession
    ) throws(MillraceError) {
        let statement =
            "INSERT INTO run_events (run, first_sequence, last_sequence, reserved, frames, hidden) VALUES (?, ?, ?, ?, ?, ?)"
        guard let hidden else {
            try session.execute(statement, run, first, last, reserved, SQLiteStaticBlob(frames), Int?.none)
            return
        }
        try hidden.withUnsafeBufferPointer { (hidden) throws(MillraceError) in
            _ = try session.execute(
                statement, run, first, last, reserved, SQLiteStaticBlob(frames), SQLiteStaticBlob(UnsafeRawBufferPointer(hidden)))
        }
    }

    private func write(_ row: Row) throws(MillraceError) {
        if row.furtherBatches.isEmpty {
            try row.batch.frames.withBytes { (frames) throws(MillraceError) in try insert(row, frames, hidden: row.batch.hidden) }
        } else {
            scratch.removeAll()
            scratch.append(row.batch.frames)
            var hidden = row.batch.hidden
            for batch in row.furtherBatches {
                scratch.append(batch.frames)
                if let more = batch.hidden { hidden = (hidden ?? []) + more }
            }
            try scratch.withBytes { (frames) throws(MillraceError) in try insert(row, frames, hidden: hidden) }
            if scratch.capacity > 4 << 20 { scratch.release() }
        }
        if let prompts = row.prompts {
            _ = try session.execute(
                "UPDATE runs SET prompts = ? WHERE id = ? AND owner = ?", SQLiteStoreRows.text(prompts), row.handle.number,
                row.handle.principal.id)
        }
        if let judged = row.judgedSequence {
            _ = try session.execute("UPDATE runs SET judged = ? WHERE id = ?", judged, row.handle.number)
        }
        for retraction in row.retractions { try take(back: retraction, of: row.handle.number) }
        if let completion = row.ending?.completion { try complete(row.handle, completion) }
    }

    /// Puts tombstones into the rows that hold what is taken back. What a row had before is overwritten, for the connection deletes
    /// securely.
    private func take(back retraction: Retraction, of run: Int64) throws(MillraceError) {
        holdsRetractedText = true
        let rows = try session.rows(
            """
            SELECT id, first_sequence, frames FROM run_events
            WHERE run = ? AND last_sequence >= ? AND first_sequence <= ? AND last_sequence >= first_sequence ORDER BY last_sequence, id
            """, run, retraction.firstSequence, retraction.lastSequence
        ) { row -> (id: Int64, frames: [UInt8])? in
            let redacted = row.withBytes(2) { frames in
                frames.flatMap { retraction.applied(to: $0, firstSequence: row.int(1)) }
            }
            return redacted.map { (row.int64(0), $0) }
        }
        for case (let id, let frames)? in rows {
            try frames.withUnsafeBufferPointer { (frames) throws(MillraceError) in
                _ = try session.execute(
                    "UPDATE run_events SET frames = ? WHERE id = ?", SQLiteStaticBlob(UnsafeRawBufferPointer(frames)), id)
            }
        }
    }

    /// Empties the write-ahead log, which may hold texts that were taken back: SQLite itself would overwrite them only by and by. Where a
    /// reader holds a snapshot it is tried again, for writes must not wait for readers.
    func attend() -> Int64? {
        guard holdsRetractedText else { return nil }
        var now = ContinuousClock.now
        if nextEmptying.map({ $0 <= now }) ?? true {
            let isEmpty = try? session.emptyLog()
            holdsRetractedText = isEmpty != true
            now = .now
            nextEmptying = now + Self.emptyingPause
        }
        guard holdsRetractedText, let nextEmptying else { return nil }
        return max(0, Int64((nextEmptying - now) / .nanoseconds(1)))
    }

    private func insert(_ row: Row, _ frames: UnsafeRawBufferPointer, hidden: [UInt8]?) throws(MillraceError) {
        do throws(MillraceError) {
            try Self.insertEvents(
                of: row.handle.number, first: row.firstSequence, last: row.lastSequence, reserved: row.reservedSequence, frames,
                hidden: hidden, session)
        } catch {
            throw error.code == .notFound ? StoreRefusal.noRun(row.handle.responseID) : error
        }
    }

    private func complete(_ handle: RunHandle, _ completion: RunCompletion) throws(MillraceError) {
        let changed = try session.execute(
            "UPDATE runs SET status = ?, ended_at = ?, usage = ?, judged = NULL WHERE id = ? AND owner = ? AND status = 'running'",
            completion.status.rawValue, completion.endedAt, completion.usage.json.text, handle.number, handle.principal.id)
        guard changed == 1 else { throw StoreRefusal.hasEnded(handle.responseID) }
        let message = completion.message
        try session.execute(
            """
            INSERT INTO messages (owner, message_id, chat, parent_id, role, parts, created_at, model_id, usage, metadata, status)
            SELECT ?, ?, chat, ?, ?, ?, ?, ?, ?, ?, ? FROM runs WHERE id = ?
            """,
            handle.principal.id, message.id, message.parentID, message.role.rawValue, SQLiteStoreRows.partsText(message.parts),
            message.createdAt, message.modelID, message.usage?.json.text, SQLiteStoreRows.text(message.metadata), message.status.rawValue,
            handle.number)
        // What the answer names is kept as long as the chat, too.
        for id in ContentRecord.ids(in: message) {
            try session.execute(
                """
                INSERT OR IGNORE INTO content_uses (content, chat)
                SELECT c.id, r.chat FROM contents c, runs r WHERE c.content_id = ? AND c.owner = ? AND r.id = ?
                """, id, handle.principal.id, handle.number)
        }
        try session.execute(
            """
            UPDATE chats SET newest_message_id = ?, updated_at = max(updated_at, ?)
            WHERE owner = ? AND id = (SELECT chat FROM runs WHERE id = ?)
            """,
            message.id, completion.endedAt, handle.principal.id, handle.number)
    }
}
