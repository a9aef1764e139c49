public import Millrace
public import MillraceAWS
public import MillraceCore

/// Objects in a bucket of Amazon S3, or of a server that speaks its API.
///
/// Objects up to the client's part size are stored with one request, longer ones in parts; a body is held a few parts at a time. Metadata
/// beyond printable ASCII is kept as encoded-words (RFC 2047). An entity tag is S3's `ETag`, the time of a change exact to the second.
public struct S3ObjectStore: ObjectStore {
    private let client: S3Client
    private let bucket: String
    private let prefix: String
    private let memory: ByteBudget

    /// - Parameters:
    ///   - bucket: which is there already.
    ///   - prefix: stands before every key in the bucket, such as `millrace/`; keys are so much shorter (default: none).
    ///   - uploadBytes: how many bytes of all uploads together are in memory at most (default: 512 MiB). A body of known length counts with it, up
    ///     to the parts that the client holds; one of unknown length with these. Further uploads wait, and their bodies are not pulled.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for names that cannot be.
    public init(_ client: S3Client, bucket: String, prefix: String = "", uploadBytes: Int = 512 << 20) throws(MillraceError) {
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
        memory = ByteBudget(uploadBytes)
        if !prefix.isEmpty { try ObjectRules.checkKey(prefix) }
        guard prefix.utf8.count <= 512 else { throw MillraceError(.invalidInput, "the prefix of the objects has 512 bytes at most") }
    }

    /// Stores an object, as ``ObjectStore`` says.
    public func put(_ key: String, _ body: ObjectBody, options: ObjectPutOptions) async throws -> ObjectMetadata {
        let name = try name(of: key)
        try ObjectRules.check(options)
        var wanted = S3PutOptions(contentType: options.mimeType, metadata: options.metadata)
        switch options.condition {
        case nil: break
        case .absent: wanted.condition = .absent
        case .matches(let entityTag): wanted.condition = .matches(entityTag: entityTag)
        }
        // What the body throws is the caller's, and is not taken for S3's.
        let failure = Locked<(any Error)?>(nil)
        let content: S3Body =
            switch body {
            case .bytes(let bytes): .bytes(bytes)
            case .stream(let length, let next):
                .stream(length: length) {
                    do { return try await next() } catch {
                        failure.withLock { $0 = error }
                        throw error
                    }
                }
            }
        do {
            let result = try await memory.with(held(of: body)) { try await client.upload(bucket, name, content, options: wanted) }
            return ObjectMetadata(
                key: key, length: result.length, entityTag: result.entityTag, modifiedAt: result.date ?? .now(), mimeType: options.mimeType,
                metadata: options.metadata)
        } catch {
            if let own = failure.withLock({ $0 }) { throw own }
            if options.condition != nil, let refusal = error as? AWSServiceError, [404, 409, 412].contains(refusal.status),
                refusal.code != "NoSuchBucket"
            {
                throw ObjectRules.unmetCondition(options.condition)
            }
            throw S3ObjectFailure.error(error, key: key, bucket: bucket)
        }
    }

    /// Lends an object's content, as ``ObjectStore`` says.
    public func get<R>(_ key: String, range: ObjectRange?, _ read: (any ObjectContent) async throws -> R) async throws -> R {
        let name = try name(of: key)
        guard let wanted = try Self.range(range) else {
            // No bytes at all, which a request cannot ask for.
            let metadata = try await existing(key)
            _ = try ObjectRules.bytes(range, length: metadata.length)
            return try await read(BytesObjectContent(metadata))
        }
        var isLent = false
        do {
            return try await client.getObject(bucket, name, options: wanted) { content in
                isLent = true
                // A server may answer a range of an empty object with the object.
                if content.head.length == 0 { _ = try ObjectRules.bytes(range, length: 0) }
                return try await read(S3ObjectContent(content, key: key, bucket: bucket))
            }
        } catch let error as AWSServiceError where !isLent && error.status == 416 {
            let metadata = try await existing(key)
            // At the end there is nothing; behind it is a mistake.
            guard try ObjectRules.bytes(range, length: metadata.length).isEmpty else {
                throw S3ObjectFailure.error(error, key: key, bucket: bucket)
            }
            return try await read(BytesObjectContent(metadata))
        } catch  where !isLent {
            throw S3ObjectFailure.error(error, key: key, bucket: bucket)
        }
    }

    /// Describes an object, as ``ObjectStore`` says.
    public func head(_ key: String) async throws -> ObjectMetadata? {
        let name = try name(of: key)
        do {
            return Self.metadata(key, try await client.headObject(bucket, name))
        } catch let error as AWSServiceError where error.status == 404 && error.code != "NoSuchBucket" {
            return nil
        } catch { throw S3ObjectFailure.error(error, key: key, bucket: bucket) }
    }

    /// Removes an object, as ``ObjectStore`` says.
    public func delete(_ key: String) async throws {
        let name = try name(of: key)
        do { try await client.deleteObject(bucket, name) } catch let error as AWSServiceError where error.code == "NoSuchKey" {} catch {
            throw S3ObjectFailure.error(error, key: key, bucket: bucket)
        }
    }

    /// Lists objects, as ``ObjectStore`` says.
    public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
        try ObjectRules.checkLimit(limit)
        var options = S3ListOptions(prefix: self.prefix + prefix)
        options.limit = limit
        options.startAfter = after.map { self.prefix + $0 }
        var objects: [ObjectMetadata] = []
        do {
            // A page may be short although more follows.
            while true {
                let page = try await client.listObjects(bucket, options)
                for object in page.objects where object.key.utf8.starts(with: options.prefix.utf8) {
                    let key = String(decoding: object.key.utf8.dropFirst(self.prefix.utf8.count), as: UTF8.self)
                    // The prefix by itself is nobody's key here.
                    if key.isEmpty { continue }
                    objects.append(
                        ObjectMetadata(key: key, length: object.length, entityTag: object.entityTag, modifiedAt: object.lastModified))
                }
                guard let token = page.continuationToken else { return ObjectPage(objects: objects, hasMore: false) }
                if objects.count >= limit { return ObjectPage(objects: objects, hasMore: true) }
                // It would be read for ever.
                guard token != options.continuationToken else {
                    throw MillraceError(.storageUnavailable, "the object store's list does not move on: check that the endpoint speaks S3")
                }
                options.continuationToken = token
                options.limit = limit - objects.count
            }
        } catch { throw S3ObjectFailure.error(error, key: prefix, bucket: bucket) }
    }

    /// Copies an object, as ``ObjectStore`` says.
    public func copy(_ key: String, to target: String) async throws -> ObjectMetadata {
        let (from, to) = (try name(of: key), try name(of: target))
        do {
            let (result, source) = try await client.copyObject(bucket, from, toBucket: bucket, to)
            var copied = source
            copied.entityTag = result.entityTag
            copied.lastModified = result.date ?? .now()
            return Self.metadata(target, copied)
        } catch let error as AWSServiceError where error.status == 404 && error.code != "NoSuchBucket" {
            throw ObjectRules.noSuchObject(key)
        } catch { throw S3ObjectFailure.error(error, key: key, bucket: bucket) }
    }

    /// Makes a URL for one operation, as ``ObjectStore`` says.
    public func presign(_ operation: ObjectOperation, _ key: String, expiresIn seconds: Int) async throws -> String? {
        let name = try name(of: key)
        return switch operation {
        case .get: try await client.presignGet(bucket, name, expiresIn: seconds)
        case .put: try await client.presignPut(bucket, name, expiresIn: seconds)
        }
    }

    /// How much of a body the client holds. Bytes are in memory already; of long ones it makes parts.
    private func held(of body: ObjectBody) -> Int {
        let parts = client.settings.partBytes * client.settings.concurrentParts
        return switch body {
        case .bytes(let bytes): bytes.count <= client.settings.partBytes ? 0 : min(bytes.count, parts)
        case .stream(let length, _): min(length ?? parts, parts)
        }
    }

    private func name(of key: String) throws(MillraceError) -> String {
        try ObjectRules.checkKey(key)
        guard prefix.utf8.count + key.utf8.count <= 1024 else {
            throw MillraceError(.invalidInput, "behind the prefix '\(prefix)' a key has \(1024 - prefix.utf8.count) bytes at most")
        }
        return prefix + key
    }

    private func existing(_ key: String) async throws -> ObjectMetadata {
        guard let metadata = try await head(key) else { throw ObjectRules.noSuchObject(key) }
        return metadata
    }

    /// - Returns: `nil` for a range without bytes.
    private static func range(_ range: ObjectRange?) throws(MillraceError) -> S3GetOptions? {
        try ObjectRules.check(range)
        return switch range {
        case nil: S3GetOptions()
        case .bytes(_, 0), .last(0): nil
        // Some servers read numbers of so many digits as no range at all.
        case .bytes(let offset, let count) where count > 1 << 50: S3GetOptions(range: .from(offset))
        case .bytes(let offset, let count): S3GetOptions(range: .bytes(offset: offset, count: count))
        case .from(let offset): S3GetOptions(range: .from(offset))
        case .last(let count): S3GetOptions(range: .last(count))
        }
    }

    static func metadata(_ key: String, _ head: S3ObjectHead) -> ObjectMetadata {
        ObjectMetadata(
            key: key, length: head.length, entityTag: head.entityTag, modifiedAt: head.lastModified, mimeType: head.contentType,
            metadata: head.metadata)
    }
}

/// An object of S3 while it is lent.
private final class S3ObjectContent: ObjectContent {
    let metadata: ObjectMetadata
    private let content: S3Content
    private let bucket: String

    init(_ content: S3Content, key: String, bucket: String) {
        self.content = content
        self.bucket = bucket
        metadata = S3ObjectStore.metadata(key, content.head)
    }

    func next() async throws -> [UInt8]? {
        do { return try await content.next() } catch { throw S3ObjectFailure.error(error, key: metadata.key, bucket: bucket) }
    }
}
