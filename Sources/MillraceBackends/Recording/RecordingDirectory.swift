import Glibc
import MillraceCore

/// The files of recordings. It blocks.
enum RecordingDirectory {
    /// The names of the recordings, sorted.
    /// - Throws: ``ErrorCode/notFound`` where there is no such directory.
    static func files(in directory: String) throws(MillraceError) -> [String] {
        guard let handle = opendir(directory) else {
            let code: ErrorCode = errno == ENOENT ? .notFound : .system
            throw MillraceError(code, "cannot open the directory \(directory): \(String(cString: strerror(errno)))")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".jsonl") { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes a file for its owner only: whole, or not at all.
    static func write(_ text: String, _ path: String) throws(MillraceError) {
        func failure(_ problem: String) -> MillraceError {
            let code: ErrorCode = errno == ENOSPC ? .storageFull : .system
            return MillraceError(code, "cannot \(problem) the recording \(path): \(String(cString: strerror(errno)))")
        }
        let temporary = path + ".part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make") }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure("write")
                close(descriptor)
                unlink(temporary)
                throw error
            }
            written += count
        }
        guard close(descriptor) == 0, rename(temporary, path) == 0 else {
            let error = failure("finish")
            unlink(temporary)
            throw error
        }
    }
}
