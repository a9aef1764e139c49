import Glibc
import Millrace
import MillraceCore

/// An open file or directory, closed with its last owner. All calls block.
final class ObjectFile: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: `nil` when there is nothing under that name, or something that is not followed: a link, or a file in a directory's place.
    static func directory(_ name: String, in parent: ObjectFile) throws(MillraceError) -> ObjectFile? {
        try opened(openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
    }

    /// A regular file for reading; `nil` as of ``directory(_:in:)``.
    static func file(_ name: String, in parent: ObjectFile) throws(MillraceError) -> ObjectFile? {
        // A pipe in a file's place must not make us wait.
        guard let file = try opened(openat(parent.descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) else { return nil }
        return try file.status().st_mode & S_IFMT == S_IFREG ? file : nil
    }

    private static func opened(_ descriptor: Int32) throws(MillraceError) -> ObjectFile? {
        if descriptor >= 0 { return ObjectFile(descriptor) }
        guard [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(errno) else { throw failure("open") }
        return nil
    }

    func status() throws(MillraceError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("fstat") }
        return status
    }

    /// The description at the file's end; `nil`: the file is damaged, or not one of the store's.
    func footer() throws(MillraceError) -> ObjectFooter? {
        let length = Int(try status().st_size)
        guard length > ObjectFooter.tailBytes else { return nil }
        let tail = try read(at: length - ObjectFooter.tailBytes, count: ObjectFooter.tailBytes)
        guard let count = ObjectFooter.jsonLength(tail: tail), count + ObjectFooter.tailBytes <= length else { return nil }
        return ObjectFooter(json: try read(at: length - ObjectFooter.tailBytes - count, count: count), fileLength: length)
    }

    /// So many bytes from an offset, fewer at the file's end.
    func read(at offset: Int, count: Int) throws(MillraceError) -> [UInt8] {
        var done = 0
        var problem: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while done < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + done, count - done, off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                if got < 0 { problem = errno }
                if got <= 0 { break }
                done += got
            }
            filled = done
        }
        if problem != 0 { throw Self.failure("pread", problem) }
        return bytes
    }

    func write(_ bytes: [UInt8]) throws(MillraceError) {
        let problem = bytes.withUnsafeBytes { bytes -> Int32 in
            var done = 0
            while done < bytes.count, let base = bytes.baseAddress {
                let written = Glibc.write(descriptor, base + done, bytes.count - done)
                if written < 0, errno == EINTR { continue }
                if written <= 0 { return written < 0 ? errno : EIO }
                done += written
            }
            return 0
        }
        if problem != 0 { throw Self.failure("write", problem) }
    }

    func sync() throws(MillraceError) {
        while fsync(descriptor) != 0 {
            if errno != EINTR { throw Self.failure("fsync") }
        }
    }

    /// The names within, in no order. The directory may change meanwhile.
    func forEachName(_ body: ([UInt8]) -> Void) throws(MillraceError) {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else {
            if errno == ENOENT { return }
            throw Self.failure("open")
        }
        guard let stream = fdopendir(copy) else {
            close(copy)
            throw Self.failure("fdopendir")
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw Self.failure("readdir") }
                return
            }
            withUnsafeBytes(of: &entry.pointee.d_name) { name in body(Array(name.prefix { $0 != 0 })) }
        }
    }

    /// What a failed call means.
    static func failure(_ call: String, _ number: Int32 = errno) -> MillraceError {
        let reason = "\(call): \(String(cString: strerror(number)))"
        switch number {
        case ENOSPC, EDQUOT, EFBIG:
            return MillraceError(.storageFull, "the directory of objects is full (\(reason)): make room", isRetryable: true)
        case EACCES, EPERM, EROFS:
            return MillraceError(.storageUnavailable, "the directory of objects may not be used so (\(reason)): check its owner and mount")
        default: return MillraceError(.storageUnavailable, "the directory of objects cannot be used now (\(reason))", isRetryable: true)
        }
    }
}
