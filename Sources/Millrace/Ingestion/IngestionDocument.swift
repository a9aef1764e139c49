/// A document that is to be put into a collection.
public struct IngestionDocument: Sendable {
    /// Reads the document's bytes: calls `body` once with what gives the next bytes, `nil` at the end.
    public typealias Reader =
        @Sendable (_ body: (_ next: @escaping () async throws -> [UInt8]?) async throws -> Void) async throws -> Void

    /// Its name in the collection, such as `manual/setup.md`, 1 to 8,192 bytes of UTF-8: the document of that name is replaced.
    public var name: String
    /// What is shown, where the document gives itself no title: a file's name.
    public var title: String
    /// Where the whole document is (``CollectionPassage/source``); `nil`: its name.
    public var source: String?
    /// What somebody says it is; `nil`: its content says so.
    public var mimeType: String?
    /// What is known of it besides (``CollectionPassage/metadata``).
    public var metadata: [String: String]
    /// Changes with the bytes, such as their SHA-256; asked for before the bytes are read.
    public var contentHash: @Sendable () async throws -> String
    /// Reads its bytes. A document that has changed may be read twice.
    public var read: Reader

    /// Creates a document.
    public init(
        name: String, title: String, source: String? = nil, mimeType: String? = nil, metadata: [String: String] = [:],
        contentHash: @escaping @Sendable () async throws -> String, read: @escaping Reader
    ) {
        self.name = name
        self.title = title
        self.source = source
        self.mimeType = mimeType
        self.metadata = metadata
        self.contentHash = contentHash
        self.read = read
    }
}

/// What became of a document.
public struct IngestionOutcome: Equatable, Sendable {
    /// What became of it.
    public enum Status: String, Equatable, Sendable, CaseIterable {
        /// Its passages are in the index, and those of an older version are not.
        case indexed
        /// They were there already.
        case unchanged
        /// It has no text, or is of a type that has none. Passages of an older version are gone.
        case skipped
        /// It could not be read or written. Passages of an older version stay as long as the new ones cannot be read.
        case failed
        /// It is no longer there, and neither are its passages.
        case deleted
    }

    /// The document's name in the collection.
    public var name: String
    /// What became of it.
    public var status: Status
    /// How many passages were written.
    public var passages: Int
    /// Why it was skipped or failed, for people.
    public var reason: String?
    /// What a reader should know of a document that is indexed (``DocumentSummary/warnings``).
    public var warnings: [String]

    /// Creates an outcome.
    public init(name: String, status: Status, passages: Int = 0, reason: String? = nil, warnings: [String] = []) {
        self.name = name
        self.status = status
        self.passages = passages
        self.reason = reason
        self.warnings = warnings
    }
}
