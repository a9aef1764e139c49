package import MillraceCore

/// Read-only connections on threads of their own, so that readers never wait for the writer nor hold up a loop.
package final class SQLiteReaderPool: Sendable {
    /// Hands a session from the thread that is done with it to the next.
    private final class Reader: @unchecked Sendable {  // Sendable: the pool lends it to one thread at a time.
        let session: SQLiteSession
        init(_ session: SQLiteSession) { self.session = session }
    }

    private let executor: BlockingExecutor
    private let idle: Locked<[Reader]>

    /// Opens the connections of a database that a writer has already opened.
    /// - Parameters:
    ///   - name: what the threads are called.
    ///   - prepare: called with each connection before anybody reads.
    package init(
        path: String, readers count: Int, name: String = "sqlite-read",
        prepare: (SQLiteSession) throws(MillraceError) -> Void = { _ throws(MillraceError) in }
    ) throws(MillraceError) {
        let count = max(count, 1)
        var readers: [Reader] = []
        for _ in 0..<count {
            let session = try SQLiteSession(.open(path: path, access: .readOnly, busyTimeoutMilliseconds: 5000))
            try prepare(session)
            readers.append(Reader(session))
        }
        idle = Locked(readers)
        do {
            executor = try BlockingExecutor(name: name, threads: count)
        } catch {
            throw error as? MillraceError ?? MillraceError(.system, "cannot start the threads that read the database", cause: error)
        }
    }

    /// Runs `body` with a reader. Queries that must agree with each other go through ``SQLiteSession/readTransaction(_:)``.
    package func read<R: Sendable>(_ body: @escaping @Sendable (SQLiteSession) throws(MillraceError) -> R) async throws -> R {
        try await executor.run { [idle] in
            // There are as many readers as threads, so one is always idle here until the pool has stopped.
            guard let reader = idle.withLock({ $0.popLast() }) else { throw MillraceError(.serverShutdown, "the store is closed") }
            defer { idle.withLock { $0.append(reader) } }
            // A snapshot that could not be ended would be read for ever, and keep the write-ahead log from being folded.
            reader.session.rollback()
            return try body(reader.session)
        }
    }

    /// Finishes the queued reads and closes the connections. Not from one of its threads.
    package func stop() {
        executor.stop()
        idle.withLock { $0 = [] }
    }
}
