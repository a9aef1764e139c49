import MillraceCore
import MillraceHTTPClient

extension S3Client {
    /// A page of the objects whose keys begin with a prefix, in the order of the keys' UTF-8 bytes (ListObjectsV2).
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a limit outside 1 to 1,000.
    public func listObjects(_ bucket: String, _ options: S3ListOptions = S3ListOptions()) async throws -> S3ListPage {
        guard 1...1000 ~= options.limit else {
            throw MillraceError(.invalidInput, "a page of a list has 1 to 1,000 objects, not \(options.limit)")
        }
        // Percent-encoded, since XML 1.0 cannot hold every character that a key can.
        var query: [(name: String, value: String?)] = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "\(options.limit)")]
        if !options.prefix.isEmpty { query.append(("prefix", options.prefix)) }
        if let delimiter = options.delimiter { query.append(("delimiter", delimiter)) }
        if let token = options.continuationToken {
            query.append(("continuation-token", token))
        } else if let after = options.startAfter {
            query.append(("start-after", after))
        }
        let (root, _) = try await document(AWSRequest("GET", "", query: query), bucket: bucket, key: nil)
        guard let root, root.name == "ListBucketResult" else { throw Self.missing("list of objects") }
        let isEncoded = root.text("EncodingType") == "url"
        let isTruncated = root.text("IsTruncated") == "true"
        guard !isTruncated || root.text("NextContinuationToken") != nil else { throw Self.missing("continuation token") }
        return S3ListPage(
            objects: try root.all("Contents").map { try Self.object($0, isEncoded: isEncoded) },
            commonPrefixes: try root.all("CommonPrefixes").compactMap { $0.text("Prefix") }.map { isEncoded ? try Self.decoded($0) : $0 },
            continuationToken: isTruncated ? root.text("NextContinuationToken") : nil)
    }

    private static func object(_ element: XMLElement, isEncoded: Bool) throws(MillraceError) -> S3ListedObject {
        guard let key = element.text("Key"), let size = element.text("Size").flatMap({ S3ResponseHeaders.length($0) }),
            let tag = element.text("ETag"),
            let modified = element.text("LastModified").flatMap(S3Time.timestamp(iso8601:))
        else { throw missing("key, size, tag or time of a listed object") }
        return S3ListedObject(
            key: isEncoded ? try decoded(key) : key, length: size, entityTag: S3ResponseHeaders.entityTag(tag), lastModified: modified)
    }

    /// A key as `encoding-type=url` writes it: percent-encoded, a space as `+`.
    static func decoded(_ text: String) throws(MillraceError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw missing("well-formed key in a list")
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw missing("key of UTF-8 in a list") }
        return text
    }
}
