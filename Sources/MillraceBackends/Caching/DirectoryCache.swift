import Glibc
public import Millrace
public import MillraceCore

/// A cache in a directory: it outlives the process, and is read on a thread of its own.
///
/// A value is a file, written whole or not at all; one that is damaged or cut off is a miss. When the cache is full, what was used longest ago
/// goes, up to 64 files a call; a value that would need more is not kept. Of the files of an earlier process it learns bit by bit, one of 256
/// subdirectories a call: until then they take room beside the limits. A directory belongs to one process at a time.
public final class DirectoryCache: Cache {
    private let files: Locked<DirectoryCacheFiles>
    private let executor: BlockingExecutor
    private let lock: Int32
    private let time: TimeSource
    private let logger: Logger
    private let throttle = Locked(LogThrottle())

    /// Creates a cache, and its directory where that is missing.
    /// - Parameters:
    ///   - directory: where the files are, such as `data/cache`; nothing else may be there.
    ///   - byteLimit: the most bytes on the disk, in blocks of 4 KiB (default: 256 MiB).
    ///   - entryLimit: the most files (default: 50,000).
    ///   - valueByteLimit: the longest value that is kept (default: 1 MiB).
    ///   - logger: where failures are logged, one line in 10 s at most.
    /// - Throws: ``ErrorCode/conflict`` when another process uses the directory; ``ErrorCode/configuration`` when it cannot be made or written.
    public convenience init(
        directory: String, byteLimit: Int = 256 << 20, entryLimit: Int = 50_000, valueByteLimit: Int = 1 << 20, logger: Logger = .silent
    ) throws {
        try self.init(
            directory: directory, byteLimit: byteLimit, entryLimit: entryLimit, valueByteLimit: valueByteLimit, logger: logger,
            time: .system)
    }

    package init(
        directory: String, byteLimit: Int = 256 << 20, entryLimit: Int = 50_000, valueByteLimit: Int = 1 << 20, logger: Logger = .silent,
        time: TimeSource
    ) throws {
        let descriptor: Int32
        do {
            try Directories.make(directory)
            descriptor = open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw MillraceError(.system, String(cString: strerror(errno))) }
        } catch {
            throw MillraceError(.configuration, "the cache's directory '\(directory)' cannot be used: choose another one", cause: error)
        }
        guard Self.lock(descriptor) else {
            close(descriptor)
            throw MillraceError(.conflict, "the cache's directory '\(directory)' is in use by another process: choose another one")
        }
        do { executor = try BlockingExecutor(name: "cache", threads: 1) } catch {
            close(descriptor)
            throw error
        }
        lock = descriptor
        files = Locked(
            DirectoryCacheFiles(directory: directory, byteLimit: byteLimit, entryLimit: entryLimit, valueByteLimit: valueByteLimit))
        self.logger = logger
        self.time = time
    }

    /// Takes the lock. A program that was just being started when it was let go holds it for the moment until that runs, so it is tried for
    /// half a second.
    private static func lock(_ descriptor: Int32) -> Bool {
        for _ in 0..<50 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(10_000)
        }
        return false
    }

    deinit {
        executor.stop()
        close(lock)
    }

    /// As ``Cache/value(for:)``.
    public func value(for key: String) async throws -> [UInt8]? {
        try CacheRules.check(key: key)
        let (key, now) = (Array(key.utf8), time.wall())
        return try await tolerated { try $0.value(for: key, at: now) } ?? nil
    }

    /// As ``Cache/set(_:for:expiresIn:)``.
    public func set(_ value: [UInt8], for key: String, expiresIn: Duration?) async throws {
        try CacheRules.check(key: key)
        let (key, now) = (Array(key.utf8), time.wall())
        let expiresAt = expiresIn.map { expiresIn in
            let (sum, overflow) = now.microseconds.addingReportingOverflow(max(expiresIn, .zero).wholeNanoseconds / 1000)
            return Timestamp(microseconds: overflow ? .max : sum)
        }
        _ = try await tolerated { try $0.set(value, for: key, expiresAt: expiresAt, at: now) }
    }

    /// As ``Cache/remove(_:)``.
    public func remove(_ key: String) async throws {
        try CacheRules.check(key: key)
        let key = Array(key.utf8)
        try await told { try $0.remove(key) }
    }

    /// As ``Cache/removeAll()``. Other calls wait until all files are gone.
    public func removeAll() async throws { try await told { try $0.removeAll() } }

    /// Works with the files. The lock is not contended: the executor has one thread.
    private func work<R: Sendable>(_ body: @escaping @Sendable (inout DirectoryCacheFiles) throws -> R) async throws -> R {
        let files = files
        return try await executor.runUnlessCancelled { try files.withLock { try body(&$0) } }
    }

    /// A failure is a miss, with a line in the log.
    private func tolerated<R: Sendable>(_ body: @escaping @Sendable (inout DirectoryCacheFiles) throws -> R) async throws -> R? {
        do { return try await work(body) } catch let error as MillraceError {
            if let suppressed = throttle.withLock({ $0.line(at: time.monotonic()) }) {
                logger.warning("cache cannot be used", ["error": .string(error.message), "not_logged": .integer(suppressed)])
            }
            return nil
        }
    }

    private func told(_ body: @escaping @Sendable (inout DirectoryCacheFiles) throws -> Void) async throws {
        do { try await work(body) } catch let error as MillraceError {
            throw MillraceError(
                .storageUnavailable, "the cache cannot drop what it keeps: \(error.message)", cause: error, isRetryable: true)
        }
    }
}
