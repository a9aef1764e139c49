import MillraceCore
import MillraceHTTPClient

extension S3Client {
    /// Copies an object within S3, with its type and metadata (CopyObject; in parts by UploadPartCopy above 5 GiB).
    /// - Parameters:
    ///   - condition: when the copy may be stored (default: always).
    /// - Returns: what is stored, and the source's description.
    /// - Throws: ``AWSServiceError``: 404 when there is no such object, 412 when it is replaced while it is copied.
    public func copyObject(
        _ bucket: String, _ key: String, toBucket: String, _ target: String, condition: S3WriteCondition? = nil
    ) async throws -> (result: S3PutResult, source: S3ObjectHead) {
        try S3Location.checkBucket(toBucket)
        let source = try await headObject(bucket, key)
        let result =
            source.length <= settings.singleCopyBytes
            ? try await copyWhole(bucket, key, source, toBucket, target, condition)
            : try await copyInParts(bucket, key, source, toBucket, target, condition)
        return (result, source)
    }

    private func copyWhole(
        _ bucket: String, _ key: String, _ source: S3ObjectHead, _ toBucket: String, _ target: String, _ condition: S3WriteCondition?
    ) async throws -> S3PutResult {
        var request = AWSRequest("PUT", "")
        Self.setCopySource(bucket, key, source, &request.headers)
        Self.set(condition, &request.headers)
        request.isRepeatable = condition == nil
        // S3 refuses to copy an object onto itself with everything as it was; replaced by the same, it is as new.
        if bucket == toBucket, key.utf8.elementsEqual(target.utf8) {
            try Self.set(Self.options(of: source), &request.headers)
            request.headers.set("x-amz-metadata-directive", "REPLACE")
        }
        let (root, headers) = try await retryingLateErrors { try await document(request, bucket: toBucket, key: target) }
        guard let tag = root?.text("ETag") else { throw Self.missing("ETag") }
        return S3PutResult(
            entityTag: S3ResponseHeaders.entityTag(tag), versionID: headers.versionID,
            date: root?.text("LastModified").flatMap(S3Time.timestamp(iso8601:)) ?? headers.date, length: source.length)
    }

    private func copyInParts(
        _ bucket: String, _ key: String, _ source: S3ObjectHead, _ toBucket: String, _ target: String, _ condition: S3WriteCondition?
    ) async throws -> S3PutResult {
        let uploadID = try await createMultipartUpload(toBucket, target, options: Self.options(of: source), keepsChecksum: false)
        do {
            var parts: [S3Part] = []
            let ranges = S3PartPlan.ranges(length: source.length, partBytes: settings.copyPartBytes)
            try await withThrowingTaskGroup(of: S3Part.self) { group in
                for (index, range) in ranges.enumerated() {
                    if index >= settings.concurrentParts, let part = try await group.next() { parts.append(part) }
                    group.addTask { [self] in
                        try await copyPart(bucket, key, source, range, toBucket, target, uploadID, index + 1)
                    }
                }
                for try await part in group { parts.append(part) }
            }
            return try await completeMultipartUpload(toBucket, target, uploadID: uploadID, parts: parts, condition: condition)
        } catch {
            await abortAfterFailure(toBucket, target, uploadID)
            throw error
        }
    }

    private func copyPart(
        _ bucket: String, _ key: String, _ source: S3ObjectHead, _ range: Range<Int>, _ toBucket: String, _ target: String,
        _ uploadID: String, _ number: Int
    ) async throws -> S3Part {
        var request = AWSRequest("PUT", "", query: [("partNumber", "\(number)"), ("uploadId", uploadID)])
        Self.setCopySource(bucket, key, source, &request.headers)
        request.headers.set("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
        let (root, _) = try await retryingLateErrors { try await document(request, bucket: toBucket, key: target) }
        guard let tag = root?.text("ETag") else { throw Self.missing("ETag") }
        return S3Part(number: number, entityTag: S3ResponseHeaders.entityTag(tag), length: range.count)
    }

    private static func setCopySource(_ bucket: String, _ key: String, _ source: S3ObjectHead, _ headers: inout HTTPClientHeaders) {
        headers.set("x-amz-copy-source", bucket + "/" + URIEncoding.encode(key, keepingSlash: true))
        headers.set("x-amz-copy-source-if-match", "\"\(source.entityTag)\"")
    }

    private static func options(of source: S3ObjectHead) -> S3PutOptions {
        var options = S3PutOptions(contentType: source.contentType, metadata: source.metadata)
        options.contentDisposition = source.contentDisposition
        options.contentEncoding = source.contentEncoding
        options.cacheControl = source.cacheControl
        options.storageClass = source.storageClass
        return options
    }
}
