import Glibc

/// Writes small files whole or not at all. It blocks: not for a loop.
///
/// Two writers of one path must exclude each other: both would use the same temporary file, `PATH.part`.
package enum AtomicFile {
    /// Replaces a file, or makes it.
    /// - Parameters:
    ///   - permissions: of the new file, whatever the umask says.
    ///   - isDurable: whether it returns only when the disk has the file under its new name.
    /// - Throws: ``ErrorCode/storageFull``; ``ErrorCode/system``.
    package static func write(
        _ bytes: [UInt8], to path: String, permissions: UInt32 = 0o600, isDurable: Bool
    ) throws(MillraceError) {
        let temporary = try writeTemporary(bytes, path, permissions, isDurable)
        guard rename(temporary, path) == 0 else {
            let error = failure("replace", path)
            unlink(temporary)
            throw error
        }
        if isDurable { try syncDirectory(of: path) }
    }

    /// Makes a file that must not be there yet, durably.
    /// - Throws: ``ErrorCode/conflict`` where it is there; as ``write(_:to:permissions:isDurable:)``.
    package static func create(_ bytes: [UInt8], at path: String, permissions: UInt32 = 0o600) throws(MillraceError) {
        let temporary = try writeTemporary(bytes, path, permissions, true)
        defer { unlink(temporary) }
        guard link(temporary, path) == 0 else {
            if errno == EEXIST { throw MillraceError(.conflict, "\(path) exists already") }
            throw failure("make", path)
        }
        try syncDirectory(of: path)
    }

    private static func writeTemporary(
        _ bytes: [UInt8], _ path: String, _ permissions: UInt32, _ isDurable: Bool
    ) throws(MillraceError) -> String {
        let temporary = path + ".part"
        // What a crash left is no use, and what somebody else put there is not written through.
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw failure("make", temporary) }
        var written = 0
        var isGood = fchmod(descriptor, permissions) == 0
        while isGood, written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            isGood = count > 0
            written += max(count, 0)
        }
        if isGood, isDurable { isGood = fsync(descriptor) == 0 }
        guard isGood else {
            let error = failure("write", temporary)
            close(descriptor)
            unlink(temporary)
            throw error
        }
        guard close(descriptor) == 0 else {
            let error = failure("write", temporary)
            unlink(temporary)
            throw error
        }
        return temporary
    }

    private static func syncDirectory(of path: String) throws(MillraceError) {
        let parent = Directories.parent(of: path)
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", parent) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", parent) }
    }

    private static func failure(_ verb: String, _ path: String) -> MillraceError {
        let error = errno
        return MillraceError(
            error == ENOSPC || error == EDQUOT ? .storageFull : .system, "cannot \(verb) \(path): \(String(cString: strerror(error)))")
    }
}
