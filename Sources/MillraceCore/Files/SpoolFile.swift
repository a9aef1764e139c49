import Glibc

/// A file without a name, which goes when the last process closes it.
package enum SpoolFile {
    /// The file's descriptor, or -1 with `errno`.
    package static func open(in directory: String) -> Int32 {
        let descriptor = Glibc.open(directory, __O_TMPFILE | O_DIRECTORY | O_RDWR | O_EXCL | O_CLOEXEC, 0o600)
        // File systems that cannot, such as some of containers, say so in several ways.
        guard descriptor < 0, [EOPNOTSUPP, EISDIR, EINVAL].contains(errno) else { return descriptor }
        var name = Array("\(directory)/millrace-XXXXXX".utf8CString)
        let named = mkstemp(&name)
        if named >= 0 {
            unlink(name)
            _ = fcntl(named, F_SETFD, FD_CLOEXEC)
        }
        return named
    }
}
