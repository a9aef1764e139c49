public import Millrace
import MillraceCore

/// Objects in the process's memory: for tests, and for servers that keep nothing.
public final class InMemoryObjectStore: ObjectStore {
    private struct Entry {
        var metadata: ObjectMetadata
        var bytes: [UInt8]
    }

    private struct State {
        /// By the key's bytes: two spellings of one character are one `String`, and two keys.
        var entries: [[UInt8]: Entry] = [:]
        var byteCount = 0
        var version = 0
    }

    private let state = Locked(State())
    private let byteLimit: Int

    /// An empty store.
    /// - Parameter byteLimit: how many bytes all objects may have together (default: 256 MiB); beyond it nothing more is stored
    ///   (``ErrorCode/storageFull``).
    public init(byteLimit: Int = 256 << 20) { self.byteLimit = byteLimit }

    /// Stores an object.
    public func put(_ key: String, _ body: ObjectBody, options: ObjectPutOptions) async throws -> ObjectMetadata {
        try ObjectRules.checkKey(key)
        try ObjectRules.check(options)
        let bytes = try await collect(body)
        return try state.withLock { state throws(MillraceError) in
            let old = state.entries[Array(key.utf8)]
            switch options.condition {
            case .absent? where old != nil: throw ObjectRules.unmetCondition(options.condition)
            case .matches(let tag)? where old?.metadata.entityTag != tag: throw ObjectRules.unmetCondition(options.condition)
            default: break
            }
            let count = state.byteCount + bytes.count - (old?.bytes.count ?? 0)
            guard count <= byteLimit else { throw full() }
            state.byteCount = count
            state.version += 1
            let metadata = ObjectMetadata(
                key: key, length: bytes.count, entityTag: "v\(state.version)", modifiedAt: .now(), mimeType: options.mimeType,
                metadata: options.metadata)
            state.entries[Array(key.utf8)] = Entry(metadata: metadata, bytes: bytes)
            return metadata
        }
    }

    private func full() -> MillraceError { MillraceError(.storageFull, "the objects in memory have reached \(byteLimit) bytes") }

    private func collect(_ body: ObjectBody) async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(let length, let next):
            var bytes: [UInt8] = []
            while let piece = try await next() {
                guard bytes.count + piece.count <= byteLimit else { throw full() }
                bytes += piece
            }
            guard length == nil || length == bytes.count else {
                throw MillraceError(
                    .invalidInput, "the object's content was said to have \(length ?? 0) bytes and has \(bytes.count)")
            }
            return bytes
        }
    }

    /// Lends an object's content.
    public func get<R>(_ key: String, range: ObjectRange?, _ read: (any ObjectContent) async throws -> R) async throws -> R {
        try ObjectRules.checkKey(key)
        guard let entry = state.withLock({ $0.entries[Array(key.utf8)] }) else { throw ObjectRules.noSuchObject(key) }
        let wanted = try ObjectRules.bytes(range, length: entry.bytes.count)
        return try await read(Content(metadata: entry.metadata, bytes: entry.bytes[wanted]))
    }

    private final class Content: ObjectContent {
        let metadata: ObjectMetadata
        private var rest: ArraySlice<UInt8>

        init(metadata: ObjectMetadata, bytes: ArraySlice<UInt8>) {
            self.metadata = metadata
            rest = bytes
        }

        func next() async throws -> [UInt8]? {
            try Task.checkCancellation()
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(64 << 10) }
            return Array(rest.prefix(64 << 10))
        }
    }

    /// What is known of an object.
    public func head(_ key: String) async throws -> ObjectMetadata? {
        try ObjectRules.checkKey(key)
        return state.withLock { $0.entries[Array(key.utf8)]?.metadata }
    }

    /// Removes an object.
    public func delete(_ key: String) async throws {
        try ObjectRules.checkKey(key)
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: Array(key.utf8)) { state.byteCount -= old.bytes.count }
        }
    }

    /// The objects whose keys begin with a prefix.
    public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
        try ObjectRules.checkLimit(limit)
        let found = state.withLock { state in
            state.entries.values.map(\.metadata).filter {
                $0.key.utf8.starts(with: prefix.utf8) && (after == nil || after!.utf8.lexicographicallyPrecedes($0.key.utf8))
            }
        }.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let page = found.prefix(limit).map { metadata in
            var metadata = metadata
            metadata.mimeType = nil
            metadata.metadata = [:]
            return metadata
        }
        return ObjectPage(objects: page, hasMore: found.count > limit)
    }

    /// Copies an object.
    public func copy(_ key: String, to target: String) async throws -> ObjectMetadata {
        try ObjectRules.checkKey(key)
        try ObjectRules.checkKey(target)
        guard let entry = state.withLock({ $0.entries[Array(key.utf8)] }) else { throw ObjectRules.noSuchObject(key) }
        return try await put(
            target, .bytes(entry.bytes), options: ObjectPutOptions(mimeType: entry.metadata.mimeType, metadata: entry.metadata.metadata))
    }

    /// None: there is no server to ask.
    public func presign(_ operation: ObjectOperation, _ key: String, expiresIn seconds: Int) async throws -> String? { nil }
}
