import MillraceCore
import MillraceDatabase

/// A change of a ``SQLiteSearchEngine``'s database.
struct SQLiteSearchWrite: SQLiteWriteJob {
    var byteCount: Int
    var change: SQLiteStoreChange
}

/// Executes the changes of a ``SQLiteSearchEngine``, in their order.
final class SQLiteSearchWriter: SQLiteWriteHandler {
    let session: SQLiteSession
    private let stopped: () -> Void

    /// - Parameter stopped: called on the writer's thread when the last write is done.
    init(_ session: SQLiteSession, stopped: @escaping () -> Void) {
        self.session = session
        self.stopped = stopped
    }

    func execute(_ jobs: [SQLiteSearchWrite]) throws(MillraceError) -> SQLiteGroupVerdict {
        for job in jobs {
            if try job.change.execute(session) == .restart { return .restart }
        }
        return .commit
    }

    func finish(_ jobs: [SQLiteSearchWrite], _ error: MillraceError?) {
        for job in jobs { job.change.finish(error) }
    }

    func stop() { stopped() }
}
