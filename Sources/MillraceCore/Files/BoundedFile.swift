import Glibc

/// Reads small files whole. It blocks: for start-up and the command line, never on a loop.
package enum BoundedFile {
    /// Whether something exists under a path.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The file's bytes.
    /// - Parameter limit: the most bytes that are read.
    /// - Throws: ``MillraceError``: ``ErrorCode/notFound`` when there is no such file, ``ErrorCode/limitExceeded`` when it is longer than
    ///   `limit`, ``ErrorCode/system`` when it cannot be read.
    package static func read(_ path: String, limit: Int) throws(MillraceError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code: ErrorCode = errno == ENOENT ? .notFound : .system
            throw MillraceError(code, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let n = Glibc.read(descriptor, &chunk, chunk.count)
            if n == 0 { return bytes }
            if n < 0 {
                if errno == EINTR { continue }
                throw MillraceError(.system, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            bytes.append(contentsOf: chunk[..<n])
            if bytes.count > limit { throw MillraceError(.limitExceeded, "\(path) is longer than \(limit) bytes") }
        }
    }
}
