import Glibc
import MillraceCore

/// A lock between processes, held on a file of its own for as long as a call takes (`flock`, which ends with the process however that dies).
enum FileLock {
    /// Runs `body` while nobody else holds the lock. It blocks, for 10 s at most until it has the lock.
    static func with<R>(_ path: String, _ body: () throws -> R) throws -> R {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be made", path) }
        defer { close(descriptor) }
        var tries = 0
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw failure("cannot be taken", path) }
            // The kernel tells of a released lock only to who waits for ever.
            tries += 1
            guard tries < 1000 else {
                throw MillraceError(
                    .storageUnavailable, "another process has been writing for 10 seconds (it holds the lock \(path)): try again",
                    isRetryable: true)
            }
            usleep(10_000)
        }
        return try body()
    }

    private static func failure(_ problem: String, _ path: String) -> MillraceError {
        MillraceError(.storageUnavailable, "the lock \(path) \(problem): \(String(cString: strerror(errno)))")
    }
}
