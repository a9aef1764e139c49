import Glibc
import Millrace
import MillraceAWS
import MillraceCore

/// A file as a document that is to be ingested. What it contains is read twice, and must be the same both times.
struct FileDocument: Sendable {
    /// What changes with a file, as far as the file system knows.
    private struct Stamp: Equatable {
        var size: Int
        var seconds: Int
        var nanoseconds: Int
        var inode: UInt
    }

    private let path: String
    private let executor: BlockingExecutor
    private let stamp = Locked<Stamp?>(nil)

    private static let pieceBytes = 256 << 10

    init(_ path: String, executor: BlockingExecutor) {
        self.path = path
        self.executor = executor
    }

    /// The document of a file.
    func document(name: String, metadata: [String: String]) -> IngestionDocument {
        let title = FolderWalk.lastPart(of: path) ?? name
        return IngestionDocument(
            name: name, title: title, metadata: metadata, contentHash: { try await contentHash() }, read: { body in try await read(body) })
    }

    /// SHA-256 of the bytes.
    private func contentHash() async throws -> String {
        try await executor.run {
            let file = try open()
            defer { close(file) }
            let before = try look(file)
            var digest = SHA256Digest()
            var buffer = [UInt8](repeating: 0, count: Self.pieceBytes)
            while true {
                let count = try fill(&buffer, file)
                if count == 0 { break }
                buffer.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
            guard try look(file) == before else { throw changed }
            stamp.withLock { $0 = before }
            return Hexadecimal.text(digest.value())
        }
    }

    private func read(_ body: (_ next: @escaping () async throws -> [UInt8]?) async throws -> Void) async throws {
        let file = try await executor.run { try open() }
        defer { close(file) }
        try await body {
            let bytes = try await executor.run {
                var buffer = [UInt8](repeating: 0, count: Self.pieceBytes)
                let count = try fill(&buffer, file)
                // What was read has another hash, unless nothing has changed.
                if count == 0, let stamp = stamp.withLock({ $0 }), try look(file) != stamp { throw changed }
                buffer.removeLast(buffer.count - count)
                return buffer
            }
            return bytes.isEmpty ? nil : bytes
        }
    }

    // MARK: Calls

    private func open() throws(MillraceError) -> Int32 {
        // Somebody may have put a pipe in its place: without waiting for its other end.
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure }
        return file
    }

    private func look(_ file: Int32) throws(MillraceError) -> Stamp {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure }
        guard status.st_mode & S_IFMT == S_IFREG else { throw MillraceError(.system, "it is no file any more") }
        return Stamp(
            size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, inode: UInt(status.st_ino))
    }

    private func fill(_ buffer: inout [UInt8], _ file: Int32) throws(MillraceError) -> Int {
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw failure }
        }
    }

    private var failure: MillraceError { MillraceError(.system, "it cannot be read: \(String(cString: strerror(errno)))") }
    private var changed: MillraceError { MillraceError(.conflict, "it changed while it was read: ingest it again") }
}
