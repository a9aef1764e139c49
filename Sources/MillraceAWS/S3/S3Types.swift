public import MillraceCore

/// The content of an upload.
public enum S3Body: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// Pieces until `next` gives `nil`; `length` is their sum in bytes where it is known, and then must be right.
    case stream(length: Int?, next: @Sendable () async throws -> [UInt8]?)
}

/// A condition that S3 checks as it writes ("How to prevent object overwrites with conditional writes", Amazon S3 User Guide).
public enum S3WriteCondition: Equatable, Sendable {
    /// Only where no object is (`If-None-Match: *`).
    case absent
    /// Only in place of the object with this entity tag (`If-Match`).
    case matches(entityTag: String)
}

/// How S3 encrypts an object at rest; without, the bucket's default holds.
public enum S3Encryption: Equatable, Sendable {
    /// With keys of S3 (SSE-S3).
    case s3
    /// With a key of KMS (SSE-KMS); `nil`: the account's own key for S3.
    case kms(keyID: String?)
}

/// What is stored with an object (PutObject, Amazon S3 API Reference).
public struct S3PutOptions: Equatable, Sendable {
    /// The media type, such as `application/pdf`.
    public var contentType: String?
    /// `Content-Disposition`, such as `attachment; filename="q3.pdf"`.
    public var contentDisposition: String?
    /// `Content-Encoding`, such as `gzip`.
    public var contentEncoding: String?
    /// `Cache-Control`.
    public var cacheControl: String?
    /// User metadata: names of ASCII letters, digits, `-`, `_`, and any values; 2 KB together at most. Values beyond printable ASCII are
    /// sent as encoded-words (RFC 2047).
    public var metadata: [String: String]
    /// When it may be stored (default: always).
    public var condition: S3WriteCondition?
    /// The storage class, such as `STANDARD_IA` (default: the service's, `STANDARD`).
    public var storageClass: String?
    /// How it is encrypted (default: as the bucket says).
    public var encryption: S3Encryption?

    /// Creates options.
    public init(contentType: String? = nil, metadata: [String: String] = [:], condition: S3WriteCondition? = nil) {
        self.contentType = contentType
        self.metadata = metadata
        self.condition = condition
    }
}

/// What S3 answers to a write.
public struct S3PutResult: Equatable, Sendable {
    /// The object's entity tag, without quotes.
    public var entityTag: String
    /// Its version, in a bucket that keeps versions.
    public var versionID: String?
    /// The service's time when it answered.
    public var date: Timestamp?
    /// The length of what was stored, in bytes.
    public var length: Int
}

/// Which bytes of an object to read (RFC 9110, section 14.1.2).
public enum S3Range: Equatable, Sendable {
    /// From an offset, so many, 1 at least; fewer where the object ends.
    case bytes(offset: Int, count: Int)
    /// From an offset to the end.
    case from(Int)
    /// The last so many, 1 at least.
    case last(Int)
}

/// What is asked of a read (GetObject and HeadObject, Amazon S3 API Reference).
public struct S3GetOptions: Equatable, Sendable {
    /// Which bytes (default: all).
    public var range: S3Range?
    /// Only the object with this entity tag; another one is 412 `PreconditionFailed`.
    public var ifMatch: String?
    /// Only an object with another entity tag; the same is 304 `NotModified`.
    public var ifNoneMatch: String?
    /// Only an object that is newer; an older one is 304 `NotModified`.
    public var ifModifiedSince: Timestamp?
    /// The version (default: the newest).
    public var versionID: String?
    /// Creates options.
    public init(range: S3Range? = nil, ifMatch: String? = nil, ifNoneMatch: String? = nil) {
        self.range = range
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
    }
}

/// What is known of an object.
public struct S3ObjectHead: Equatable, Sendable {
    /// The length of the whole content, in bytes.
    public var length: Int
    /// Without quotes. It changes with the content; it is a hash of it only for some objects.
    public var entityTag: String
    /// When it was stored, to the second.
    public var lastModified: Timestamp
    /// The media type.
    public var contentType: String?
    /// User metadata, by names in lower case.
    public var metadata: [String: String]
    /// Its version, in a bucket that keeps versions.
    public var versionID: String?
    /// The storage class; `nil`: `STANDARD`.
    public var storageClass: String?
    /// `Content-Disposition`.
    public var contentDisposition: String?
    /// `Content-Encoding`.
    public var contentEncoding: String?
    /// `Cache-Control`.
    public var cacheControl: String?
}

/// An object in a list.
public struct S3ListedObject: Equatable, Sendable {
    /// Its key.
    public var key: String
    /// The length of its content, in bytes.
    public var length: Int
    /// Without quotes.
    public var entityTag: String
    /// When it was stored.
    public var lastModified: Timestamp
}

/// What is listed (ListObjectsV2, Amazon S3 API Reference).
public struct S3ListOptions: Equatable, Sendable {
    /// Only keys that begin with this (default: all).
    public var prefix = ""
    /// Keys are rolled up to common prefixes at the first occurrence of this behind ``prefix``, such as `/` (default: not).
    public var delimiter: String?
    /// Only keys behind this one.
    public var startAfter: String?
    /// Where the page before ended (``S3ListPage/continuationToken``).
    public var continuationToken: String?
    /// How many at most, 1 to 1,000 (default: 1,000).
    public var limit = 1000
    /// Creates options.
    public init(prefix: String = "") { self.prefix = prefix }
}

/// A page of a list.
public struct S3ListPage: Equatable, Sendable {
    /// The objects, in the order of their keys' UTF-8 bytes.
    public var objects: [S3ListedObject]
    /// What keys were rolled up to, in order.
    public var commonPrefixes: [String]
    /// Gives the next page; `nil`: this is the last one.
    public var continuationToken: String?
}

/// A part of a multipart upload that S3 has.
public struct S3Part: Equatable, Sendable {
    /// From 1 to 10,000.
    public var number: Int
    /// Without quotes.
    public var entityTag: String
    /// The CRC-32 of its bytes, where it is known.
    public var crc32: UInt32?
    /// Its length in bytes.
    public var length: Int
    /// Creates a part.
    public init(number: Int, entityTag: String, crc32: UInt32? = nil, length: Int) {
        self.number = number
        self.entityTag = entityTag
        self.crc32 = crc32
        self.length = length
    }
}

/// What could not be deleted of several objects.
public struct S3DeleteFailure: Equatable, Sendable {
    /// The object's key.
    public var key: String
    /// S3's name for the error, such as `AccessDenied`.
    public var code: String
    /// S3's sentence.
    public var message: String
}
