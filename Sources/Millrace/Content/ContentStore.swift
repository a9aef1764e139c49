import MillraceCore

/// The files that people upload: bytes in an ``ObjectStore``, and who owns them in the ``Store``.
///
/// A handler gets a pointer (`content://ID`) in a message or a context item and reads it with the run's own principal:
/// ```swift
/// let bytes = try await clients.content.bytes(pointer, limit: 1 << 20, principal: context.principal)
/// ```
/// What belongs to somebody else does not exist for the asker.
public struct ContentStore: Sendable {
    private let store: any Store
    private let objects: any ObjectStore
    /// Removes a file together with what else there is of it; the server's.
    package var removal: (@Sendable (ContentRecord, Principal) async throws -> Bool)?

    /// Creates a store of content.
    /// - Parameters:
    ///   - store: who owns what.
    ///   - objects: the bytes; keys begin with `content/`.
    public init(store: any Store, objects: any ObjectStore) {
        self.store = store
        self.objects = objects
    }

    /// Stores a file. The record is made last: a file that was cut off belongs to nobody and cannot be read.
    /// - Parameters:
    ///   - title: the name that the client gave, at most 1,024 bytes; `nil`: none.
    ///   - mimeType: what the client says it is.
    /// - Throws: what the body throws, what the stores throw; nothing is stored then.
    public func add(_ body: ObjectBody, title: String?, mimeType: String, principal: Principal) async throws -> ContentRecord {
        var record = ContentRecord(
            id: Identifier.make(prefix: "f"), title: title, mimeType: mimeType, length: 0, entityTag: "", createdAt: .now())
        let object = try await objects.put(record.objectKey, body, options: ObjectPutOptions(mimeType: mimeType))
        record.length = object.length
        record.entityTag = object.entityTag
        // A slow upload is as young as any other when it can be named.
        record.createdAt = .now()
        do {
            try await store.createContent(record, principal: principal)
        } catch {
            // Also for a caller who is cancelled: nobody else would ever find the bytes.
            let (objects, key) = (objects, record.objectKey)
            await Task { try? await objects.delete(key) }.value
            throw error
        }
        return record
    }

    /// What is known of a file; `nil`: the asker has none of that pointer or id.
    public func record(_ pointer: String, principal: Principal) async throws -> ContentRecord? {
        guard let id = ContentRecord.id(of: pointer) else { return nil }
        return try await store.content(id, principal: principal)
    }

    /// The owner's files, newest first.
    public func records(page: PageRequest, principal: Principal) async throws -> Page<ContentRecord> {
        try await store.contents(page: page, principal: principal)
    }

    /// Lends a file's bytes.
    /// - Parameter range: which bytes; `nil`: all.
    /// - Throws: ``ErrorCode/notFound`` for a file that the asker does not have; as ``ObjectStore/get(_:range:_:)``.
    public func read<R>(
        _ pointer: String, range: ObjectRange? = nil, principal: Principal, _ body: (any ObjectContent) async throws -> R
    ) async throws -> R {
        guard let record = try await record(pointer, principal: principal) else { throw Self.notFound(pointer) }
        return try await objects.get(record.objectKey, range: range, body)
    }

    /// A whole file.
    /// - Parameter limit: the most bytes that are taken.
    /// - Throws: as ``read(_:range:principal:_:)``, and ``ErrorCode/limitExceeded``.
    public func bytes(_ pointer: String, limit: Int, principal: Principal) async throws -> [UInt8] {
        guard let record = try await record(pointer, principal: principal) else { throw Self.notFound(pointer) }
        return try await objects.bytes(record.objectKey, limit: limit)
    }

    /// Removes a file, and in a server with it what was made of it for searching. Returns false when the asker has none of that pointer.
    public func delete(_ pointer: String, principal: Principal) async throws -> Bool {
        guard let record = try await record(pointer, principal: principal) else { return false }
        if let removal { return try await removal(record, principal) }
        return try await deleteAlone(record, principal: principal)
    }

    /// Removes a file of which nothing else was made.
    package func deleteAlone(_ record: ContentRecord, principal: Principal) async throws -> Bool {
        guard try await store.deleteContent(record.id, principal: principal) else { return false }
        try await objects.delete(record.objectKey)
        return true
    }

    /// Removes the bytes of a file whose record nobody can find any more. Bytes that are gone are gone already.
    package func removeBytes(of record: ContentRecord) async throws { try await objects.delete(record.objectKey) }

    private static func notFound(_ pointer: String) -> MillraceError {
        MillraceError(.notFound, "there is no content '\(pointer.prefix(200))'")
    }
}
