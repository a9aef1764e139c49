public import Millrace
import MillraceAWS
public import MillraceCore

/// Objects in a directory of this machine: the embedded object store.
///
/// An object's content, type and metadata are one file, written aside and renamed into its place, so that a crash at any moment leaves the
/// old or the new. Content that is read to its end is compared with its SHA-256, which is also the entity tag. Nothing blocks a loop: files
/// are worked on by a ``BlockingExecutor``. Links within the directory are not followed. Several stores, of several processes as well, may
/// share a directory on one machine.
///
/// Files that are not the store's own are left alone and not listed.
public final class DirectoryObjectStore: ObjectStore {
    /// When an object counts as stored.
    public enum Durability: String, Equatable, Sendable, CaseIterable {
        /// It survives power loss; each object costs two syncs of the disk.
        case full
        /// It survives a crash of the process; the last objects before a loss of power may be gone or damaged, which is noticed.
        case normal
    }

    private let directory: ObjectDirectory
    private let executor: BlockingExecutor
    private static let pieceBytes = 256 << 10
    private static let copyBytes = 1 << 20

    /// Opens a directory and removes what a crash left unfinished. It blocks: at start-up, not on a loop.
    /// - Parameters:
    ///   - path: made where it is missing; its parent is there.
    ///   - executor: where files are worked on; an upload or a download has one of its threads for a moment at a time.
    ///   - durability: when an object counts as stored (default: `full`).
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` for a directory that cannot be opened.
    public init(path: String, executor: BlockingExecutor, durability: Durability = .full) throws(MillraceError) {
        directory = try ObjectDirectory(root: path, isDurable: durability == .full)
        self.executor = executor
    }

    /// Stores an object, as ``ObjectStore`` says.
    public func put(_ key: String, _ body: ObjectBody, options: ObjectPutOptions) async throws -> ObjectMetadata {
        try ObjectRules.checkKey(key)
        try ObjectRules.check(options)
        return try await withWriter { writer in
            switch body {
            case .bytes(let bytes):
                try await executor.run { try writer.write(bytes) }
            case .stream(let length, let next):
                try await write(next, length, writer)
            }
            try Task.checkCancellation()
            return try await executor.run { try writer.commit(key, options: options) }
        }
    }

    private func write(
        _ next: @Sendable () async throws -> [UInt8]?, _ length: Int?, _ writer: ObjectWriter
    ) async throws {
        var pending: [UInt8] = []
        var total = 0
        while let piece = try await next() {
            try Task.checkCancellation()
            total += piece.count
            if let length, total > length { throw MillraceError(.invalidInput, "the body is longer than its length says") }
            // Small pieces are gathered, so that each does not cost a hop.
            pending += piece
            if pending.count >= Self.pieceBytes {
                try await executor.run { [pending] in try writer.write(pending) }
                pending = []
            }
        }
        if let length, total < length { throw MillraceError(.invalidInput, "the body is shorter than its length says") }
        try await executor.run { [pending] in try writer.write(pending) }
    }

    private func withWriter(_ body: (ObjectWriter) async throws -> ObjectMetadata) async throws -> ObjectMetadata {
        let directory = directory
        let writer = try await executor.run { try ObjectWriter(directory) }
        do { return try await body(writer) } catch {
            // An executor that is about to stop leaves it to the next start.
            try? await executor.run { writer.discard() }
            throw error
        }
    }

    /// Lends an object's content, as ``ObjectStore`` says.
    public func get<R>(_ key: String, range: ObjectRange?, _ read: (any ObjectContent) async throws -> R) async throws -> R {
        try ObjectRules.checkKey(key)
        try ObjectRules.check(range)
        let directory = directory
        let found = try await executor.run { try directory.open(ObjectPath(key)) }
        guard let (file, footer) = found else { throw ObjectRules.noSuchObject(key) }
        let bytes = try ObjectRules.bytes(range, length: footer.length)
        return try await read(DirectoryObjectContent(ObjectReader(file, footer, bytes), footer.metadata(key), executor, Self.pieceBytes))
    }

    /// Describes an object, as ``ObjectStore`` says.
    public func head(_ key: String) async throws -> ObjectMetadata? {
        try ObjectRules.checkKey(key)
        let directory = directory
        return try await executor.run { try directory.open(ObjectPath(key))?.footer.metadata(key) }
    }

    /// Removes an object, as ``ObjectStore`` says.
    public func delete(_ key: String) async throws {
        try ObjectRules.checkKey(key)
        let directory = directory
        try await executor.run { try directory.remove(ObjectPath(key)) }
    }

    /// Lists objects, as ``ObjectStore`` says.
    public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
        try ObjectRules.checkLimit(limit)
        let directory = directory
        return try await executor.run { try ObjectLister.page(of: directory, prefix: prefix, after: after, limit: limit) }
    }

    /// Copies an object, as ``ObjectStore`` says.
    public func copy(_ key: String, to target: String) async throws -> ObjectMetadata {
        try ObjectRules.checkKey(key)
        try ObjectRules.checkKey(target)
        let directory = directory
        let found = try await executor.run { try directory.open(ObjectPath(key)) }
        guard let (file, footer) = found else { throw ObjectRules.noSuchObject(key) }
        return try await withWriter { writer in
            // The content is compared with its hash on the way, so that damage is not copied.
            let reader = ObjectReader(file, footer, 0..<footer.length)
            while try await executor.run({
                guard let bytes = try reader.next(Self.copyBytes) else { return false }
                try writer.write(bytes)
                return true
            }) { try Task.checkCancellation() }
            let options = ObjectPutOptions(mimeType: footer.mimeType, metadata: footer.metadata)
            return try await executor.run { try writer.commit(target, options: options) }
        }
    }

    /// Gives `nil`: there is nobody who would serve such a URL.
    public func presign(_ operation: ObjectOperation, _ key: String, expiresIn seconds: Int) async throws -> String? {
        try ObjectRules.checkKey(key)
        return nil
    }
}

/// Reads an object's bytes. It blocks.
///
/// `@unchecked Sendable`: used by one piece of work at a time, each of which its caller awaits.
private final class ObjectReader: @unchecked Sendable {
    private let file: ObjectFile
    private let footer: ObjectFooter
    private let end: Int
    private var offset: Int
    /// Of content that is read whole.
    private var digest: SHA256Digest?

    init(_ file: ObjectFile, _ footer: ObjectFooter, _ bytes: Range<Int>) {
        self.file = file
        self.footer = footer
        offset = bytes.lowerBound
        end = bytes.upperBound
        if bytes == 0..<footer.length { digest = SHA256Digest() }
    }

    func next(_ most: Int) throws(MillraceError) -> [UInt8]? {
        guard offset < end else { return nil }
        let bytes = try file.read(at: offset, count: min(most, end - offset))
        offset += bytes.count
        bytes.withUnsafeBytes { digest?.update($0) }
        var isRight = true
        if offset == end, let value = digest?.value() { isRight = Hexadecimal.text(value) == footer.sha256 }
        guard !bytes.isEmpty, isRight else {
            throw MillraceError(.storageUnavailable, "an object's content is damaged: it does not fit its SHA-256")
        }
        return bytes
    }
}

private final class DirectoryObjectContent: ObjectContent {
    let metadata: ObjectMetadata
    private let reader: ObjectReader
    private let executor: BlockingExecutor
    private let pieceBytes: Int

    init(_ reader: ObjectReader, _ metadata: ObjectMetadata, _ executor: BlockingExecutor, _ pieceBytes: Int) {
        self.reader = reader
        self.metadata = metadata
        self.executor = executor
        self.pieceBytes = pieceBytes
    }

    func next() async throws -> [UInt8]? {
        try Task.checkCancellation()
        let (reader, pieceBytes) = (reader, pieceBytes)
        return try await executor.run { try reader.next(pieceBytes) }
    }
}
