public import MillraceCore

/// Where bytes are kept under keys: the seam behind which a directory and S3 sit.
///
/// An object appears under its key with its last byte: a reader sees the old object or the new one, never a part. It is an engine without
/// owners, and no request reaches it: what belongs to somebody is kept in a ``ContentStore``, whose methods ask for a ``Principal``.
///
/// Methods throw ``ErrorCode/invalidInput`` for a key that is none, ``ErrorCode/storageUnavailable`` (retryable) or
/// ``ErrorCode/storageFull`` when the store fails, `CancellationError` when the task is cancelled.
public protocol ObjectStore: Sendable {
    /// Stores an object, whole or not at all.
    /// - Parameters:
    ///   - key: 1 to 1,024 bytes of UTF-8, such as `reports/2026/q3.pdf`; no control characters.
    ///   - body: pulled as the store takes it, in constant memory.
    ///   - options: media type, metadata, and a condition.
    /// - Returns: what ``head(_:)`` would say of it, with a time that may differ by some seconds.
    /// - Throws: ``ErrorCode/conflict`` when the condition does not hold; what the body throws, and then nothing is stored.
    func put(_ key: String, _ body: ObjectBody, options: ObjectPutOptions) async throws -> ObjectMetadata

    /// Lends an object's content; what `read` has not read when it returns is not fetched.
    /// - Parameter range: which bytes; `nil`: all. A range that begins at the object's end, or has no bytes, gives none.
    /// - Returns: what `read` returns.
    /// - Throws: ``ErrorCode/notFound``; ``ErrorCode/invalidInput`` for a range that begins behind the object's end; ``ErrorCode/conflict``
    ///   where the object is replaced while it is read and the old one is gone; what `read` throws.
    func get<R>(_ key: String, range: ObjectRange?, _ read: (any ObjectContent) async throws -> R) async throws -> R

    /// What is known of an object without its bytes; `nil`: there is none.
    func head(_ key: String) async throws -> ObjectMetadata?

    /// Removes an object; one that is not there is removed already.
    func delete(_ key: String) async throws

    /// The objects whose keys begin with a prefix, in the order of the keys' UTF-8 bytes.
    /// - Parameters:
    ///   - after: only keys behind this one; `nil`: from the first on.
    ///   - limit: 1 to 1,000.
    func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage

    /// Copies an object with its type and metadata, within the store.
    /// - Throws: ``ErrorCode/notFound``.
    func copy(_ key: String, to target: String) async throws -> ObjectMetadata

    /// A URL by which anybody may do one thing with an object until it expires; `nil` where the store offers none, as a directory does.
    /// - Parameter seconds: 1 to 604,800 (seven days).
    func presign(_ operation: ObjectOperation, _ key: String, expiresIn seconds: Int) async throws -> String?
}

extension ObjectStore {
    /// Stores an object without options.
    @discardableResult
    public func put(_ key: String, _ body: ObjectBody) async throws -> ObjectMetadata {
        try await put(key, body, options: ObjectPutOptions())
    }

    /// The whole content.
    /// - Parameter limit: the most bytes that are taken.
    /// - Throws: as ``get(_:range:_:)``, and ``ErrorCode/limitExceeded``.
    public func bytes(_ key: String, limit: Int) async throws -> [UInt8] {
        try await get(key, range: nil) { content in
            var bytes: [UInt8] = []
            while let piece = try await content.next() {
                guard bytes.count + piece.count <= limit else {
                    throw MillraceError(.limitExceeded, "the object is longer than \(limit) bytes")
                }
                bytes += piece
            }
            return bytes
        }
    }
}

/// The content of an object that is to be stored.
public enum ObjectBody: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// Pieces until `next` gives `nil`; `length` is their sum in bytes where it is known, and then must be right.
    case stream(length: Int?, next: @Sendable () async throws -> [UInt8]?)
}

/// How an object is stored.
public struct ObjectPutOptions: Equatable, Sendable {
    /// When the object may be stored.
    public enum Condition: Equatable, Sendable {
        /// Only where none is.
        case absent
        /// Only in place of the object with this tag (``ObjectMetadata/entityTag``).
        case matches(entityTag: String)
    }
    /// The media type, such as `application/pdf`.
    public var mimeType: String?
    /// Names (ASCII letters, digits, `-`, `_`; in lower case) and values (UTF-8); 2 KB together at most.
    public var metadata: [String: String]
    /// When it may be stored (default: always).
    public var condition: Condition?
    /// Creates options.
    public init(mimeType: String? = nil, metadata: [String: String] = [:], condition: Condition? = nil) {
        self.mimeType = mimeType
        self.metadata = metadata
        self.condition = condition
    }
}

/// What is known of an object.
public struct ObjectMetadata: Equatable, Sendable {
    /// Its key.
    public var key: String
    /// The length of its content in bytes.
    public var length: Int
    /// Changes with the content; opaque, without quotes.
    public var entityTag: String
    /// When it was stored.
    public var modifiedAt: Timestamp
    /// The media type it was stored with; ``ObjectStore/list(prefix:after:limit:)`` leaves it out.
    public var mimeType: String?
    /// The metadata it was stored with; ``ObjectStore/list(prefix:after:limit:)`` leaves it out.
    public var metadata: [String: String]
    /// Creates a description.
    public init(
        key: String, length: Int, entityTag: String, modifiedAt: Timestamp, mimeType: String? = nil, metadata: [String: String] = [:]
    ) {
        self.key = key
        self.length = length
        self.entityTag = entityTag
        self.modifiedAt = modifiedAt
        self.mimeType = mimeType
        self.metadata = metadata
    }
}

/// Which bytes of an object to read.
public enum ObjectRange: Equatable, Sendable {
    /// From an offset, so many; fewer where the object ends.
    case bytes(offset: Int, count: Int)
    /// From an offset to the end.
    case from(Int)
    /// The last so many.
    case last(Int)
}

/// An object's content while it is lent; used by one task at a time.
public protocol ObjectContent: AnyObject {
    /// What is known of the whole object.
    var metadata: ObjectMetadata { get }
    /// The next piece, never empty and at most some hundred kilobytes; `nil` at the end.
    func next() async throws -> [UInt8]?
}

/// Some objects of a list.
public struct ObjectPage: Equatable, Sendable {
    /// The objects, in order.
    public var objects: [ObjectMetadata]
    /// Whether more follow behind the last one.
    public var hasMore: Bool
    /// Creates a page.
    public init(objects: [ObjectMetadata], hasMore: Bool) {
        self.objects = objects
        self.hasMore = hasMore
    }
}

/// What a presigned URL permits.
public enum ObjectOperation: Equatable, Sendable {
    /// To read the object, by GET.
    case get
    /// To store the object, by PUT.
    case put
}
