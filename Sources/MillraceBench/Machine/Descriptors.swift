import Glibc
import MillraceCore

/// The number of file descriptors that a process may have, which its children inherit.
enum Descriptors {
    /// Raises the soft limit to the hard one and returns that.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_max)
    }

    /// - Throws: ``MillraceError`` that says how to get more, where a server may not have so many connections.
    static func require(connections: Int, limit: Int) throws(MillraceError) {
        // Beside connections: the listener, epoll, logs, the store.
        let needed = connections + 64
        guard needed > limit else { return }
        throw MillraceError(
            .limitExceeded,
            "\(connections) connections need \(needed) file descriptors in the server, and a process may have \(limit) here: "
                + "raise the hard limit as root, `ulimit -Hn \(needed)`")
    }
}
