public import Millrace
public import MillraceCore
package import MillraceDatabase

/// The embedded store: one SQLite database in the data directory, with a write-ahead log, one writing thread that groups commits, and readers
/// on threads of their own.
///
/// A data directory belongs to one process (see ``DataDirectory``). Commits are safe against power loss unless ``Configuration/durability`` says otherwise.
public final class SQLiteStore: Store {
    /// When a commit counts as safe.
    public enum Durability: String, Equatable, Sendable, CaseIterable {
        /// It survives power loss; each group of commits costs one sync of the disk.
        case full
        /// It survives a crash of the process; the last commits before a loss of power may be gone.
        case normal
        /// For tests: power loss may damage the database.
        case off
    }

    /// How the store works.
    public struct Configuration: Equatable, Sendable {
        /// When a commit counts as safe (default: `full`).
        public var durability = Durability.full
        /// How many reads run at once (default: 2).
        public var readers = 2
        /// For how long a commit that fails (disk full, locked) is tried again before it is given up, in nanoseconds (default: 5 s).
        public var patience: Int64 = 5_000_000_000
        /// The defaults.
        public init() {}
    }

    let writer: SQLiteWriter<SQLiteStoreWriter>
    let readers: SQLiteReaderPool
    private let failedRuns = Locked<Set<Int64>>([])

    /// Opens the database at `path`, makes it if there is none, and brings its tables up to date.
    /// - Throws: ``ErrorCode/storageUnavailable`` when the file cannot be opened, is damaged, or was written by a newer Millrace;
    ///   ``ErrorCode/storageFull``.
    public convenience init(path: String, configuration: Configuration = Configuration()) throws {
        try self.init(path: path, configuration: configuration, faultHook: nil)
    }

    /// As the public initializer; `faultHook` lets a test make the writer's calls fail.
    package init(path: String, configuration: Configuration, faultHook: SQLiteFaultHook?) throws {
        let synchronous = SQLiteConnection.Synchronous(rawValue: configuration.durability.rawValue) ?? .full
        let session = try SQLiteSession(.open(path: path, access: .readWrite, synchronous: synchronous), faultHook: faultHook)
        try SQLiteStoreSchema.migrations.apply(to: session, path: path)
        // A process that was killed may have left texts in its write-ahead log that it had taken back.
        _ = try? session.first("PRAGMA wal_checkpoint(TRUNCATE)") { $0.int(0) }
        let readers = try SQLiteReaderPool(path: path, readers: configuration.readers)
        self.readers = readers
        // The readers close before the writer's connection, so that the last one to close folds the log into the file.
        writer = try SQLiteWriter(
            name: "sqlite-write", handler: SQLiteStoreWriter(session, failedRuns: failedRuns) { readers.stop() },
            patience: configuration.patience)
    }

    /// Queues appends for the next commit.
    public func append(_ appends: [RunAppend], completed: @escaping @Sendable (MillraceError?) -> Void) {
        guard let refusal = writer.post(.append(appends, completed)) else { return }
        failedRuns.withLock { $0.formUnion(appends.lazy.filter { !$0.isRecovery }.map(\.handle.number)) }
        completed(refusal)
    }

    /// Writes a row and reads it back.
    public func check(principal: Principal) async throws {
        let written = try await change { session throws(MillraceError) in
            try session.first(
                "INSERT INTO health (id, checked) VALUES (1, 1) ON CONFLICT DO UPDATE SET checked = checked + 1 RETURNING checked"
            ) { $0.int(0) }
        }
        let read = try await readers.read { session throws(MillraceError) in try session.first("SELECT checked FROM health") { $0.int(0) } }
        guard let written, let read, read >= written else {
            throw MillraceError(.storageUnavailable, "the store does not give back what was written to it")
        }
    }

    /// Finishes what is queued and closes the database.
    public func close() async {
        await withUnsafeContinuation { continuation in writer.close { continuation.resume() } }
    }

    /// Runs `body` in the writer's next transaction and returns its result after the commit. `body` may run more than once, each time after
    /// a rollback, and refuses best before it writes.
    func change<R: Sendable>(_ body: @escaping @Sendable (SQLiteSession) throws(MillraceError) -> R) async throws -> R {
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<R, any Error>) in
            var result: R?
            let change = SQLiteStoreChange { (session) throws(MillraceError) in
                result = try body(session)
            } completed: { error in
                if let error {
                    continuation.resume(throwing: error)
                } else if let result {
                    continuation.resume(returning: result)
                }
            }
            if let refusal = writer.post(.change(change)) { continuation.resume(throwing: refusal) }
        }
    }
}
