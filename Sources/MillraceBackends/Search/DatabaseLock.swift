import Glibc
import MillraceCore

/// Keeps a database to one engine, in this process and among all: the kernel's lock (`flock`) on a file beside it, which ends with the process
/// however that dies.
final class DatabaseLock: Sendable {
    private let descriptor: Locked<Int32?>

    /// - Throws: ``ErrorCode/conflict`` when another engine has the database open; ``ErrorCode/storageUnavailable`` when the lock's file cannot
    ///   be made.
    init(path: String) throws(MillraceError) {
        let opened = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw MillraceError(
                .storageUnavailable,
                "the search database's directory cannot be written (\(String(cString: strerror(errno)))): check that it is there and is yours"
            )
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            close(opened)
            throw MillraceError(
                .conflict, "the search database '\(path)' is in use by another engine: stop that one, or choose another path")
        }
        descriptor = Locked(opened)
    }

    deinit { release() }

    func release() {
        let held = descriptor.withLock { $0.take() }
        guard let held else { return }
        // A process that is just being started has a copy of the descriptor until it runs its own program, and would hold the lock with it.
        flock(held, LOCK_UN)
        close(held)
    }
}

/// A directory whose names are removed as soon as its files are open: what is in them ends with the process that has them open.
final class TemporaryDatabaseDirectory {
    let path: String

    /// - Throws: ``ErrorCode/storageUnavailable`` when it cannot be made.
    init() throws(MillraceError) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/millrace-search-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw MillraceError(
                .storageUnavailable,
                "no directory can be made in '\(parent)' (\(String(cString: strerror(errno)))): set TMPDIR to one that can be written")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove() }

    func remove() {
        for name in ["search.db", "search.db-wal", "search.db-shm", "search.db.lock"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
