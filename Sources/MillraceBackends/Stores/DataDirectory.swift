import Glibc
public import MillraceCore

/// The directory that holds all of a server's data, locked for as long as this value lives: one process at a time may use it.
///
/// The lock is the kernel's (`flock` on `millrace.lock`), so it ends with the process however that dies.
public struct DataDirectory: ~Copyable, Sendable {
    /// The directory's path as it was given.
    public let path: String
    private let lock: Int32

    /// Where the store's database is.
    public var databasePath: String { "\(path)/millrace.db" }

    /// How to wait for another process to let go of the directory, such as one that a restart replaces and that still drains.
    package struct LockWait: Sendable {
        /// For how long, in nanoseconds; 0: not at all.
        package var patience: Int64
        /// Called once, with what holds the directory, when there is something to wait for.
        package var began: @Sendable (_ holder: String) -> Void
        /// The monotonic clock, in nanoseconds.
        package var clock: @Sendable () -> Int64
        /// Lets so many nanoseconds pass.
        package var pause: @Sendable (Int64) -> Void

        package init(
            patience: Int64, began: @escaping @Sendable (String) -> Void = { _ in },
            clock: @escaping @Sendable () -> Int64 = TimeSource.system.monotonic,
            pause: @escaping @Sendable (Int64) -> Void = LockWait.sleep
        ) {
            self.patience = patience
            self.began = began
            self.clock = clock
            self.pause = pause
        }

        /// Between two looks: the kernel queues who waits for a lock, but cannot end the wait after a while.
        static let interval: Int64 = 20_000_000

        package static func sleep(_ nanoseconds: Int64) {
            var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
            nanosleep(&time, nil)
        }
    }

    /// Makes the directory (and those above it) where it is missing, readable for its owner only, and locks it.
    /// - Throws: ``ErrorCode/conflict`` when another process uses it; ``ErrorCode/configuration`` when it cannot be made or written.
    public init(path: String) throws(MillraceError) { try self.init(path: path, wait: LockWait(patience: 0)) }

    /// As ``init(path:)``, waiting for another process to let go of it.
    package init(path: String, wait: LockWait) throws(MillraceError) {
        try Self.makeDirectories(path)
        let lockPath = "\(path)/millrace.lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.unusable(path, "cannot be written") }
        do throws(MillraceError) {
            try Self.lock(descriptor, path, wait)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        // The process's number is only for the message above; the lock itself is what counts.
        let process = "\(getpid())\n"
        if ftruncate(descriptor, 0) != 0 || pwrite(descriptor, process, process.utf8.count, 0) != process.utf8.count {
            let error = errno
            Glibc.close(descriptor)
            guard error != ENOSPC else {
                throw MillraceError(.storageFull, "the disk of the data directory '\(path)' is full: free some space, then start again")
            }
            throw Self.unusable(path, "cannot be written", error)
        }
        self.path = path
        lock = descriptor
    }

    deinit { Glibc.close(lock) }

    private static func lock(_ descriptor: Int32, _ path: String, _ wait: LockWait) throws(MillraceError) {
        let deadline = wait.clock() + wait.patience
        var hasBegun = false
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let error = errno
            if error == EINTR { continue }
            guard error == EWOULDBLOCK else {
                throw MillraceError(
                    .configuration, "the data directory '\(path)' cannot be locked (\(text(error))): use a local disk for it")
            }
            let holder = readProcess(descriptor).map { "process \($0)" } ?? "another process"
            let left = deadline - wait.clock()
            guard left > 0 else {
                let seconds = Double(wait.patience) / 1e9
                throw MillraceError(
                    .conflict,
                    wait.patience > 0
                        ? "the data directory '\(path)' is still in use by \(holder) after \(seconds) seconds: wait until that one has ended, "
                            + "raise server.lockWaitSeconds above its drain time, or start this one with another --data-dir"
                        : "the data directory '\(path)' is in use by \(holder): stop that one, or start this one with another --data-dir")
            }
            if !hasBegun { wait.began(holder) }
            hasBegun = true
            wait.pause(min(left, LockWait.interval))
        }
    }

    private static func makeDirectories(_ path: String) throws(MillraceError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw unusable(path, "is not a directory", ENOTDIR) }
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw unusable(path, "cannot be made", ENOENT) }
            try makeDirectories(String(path[..<slash]))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw unusable(path, "cannot be made") }
        default: throw unusable(path, "cannot be made")
        }
    }

    private static func readProcess(_ descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }

    private static func unusable(_ path: String, _ problem: String, _ error: Int32 = errno) -> MillraceError {
        MillraceError(
            .configuration,
            "the data directory '\(path)' \(problem) (\(text(error))): choose another with --data-dir, or correct its permissions")
    }
    private static func text(_ error: Int32) -> String { String(cString: strerror(error)) }
}
