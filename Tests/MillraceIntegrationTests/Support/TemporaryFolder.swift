import Glibc

/// A directory that goes away with the value, with all files and directories in it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = TestFiles.temporaryPath("folder")
        guard mkdir(path, 0o700) == 0 else { throw ClientFailure("cannot make \(path): \(String(cString: strerror(errno)))") }
    }

    deinit { TestFiles.remove(path) }

    /// Makes a file and returns its path.
    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw ClientFailure("cannot write \(file): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw ClientFailure("cannot write \(file)") }
        fchmod(descriptor, mode)
        return file
    }
}
