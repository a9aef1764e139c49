import CSQLite
import Glibc

/// How a call is made to fail.
struct Failure: Equatable, Hashable, Sendable {
    /// As ``enum fault_kind`` of `Library/faults.h`.
    enum Kind: UInt64, Sendable {
        case error = 1
        case short, errorAfter, kill, tornKill, killAfter, delay
    }
    let name: String
    let kind: Kind
    let value: UInt64

    /// It does a part of what it was asked for.
    static let short = Failure(name: "short", kind: .short, value: 0)
    /// The process ends before the call, in the middle of what it writes, or after the call.
    static let kills: [Failure] = [
        Failure(name: "killed before", kind: .kill, value: 0), Failure(name: "killed half-way", kind: .tornKill, value: 0),
        Failure(name: "killed after", kind: .killAfter, value: 0),
    ]
    static func delay(milliseconds: Int) -> Failure { Failure(name: "\(milliseconds) ms late", kind: .delay, value: UInt64(milliseconds)) }

    init(name: String, kind: Kind, value: UInt64) {
        self.name = name
        self.kind = kind
        self.value = value
    }

    /// An error number of the kernel or of SQLite, by its name.
    init(_ name: String, after: Bool = false) {
        self.init(name: name, kind: after ? .errorAfter : .error, value: UInt64(bitPattern: Int64(Self.numbers[name] ?? 0)))
    }

    private static let numbers: [String: Int32] = [
        "EINTR": EINTR, "EAGAIN": EAGAIN, "EMFILE": EMFILE, "ENFILE": ENFILE, "ENOMEM": ENOMEM, "ENOBUFS": ENOBUFS, "ENOSPC": ENOSPC,
        "EIO": EIO, "EDQUOT": EDQUOT, "EPIPE": EPIPE, "ECONNRESET": ECONNRESET, "ECONNABORTED": ECONNABORTED, "EACCES": EACCES,
        "EPERM": EPERM, "EPROTO": EPROTO, "EADDRINUSE": EADDRINUSE, "ENOLCK": ENOLCK, "ENOTCONN": ENOTCONN, "ENOSYS": ENOSYS,
        "no memory": ENOMEM, "BUSY": SQLITE_BUSY, "FULL": SQLITE_FULL, "IOERR": SQLITE_IOERR, "NOMEM": SQLITE_NOMEM,
        "CANTOPEN": SQLITE_CANTOPEN, "CORRUPT": SQLITE_CORRUPT, "READONLY": SQLITE_READONLY, "PROTOCOL": SQLITE_PROTOCOL,
        "TOOBIG": SQLITE_TOOBIG,
    ]

    /// The failures that fit a call: those that its manual page, or SQLite's list of result codes, knows.
    static func fitting(call: String, target: String) -> [Failure] {
        if target == "log" { return ["EINTR", "EAGAIN", "EPIPE", "ENOSPC", "EIO"].map { Failure($0) } + [.short] }
        let names: [String]
        switch call {
        case "accept4": names = ["EINTR", "EAGAIN", "ECONNABORTED", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EPERM", "EPROTO"]
        case "recv": return ["EINTR", "EAGAIN", "ECONNRESET", "ENOMEM"].map { Failure($0) } + [.short]
        case "send": return ["EINTR", "EAGAIN", "EPIPE", "ECONNRESET", "ENOMEM"].map { Failure($0) } + [.short]
        case "epoll_ctl": names = ["ENOMEM", "ENOSPC"]
        case "epoll_wait": names = ["EINTR", "ENOSYS"]
        case "epoll_create1", "eventfd", "pipe2": names = ["EMFILE", "ENFILE", "ENOMEM"]
        case "eventfd_write": names = ["EINTR"]
        case "socket": names = ["EMFILE", "ENFILE", "ENOBUFS", "EACCES"]
        case "bind": names = ["EADDRINUSE", "EACCES", "ENOMEM"]
        case "listen": names = ["EADDRINUSE"]
        case "getsockname", "setsockopt": names = ["ENOBUFS"]
        case "shutdown": names = ["ENOTCONN"]
        case "open": names = ["EINTR", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EIO", "EACCES"]
        case "opendir", "fdopendir": names = ["EMFILE", "ENOMEM"]
        case "readdir": names = ["EIO"]
        case "read" where target == "pipe": names = ["EINTR"]
        case "read", "pread": return ["EINTR", "EIO"].map { Failure($0) } + [.short]
        // The kernel refuses only when the pipe of signals is full, and then there is something to read.
        case "write" where target == "pipe": return []
        case "write", "pwrite": return ["EINTR", "EIO", "ENOSPC", "EDQUOT"].map { Failure($0) } + [.short]
        case "fsync", "fdatasync": names = ["EINTR", "EIO", "ENOSPC"]
        case "ftruncate": names = ["EINTR", "EIO", "ENOSPC"]
        case "flock": names = ["EINTR", "ENOLCK"]
        case "fcntl": names = ["EINTR", "EAGAIN", "ENOLCK", "EIO"]
        case "close": return [Failure("EINTR", after: true), Failure("EIO", after: true)]
        case "access", "stat", "lstat", "fstat": names = ["EIO", "ENOMEM"]
        case "mkdir", "rename", "link": names = ["EIO", "ENOSPC", "EACCES"]
        case "unlink", "rmdir", "fchmod": names = ["EIO", "EACCES"]
        case "mmap", "malloc": names = ["ENOMEM"]
        case "getrandom": return [Failure("EINTR"), .short]
        case "pthread_create": names = ["EAGAIN"]
        case "sqlite3_open": names = ["CANTOPEN", "IOERR", "NOMEM"]
        case "sqlite3_bind": names = ["NOMEM", "TOOBIG"]
        case "sqlite3_prepare": names = ["BUSY", "IOERR", "NOMEM", "CORRUPT"]
        default: names = ["BUSY", "FULL", "IOERR", "NOMEM", "CORRUPT", "READONLY", "PROTOCOL"]
        }
        return names.map { Failure($0) }
    }
}
