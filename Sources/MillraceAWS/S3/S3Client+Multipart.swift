import MillraceCore
import MillraceHTTPClient

extension S3Client {
    /// Begins an upload in parts (CreateMultipartUpload). What is begun costs money until it is completed or aborted.
    /// - Returns: the upload's id.
    public func createMultipartUpload(_ bucket: String, _ key: String, options: S3PutOptions = S3PutOptions()) async throws -> String {
        try await createMultipartUpload(bucket, key, options: options, keepsChecksum: settings.sendsChecksums)
    }

    /// - Parameter keepsChecksum: whether the parts come with CRC-32s, of which S3 makes one of the whole object.
    func createMultipartUpload(
        _ bucket: String, _ key: String, options: S3PutOptions, keepsChecksum: Bool
    ) async throws -> String {
        var request = AWSRequest("POST", "", query: [("uploads", nil)])
        try Self.set(options, &request.headers)
        if keepsChecksum {
            request.headers.set("x-amz-checksum-algorithm", "CRC32")
            request.headers.set("x-amz-checksum-type", "FULL_OBJECT")
        }
        let (root, _) = try await document(request, bucket: bucket, key: key)
        guard let id = root?.text("UploadId"), !id.isEmpty else { throw Self.missing("UploadId") }
        return id
    }

    /// Sends one part (UploadPart); a part of the same number is replaced.
    /// - Parameters:
    ///   - number: 1 to 10,000; parts are put together in the order of their numbers.
    ///   - bytes: 5 MiB to 5 GiB; the last part may be shorter.
    public func uploadPart(_ bucket: String, _ key: String, uploadID: String, number: Int, _ bytes: [UInt8]) async throws -> S3Part {
        var request = AWSRequest("PUT", "", query: [("partNumber", "\(number)"), ("uploadId", uploadID)], body: .bytes(bytes))
        let crc32 = settings.sendsChecksums ? S3Checksum.crc32(of: bytes) : nil
        if let crc32 { request.headers.set("x-amz-checksum-crc32", S3Checksum.text(crc32)) }
        let (_, headers) = try await document(request, bucket: bucket, key: key)
        guard let tag = headers.entityTag else { throw Self.missing("ETag") }
        return S3Part(number: number, entityTag: tag, crc32: crc32, length: bytes.count)
    }

    /// Makes the object out of its parts (CompleteMultipartUpload). S3 may find an error behind status 200; it is thrown as any other.
    /// - Parameters:
    ///   - parts: all of them.
    ///   - condition: when it may be stored (default: always).
    public func completeMultipartUpload(
        _ bucket: String, _ key: String, uploadID: String, parts: [S3Part], condition: S3WriteCondition? = nil
    ) async throws -> S3PutResult {
        let parts = parts.sorted { $0.number < $1.number }
        let list = parts.map { part in
            let crc = part.crc32.map { "<ChecksumCRC32>\(S3Checksum.text($0))</ChecksumCRC32>" } ?? ""
            return "<Part><PartNumber>\(part.number)</PartNumber><ETag>&quot;\(XMLText.escape(part.entityTag))&quot;</ETag>\(crc)</Part>"
        }
        let text =
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(list.joined())</CompleteMultipartUpload>"
        var request = AWSRequest(
            "POST", "", query: [("uploadId", uploadID)], headers: ["Content-Type": "application/xml"], body: .bytes(Array(text.utf8)))
        Self.set(condition, &request.headers)
        // A second request for what is complete has the same answer, but for its condition.
        request.isRepeatable = condition == nil
        if let whole = Self.crc32(of: parts) {
            request.headers.set("x-amz-checksum-crc32", S3Checksum.text(whole))
            request.headers.set("x-amz-checksum-type", "FULL_OBJECT")
        }
        let (root, headers) = try await retryingLateErrors { try await document(request, bucket: bucket, key: key) }
        guard let tag = root?.text("ETag") else { throw Self.missing("ETag") }
        return S3PutResult(
            entityTag: S3ResponseHeaders.entityTag(tag), versionID: headers.versionID, date: headers.date,
            length: parts.reduce(0) { $0 + $1.length })
    }

    /// The whole object's, where each part's is known.
    private static func crc32(of parts: [S3Part]) -> UInt32? {
        var whole: UInt32 = 0
        for part in parts {
            guard let crc = part.crc32 else { return nil }
            whole = CRC32.combined(whole, crc, count: part.length)
        }
        return parts.isEmpty ? nil : whole
    }

    /// Ends an upload without an object, and frees its parts (AbortMultipartUpload); one that is not there has ended already.
    public func abortMultipartUpload(_ bucket: String, _ key: String, uploadID: String) async throws {
        let request = AWSRequest("DELETE", "", query: [("uploadId", uploadID)])
        do { _ = try await document(request, bucket: bucket, key: key) } catch let error as AWSServiceError where error.status == 404 {}
    }

    /// The parts of an upload that S3 has (ListParts), all of them.
    public func listParts(_ bucket: String, _ key: String, uploadID: String) async throws -> [S3Part] {
        var parts: [S3Part] = []
        var marker: String?
        repeat {
            var query: [(name: String, value: String?)] = [("uploadId", uploadID)]
            if let marker { query.append(("part-number-marker", marker)) }
            let (root, _) = try await document(AWSRequest("GET", "", query: query), bucket: bucket, key: key)
            guard let root else { throw Self.missing("list of parts") }
            for part in root.all("Part") {
                guard let number = part.text("PartNumber").flatMap({ Int($0) }), let tag = part.text("ETag"),
                    let size = part.text("Size").flatMap({ S3ResponseHeaders.length($0) })
                else { throw Self.missing("part's number, tag or size") }
                parts.append(S3Part(number: number, entityTag: S3ResponseHeaders.entityTag(tag), length: size))
            }
            guard root.text("IsTruncated") == "true" else { break }
            // One that does not move on would be asked for without end.
            guard let next = root.text("NextPartNumberMarker"), let number = Int(next), number > marker.flatMap({ Int($0) }) ?? 0 else {
                throw Self.missing("marker of the next parts")
            }
            marker = next
        } while true
        return parts
    }

    /// The ids of uploads that were begun and neither completed nor aborted, by key (ListMultipartUploads): the first 1,000.
    public func listMultipartUploads(_ bucket: String, prefix: String = "") async throws -> [(key: String, uploadID: String)] {
        var query: [(name: String, value: String?)] = [("uploads", nil), ("encoding-type", "url")]
        if !prefix.isEmpty { query.append(("prefix", prefix)) }
        let (root, _) = try await document(AWSRequest("GET", "", query: query), bucket: bucket, key: nil)
        let isEncoded = root?.text("EncodingType") == "url"
        return try (root?.all("Upload") ?? []).map { upload in
            guard let key = upload.text("Key"), let id = upload.text("UploadId") else { throw Self.missing("key and id of an upload") }
            return (isEncoded ? try Self.decoded(key) : key, id)
        }
    }
}
