import Glibc
import MillraceCore

/// The few file operations that the benchmark needs.
enum Files {
    static func executable(_ path: String) -> String? { access(path, X_OK) == 0 ? path : nil }

    /// The path of this program.
    static func ownPath() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// The whole text of a small file, or `nil` where it can't be read (a process that has ended).
    static func read(_ path: String) -> String? {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = part.withUnsafeMutableBytes { Glibc.read(fd, $0.baseAddress, $0.count) }
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes.append(contentsOf: part.prefix(count))
        }
    }

    static func write(_ text: String, to path: String) throws(MillraceError) {
        let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard fd >= 0 else { throw .lastCall("cannot write \(path)") }
        defer { close(fd) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
            guard count > 0 else { throw .lastCall("cannot write \(path)") }
            rest = rest.dropFirst(count)
        }
    }

    static func makeTemporaryDirectory(in parent: String) throws(MillraceError) -> String {
        var template = Array("\(parent)/millrace-bench.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkdtemp($0) != nil } ?? false }
        guard made else { throw .lastCall("cannot make a directory in \(parent)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a directory that ``makeTemporaryDirectory(in:)`` made, with all that is in it.
    static func removeTree(_ path: String) {
        guard path.contains("/millrace-bench.") else { return }
        for name in names(in: path) where unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
        rmdir(path)
    }

    static func makeDirectory(_ path: String) throws(MillraceError) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .lastCall("cannot make \(path)") }
    }

    /// Copies a file, replacing what is there, and waits until the copy is on disk.
    static func copy(_ source: String, to target: String) throws(MillraceError) {
        let from = open(source, O_RDONLY | O_CLOEXEC)
        guard from >= 0 else { throw .lastCall("cannot read \(source)") }
        defer { close(from) }
        let to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard to >= 0 else { throw .lastCall("cannot write \(target)") }
        defer { close(to) }
        while true {
            let count = sendfile(to, from, nil, 1 << 30)
            guard count >= 0 else { throw .lastCall("cannot copy \(source)") }
            if count == 0 { break }
        }
        guard fsync(to) == 0 else { throw .lastCall("cannot sync \(target)") }
    }

    /// Waits until a file is on disk, so that nobody who syncs it later pays for that.
    static func sync(_ path: String) throws(MillraceError) {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw .lastCall("cannot open \(path)") }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .lastCall("cannot sync \(path)") }
    }

    /// The names in a directory without `.` and `..`; none where it can't be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The bytes of all files below a directory whose names `isCounted` accepts.
    static func size(of path: String, where isCounted: (String) -> Bool = { _ in true }) -> Int {
        var total = 0
        for name in names(in: path) {
            var information = stat()
            guard lstat("\(path)/\(name)", &information) == 0 else { continue }
            if information.st_mode & S_IFMT == S_IFDIR {
                total += size(of: "\(path)/\(name)", where: isCounted)
            } else if isCounted(name) {
                total += information.st_size
            }
        }
        return total
    }
}

extension MillraceError {
    /// What the operating system refused, with the text of `errno`.
    static func lastCall(_ message: String) -> MillraceError {
        MillraceError(.system, "\(message): \(String(cString: strerror(errno)))")
    }
}
