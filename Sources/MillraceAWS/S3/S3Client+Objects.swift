import FoundationEssentials
import MillraceCore
import MillraceHTTPClient

extension S3Client {
    /// Stores bytes with one request (PutObject), up to 5 GiB. ``upload(_:_:_:options:)`` takes streams and cuts what is long.
    /// - Throws: ``AWSServiceError``, such as 412 `PreconditionFailed` when the condition does not hold.
    public func putObject(
        _ bucket: String, _ key: String, _ bytes: [UInt8], options: S3PutOptions = S3PutOptions()
    ) async throws -> S3PutResult {
        var request = AWSRequest("PUT", "", body: .bytes(bytes))
        try Self.set(options, &request.headers)
        Self.set(options.condition, &request.headers)
        if settings.sendsChecksums {
            request.headers.set("x-amz-checksum-crc32", S3Checksum.text(S3Checksum.crc32(of: bytes)))
        }
        // Sent anew after its answer was lost, it would meet its own object and call it another's.
        if options.condition != nil { request.isRepeatable = false }
        let (_, headers) = try await document(request, bucket: bucket, key: key)
        guard let tag = headers.entityTag else { throw Self.missing("ETag") }
        return S3PutResult(entityTag: tag, versionID: headers.versionID, date: headers.date, length: bytes.count)
    }

    /// What is known of an object without its bytes (HeadObject).
    /// - Throws: ``AWSServiceError``: 404 `NotFound` when there is none; S3 gives these answers no text.
    public func headObject(_ bucket: String, _ key: String, options: S3GetOptions = S3GetOptions()) async throws -> S3ObjectHead {
        var request = AWSRequest("HEAD", "", query: Self.versionQuery(options.versionID))
        Self.setConditions(options, &request.headers)
        return try await send(request, bucket: bucket, key: key) { response in
            let headers = S3ResponseHeaders(response.headers)
            guard let length = headers.contentLength else { throw Self.missing("Content-Length") }
            return try headers.head(length: length)
        }
    }

    /// Removes an object (DeleteObject); one that is not there is removed already. In a bucket that keeps versions it is hidden, unless a
    /// version is named.
    public func deleteObject(_ bucket: String, _ key: String, versionID: String? = nil) async throws {
        let request = AWSRequest("DELETE", "", query: Self.versionQuery(versionID))
        _ = try await document(request, bucket: bucket, key: key)
    }

    /// Removes up to 1,000 objects with one request (DeleteObjects).
    /// - Returns: what could not be removed.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for more keys, or keys that cannot be.
    public func deleteObjects(_ bucket: String, _ keys: [String]) async throws -> [S3DeleteFailure] {
        guard !keys.isEmpty else { return [] }
        guard keys.count <= 1000 else { throw MillraceError(.invalidInput, "1,000 objects at most are deleted at once, not \(keys.count)") }
        for key in keys { try S3Location.checkKey(key) }
        let objects = keys.map { "<Object><Key>\(XMLText.escape($0))</Key></Object>" }.joined()
        let bytes = Array(
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\(objects)</Delete>".utf8)
        var request = AWSRequest("POST", "", query: [("delete", nil)], headers: ["Content-Type": "application/xml"], body: .bytes(bytes))
        // S3 asks for a checksum here, whatever the settings.
        request.headers.set("x-amz-checksum-crc32", S3Checksum.text(S3Checksum.crc32(of: bytes)))
        request.isRepeatable = true
        let (root, _) = try await document(request, bucket: bucket, key: nil)
        return (root?.all("Error") ?? []).map {
            S3DeleteFailure(key: $0.text("Key") ?? "", code: $0.text("Code") ?? "Unknown", message: $0.text("Message") ?? "")
        }
    }

    /// Creates a bucket in the client's region (CreateBucket); one that is there and the caller's already is left as it is.
    public func createBucket(_ bucket: String) async throws {
        var request = AWSRequest("PUT", "")
        let region = client.endpoint.region
        // us-east-1 is what S3 means by no region, and refuses it as one.
        if region != "us-east-1", client.endpoint.url == nil {
            request.body = .bytes(
                Array(
                    ("<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>"
                        + "\(XMLText.escape(region))</LocationConstraint></CreateBucketConfiguration>").utf8))
        }
        do { _ = try await document(request, bucket: bucket, key: nil) } catch let error as AWSServiceError
            where error.code == "BucketAlreadyOwnedByYou"
        {}
    }

    /// Whether a bucket is there and may be used (HeadBucket).
    /// - Throws: ``AWSServiceError``: 404 `NotFound` where there is none, 403 `Forbidden` where it is not the caller's.
    public func headBucket(_ bucket: String) async throws {
        try await send(AWSRequest("HEAD", ""), bucket: bucket, key: nil) { _ in }
    }

    static func set(_ condition: S3WriteCondition?, _ headers: inout HTTPClientHeaders) {
        switch condition {
        case nil: break
        case .absent: headers.set("If-None-Match", "*")
        case .matches(let entityTag): headers.set("If-Match", "\"\(entityTag)\"")
        }
    }

    /// Everything but the condition, which goes with the request that makes the object appear.
    static func set(_ options: S3PutOptions, _ headers: inout HTTPClientHeaders) throws(MillraceError) {
        for (name, value) in [
            ("Content-Type", options.contentType), ("Content-Disposition", options.contentDisposition),
            ("Content-Encoding", options.contentEncoding), ("Cache-Control", options.cacheControl),
            ("x-amz-storage-class", options.storageClass),
        ] { if let value { headers.set(name, value) } }
        switch options.encryption {
        case nil: break
        case .s3: headers.set("x-amz-server-side-encryption", "AES256")
        case .kms(let keyID):
            headers.set("x-amz-server-side-encryption", "aws:kms")
            if let keyID { headers.set("x-amz-server-side-encryption-aws-kms-key-id", keyID) }
        }
        for (name, value) in options.metadata.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, name.utf8.allSatisfy({ isAlphanumeric($0) || "-_".utf8.contains($0) }) else {
                throw MillraceError(.invalidInput, "'\(name)' is no name for metadata: use ASCII letters, digits, '-' and '_'")
            }
            headers.set("x-amz-meta-" + name.lowercased(), S3MetadataText.encode(value))
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
