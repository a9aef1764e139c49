import MillraceCore
import MillraceHTTPClient

/// What S3 says of an object in a response's head.
struct S3ResponseHeaders {
    let fields: HTTPClientHeaders

    init(_ fields: HTTPClientHeaders) { self.fields = fields }

    var entityTag: String? { fields["ETag"].map(Self.entityTag) }
    var versionID: String? { fields["x-amz-version-id"].flatMap { $0 == "null" ? nil : $0 } }
    var date: Timestamp? { fields["Date"].flatMap(S3Time.timestamp(httpDate:)) }
    var contentLength: Int? { fields["Content-Length"].flatMap(Self.length) }

    /// A length of an object; `nil` for what is none. It is a stranger's number: a negative or a huge one must not reach arithmetic.
    static func length(_ text: some StringProtocol) -> Int? { Int(text).flatMap { 0...longest ~= $0 ? $0 : nil } }

    /// More than S3 takes (50 TB), and so little that ten thousand of them can be added.
    private static let longest = 1 << 48

    /// Without quotes and the mark of a weak one.
    static func entityTag(_ text: String) -> String {
        var text = text[...]
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        if text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count >= 2 { text = text.dropFirst().dropLast() }
        return String(text)
    }

    /// What `Content-Range` says: which bytes follow, and how many there are.
    var contentRange: (bytes: Range<Int>, length: Int)? {
        guard let text = fields["Content-Range"], text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/")
        let ends = parts.first?.split(separator: "-") ?? []
        guard parts.count == 2, ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]), let length = Self.length(parts[1]),
            0 <= first, first <= last, last < length
        else { return nil }
        return (first..<last + 1, length)
    }

    /// The whole object.
    /// - Parameter length: of the whole content.
    func head(length: Int) throws(MillraceError) -> S3ObjectHead {
        guard let entityTag else { throw S3Client.missing("ETag") }
        guard let modified = fields["Last-Modified"].flatMap(S3Time.timestamp(httpDate:)) else { throw S3Client.missing("Last-Modified") }
        var metadata: [String: String] = [:]
        for field in fields.fields {
            let name = field.name.lowercased()
            if name.hasPrefix("x-amz-meta-") { metadata[String(name.dropFirst(11))] = S3MetadataText.decode(field.value) }
        }
        return S3ObjectHead(
            length: length, entityTag: entityTag, lastModified: modified, contentType: fields["Content-Type"], metadata: metadata,
            versionID: versionID, storageClass: fields["x-amz-storage-class"],
            contentDisposition: fields["Content-Disposition"], contentEncoding: fields["Content-Encoding"],
            cacheControl: fields["Cache-Control"])
    }
}
