import Glibc
public import Millrace
import MillraceCore
package import MillraceDatabase

/// The embedded search engine: one SQLite database, apart from the store's, so that neither waits for the other.
///
/// Words are found by SQLite's full-text module (FTS5) and ranked by Okapi BM25, each field by itself; vectors are compared one by one, exactly,
/// in memory as long as they fit (``Configuration/vectorMemoryBytes``), else from the disk. Searches run on threads of their own beside the one
/// thread that writes, and never wait for it.
///
/// A database belongs to one engine at a time.
public final class SQLiteSearchEngine: SearchEngine {
    /// How the engine works.
    public struct Configuration: Equatable, Sendable {
        /// When a write counts as safe (default: `full`: it survives a loss of power, at the price of one sync of the disk for the writes that
        /// wait together). A database in memory has none.
        public var durability = SQLiteStore.Durability.full
        /// How many searches run at once (default: 2).
        public var readers = 2
        /// For how long a commit that fails (disk full, locked) is tried again before it is given up, in nanoseconds (default: 5 s).
        public var patience: Int64 = 5_000_000_000
        /// The most bytes that the vectors of all indexes may take in memory (default: 512 MiB; 0: none). An index that does not fit beside
        /// those that were searched before is read from the disk by each search by meaning.
        public var vectorMemoryBytes = 512 << 20
        /// The defaults.
        public init() {}
    }

    private let writer: SQLiteWriter<SQLiteSearchWriter>
    private let readers: SQLiteReaderPool
    private let memory: VectorMemory
    private let caches = Locked<[Int64: VectorCache]>([:])

    /// Opens the database at `path`, makes it if there is none, and brings its tables up to date.
    /// - Parameter path: the file; beside it are its log (`-wal`, `-shm`) and its lock (`.lock`). `:memory:`: a database that ends with the
    ///   engine (a nameless file in the directory for temporary files).
    /// - Throws: ``ErrorCode/conflict`` when another engine has it open; ``ErrorCode/storageUnavailable`` when the file cannot be opened, is
    ///   damaged, or was written by a newer Millrace; ``ErrorCode/storageFull``.
    public convenience init(path: String, configuration: Configuration = Configuration()) throws {
        try self.init(path: path, configuration: configuration, faultHook: nil)
    }

    /// As the public initializer; `faultHook` lets a test make the writer's calls fail.
    package init(path: String, configuration: Configuration, faultHook: SQLiteFaultHook?) throws {
        let isTemporary = path == ":memory:"
        // Readers need a file: SQLite's own databases in memory have no log, so readers and the writer would wait for each other.
        let directory = isTemporary ? try TemporaryDatabaseDirectory() : nil
        let path = directory.map { $0.path + "/search.db" } ?? path
        let lock = try DatabaseLock(path: path)
        let durability: SQLiteConnection.Synchronous = isTemporary ? .off : .init(rawValue: configuration.durability.rawValue) ?? .full
        let session = try SQLiteSession(.open(path: path, access: .readWrite, synchronous: durability), faultHook: faultHook)
        try SQLiteSearchSchema.migrations.apply(to: session, path: path)
        _ = try session.fullText()
        // Each connection reads once, and so has its files open before the directory's names are removed.
        let readers = try SQLiteReaderPool(path: path, readers: configuration.readers, name: "search-read") {
            (session) throws(MillraceError) in
            _ = try session.first("SELECT count(*) FROM indexes") { $0.int(0) }
        }
        directory?.remove()
        self.readers = readers
        memory = VectorMemory(limit: configuration.vectorMemoryBytes)
        writer = try SQLiteWriter(
            name: "search-write",
            handler: SQLiteSearchWriter(session) {
                readers.stop()
                lock.release()
            }, patience: configuration.patience)
    }

    /// The index of the definition's name, which is made if need be.
    public func index(_ definition: SearchIndexDefinition) async throws -> any SearchIndex {
        try definition.validate()
        let stored = definition.storedText
        let stems = try StemmerFingerprint.of(definition)
        let known = "SELECT number, definition, stems FROM indexes WHERE name = ?"
        var found = try await read { (session, _) throws(MillraceError) in
            try session.first(known, definition.name) { ($0.int64(0), $0.text(1), $0.text(2)) }
        }
        if found == nil || found?.2 == nil && stems != nil {
            found = try await change(byteCount: 1024) { (session) throws(MillraceError) in
                if let existing = try session.first(known, definition.name, read: { ($0.int64(0), $0.text(1), $0.text(2)) }) {
                    guard existing.2 == nil, existing.1 == stored, stems != nil else { return existing }
                    try session.execute("UPDATE indexes SET stems = ? WHERE number = ?", stems, existing.0)
                    return (existing.0, existing.1, stems)
                }
                try session.execute("INSERT INTO indexes (name, definition, stems) VALUES (?, ?, ?)", definition.name, stored, stems)
                let number = session.connection.lastInsertedRow
                try session.connection.execute(SQLiteSearchTables(number: number, definition).creation)
                return (number, stored, stems)
            }
        }
        guard let (number, text, cutBy) = found, text == stored else {
            throw MillraceError(
                .conflict,
                "there is an index '\(definition.name)' with another definition: drop it and index its documents again, or choose another name"
            )
        }
        guard stems == cutBy else {
            throw MillraceError(
                .conflict,
                "the index '\(definition.name)' was made with another version of libstemmer, which cuts words otherwise: drop it and index its "
                    + "documents again (a collection: millrace ingest --fresh), or install that version"
            )
        }
        let cache = caches.withLock { caches in
            if let known = caches[number] { return known }
            let made = VectorCache(dimensions: definition.vectorDimensions ?? 1, memory: memory)
            caches[number] = made
            return made
        }
        return SQLiteSearchIndex(definition, SQLiteSearchTables(number: number, definition), self, cache)
    }

    /// The definition of the index of a name; `nil`: there is none.
    public func definition(of name: String) async throws -> SearchIndexDefinition? {
        let stored = try await read { (session, _) throws(MillraceError) in
            try session.first("SELECT definition FROM indexes WHERE name = ?", name) { $0.text(0) ?? "" }
        }
        guard let stored else { return nil }
        guard let definition = SearchIndexDefinition(name: name, storedText: stored) else {
            throw MillraceError(.conflict, "the search index '\(name)' was defined by a newer Millrace: use that, or drop the index")
        }
        return definition
    }

    /// The names of all indexes, in the order of their bytes.
    public func names() async throws -> [String] {
        try await read { (session, _) throws(MillraceError) in
            try session.rows("SELECT name FROM indexes ORDER BY name") { $0.text(0) ?? "" }
        }
    }

    /// Removes an index with its documents. Searches that run see it to their end.
    public func drop(_ name: String) async throws {
        let number = try await change(byteCount: 1024) { (session) throws(MillraceError) -> Int64? in
            let found = try session.first("SELECT number FROM indexes WHERE name = ?", name) { $0.int64(0) }
            guard let number = found else { return nil }
            let suffix = "_\(number)"
            let tables = try session.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('documents' || ?1, 'values' || ?1, 'words' || ?1, 'vectors' || ?1)",
                suffix
            ) { $0.text(0) ?? "" }
            for table in tables { try session.connection.execute("DROP TABLE \(table)") }
            try session.execute("DELETE FROM indexes WHERE number = ?", number)
            return number
        }
        if let number { caches.withLock { $0.removeValue(forKey: number) }?.drop() }
    }

    /// Finishes what is queued and closes the database. Every later call throws ``ErrorCode/serverShutdown``.
    public func close() async {
        await withUnsafeContinuation { continuation in writer.close { continuation.resume() } }
    }

    // MARK: For the indexes

    /// Runs `body` with a reader; it is told when the task is cancelled.
    func read<R: Sendable>(
        _ body: @escaping @Sendable (SQLiteSession, SearchCancellation) throws(MillraceError) -> R
    ) async throws -> R {
        try Task.checkCancellation()
        let cancellation = SearchCancellation()
        do {
            return try await withTaskCancellationHandler {
                try await readers.read { (session) throws(MillraceError) in try body(session, cancellation) }
            } onCancel: {
                cancellation.cancel()
            }
        } catch let error as MillraceError where error.code == .cancelled {
            throw CancellationError()
        }
    }

    /// Runs `body` in the writer's next transaction, and `committed` with its result after the commit, before this returns. `body` may run more
    /// than once, each time after a rollback. A write that has begun is not cancelled.
    func change<R: Sendable>(
        byteCount: Int, _ body: @escaping @Sendable (SQLiteSession) throws(MillraceError) -> R,
        committed: @escaping @Sendable (R) -> Void = { _ in }
    ) async throws -> R {
        try Task.checkCancellation()
        return try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<R, any Error>) in
            var result: R?
            let change = SQLiteStoreChange { (session) throws(MillraceError) in
                result = try body(session)
            } completed: { error in
                if let error {
                    continuation.resume(throwing: error)
                } else if let result {
                    committed(result)
                    continuation.resume(returning: result)
                }
            }
            let job = SQLiteSearchWrite(byteCount: max(byteCount, 1024), change: change)
            if let refusal = writer.post(job) { continuation.resume(throwing: refusal) }
        }
    }
}
