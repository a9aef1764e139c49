import Millrace
import MillraceCore
import MillraceDatabase

/// What a ``SQLiteStore`` asks of its writer.
enum SQLiteStoreWrite: SQLiteWriteJob {
    /// Events to append; the callback is called after their commit.
    case append([RunAppend], @Sendable (MillraceError?) -> Void)
    /// Anything else.
    case change(SQLiteStoreChange)

    var byteCount: Int {
        switch self {
        case .append(let appends, _): appends.reduce(0) { $0 + $1.batch.byteCount }
        case .change: 1024
        }
    }
}

/// A change that gives a result: a few statements in the writer's transaction.
final class SQLiteStoreChange: @unchecked Sendable {  // Sendable: after it is posted only the writer's thread touches it.
    private let body: (SQLiteSession) throws(MillraceError) -> Void
    private let completed: (MillraceError?) -> Void
    private var refusal: MillraceError?
    private var isLeftOut = false

    /// - Parameters:
    ///   - body: may run more than once, each time after a rollback.
    ///   - completed: called once, after the commit or with the error.
    init(_ body: @escaping (SQLiteSession) throws(MillraceError) -> Void, completed: @escaping (MillraceError?) -> Void) {
        self.body = body
        self.completed = completed
    }

    /// Runs the change unless an earlier attempt of its group found that it fails half-way.
    func execute(_ session: SQLiteSession) throws(MillraceError) -> SQLiteGroupVerdict {
        if isLeftOut { return .commit }
        refusal = nil
        let before = session.connection.totalChanges
        do throws(MillraceError) {
            try body(session)
        } catch {
            if error.isStoreFailure { throw error }
            refusal = error
            // A change that was refused before it wrote anything does not disturb the group.
            isLeftOut = session.connection.totalChanges != before
        }
        return isLeftOut ? .restart : .commit
    }

    func finish(_ error: MillraceError?) { completed(error ?? refusal) }
}
