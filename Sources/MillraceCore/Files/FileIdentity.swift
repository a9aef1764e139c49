import Glibc

/// What tells a file from the one that stood under its path before: a file that is replaced, written or touched has another identity.
package struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let node: UInt64
    private let byteCount: Int
    private let modified: [Int]

    /// - Returns: `nil` where there is no such file.
    /// - Throws: ``ErrorCode/system`` when it cannot be looked at.
    package init?(_ path: String) throws(MillraceError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw MillraceError(.system, "cannot look at \(path): \(String(cString: strerror(errno)))")
        }
        device = UInt64(status.st_dev)
        node = UInt64(status.st_ino)
        byteCount = Int(status.st_size)
        // The second time changes also where somebody sets the first one back.
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}
