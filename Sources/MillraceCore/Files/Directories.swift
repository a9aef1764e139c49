import Glibc

/// Makes directories. It blocks: not for a loop.
package enum Directories {
    /// Makes a directory for its owner only, and those above it, where they are missing.
    /// - Throws: ``ErrorCode/system``, also where something else has the name.
    package static func make(_ path: String) throws(MillraceError) {
        if path.isEmpty || path == "/" || mkdir(path, 0o700) == 0 { return }
        var status = stat()
        switch errno {
        case EEXIST where stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR: return
        case EEXIST: throw MillraceError(.system, "\(path) is not a directory")
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw failure(path) }
            try make(String(path[..<slash]))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure(path) }
        default: throw failure(path)
        }
    }

    /// The directory that holds a path; `.` for a name alone.
    package static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private static func failure(_ path: String) -> MillraceError {
        MillraceError(.system, "cannot make the directory \(path): \(String(cString: strerror(errno)))")
    }
}
