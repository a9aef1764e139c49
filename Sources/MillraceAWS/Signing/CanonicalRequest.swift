package import MillraceHTTPClient

/// The text that a signature is made of: what it says is what the service computes from the request that it received.
///
/// Source: "Create a signed AWS API request", step 1, AWS Identity and Access Management User Guide.
package struct CanonicalRequest: Sendable, Equatable {
    package let text: String
    /// The names of the fields that are signed, such as `host;x-amz-date`.
    package let signedHeaders: String

    /// - Parameters:
    ///   - path: as it is sent; empty stands for `/`.
    ///   - query: as it is sent, without its question mark.
    ///   - headers: with `Host`.
    ///   - payloadHash: the body's hash in hexadecimal digits, or the word in its place.
    package init(
        method: String, path: String, query: String, headers: HTTPClientHeaders, pathStyle: SigV4Signer.PathStyle, payloadHash: String
    ) {
        let (lines, names) = Self.canonical(headers)
        signedHeaders = names
        let path = Self.canonicalPath(path, pathStyle)
        text = "\(method)\n\(path)\n\(Self.canonicalQuery(query))\n\(lines)\n\(names)\n\(payloadHash)"
    }

    /// The names of the signed fields alone.
    static func signedHeaders(_ headers: HTTPClientHeaders) -> String { canonical(headers).names }

    /// What proxies and connections change on the way, and what is made from the signature.
    private static let unsigned: Set = [
        "authorization", "baggage", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "traceparent",
        "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
    ]

    private static func canonical(_ headers: HTTPClientHeaders) -> (lines: String, names: String) {
        var values: [String: [String]] = [:]
        for field in headers.fields {
            let name = field.name.lowercased()
            if !unsigned.contains(name) { values[name, default: []].append(trimmed(field.value)) }
        }
        let names = values.keys.sorted()
        return (names.map { "\($0):\(values[$0, default: []].joined(separator: ","))\n" }.joined(), names.joined(separator: ";"))
    }

    /// Without white space around it, and with one space for any within, line breaks of a folded value among it.
    private static func trimmed(_ value: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.utf8.count)
        var isBetween = false
        for byte in value.utf8 {
            if byte == 0x20 || (0x09...0x0D).contains(byte) {
                isBetween = !bytes.isEmpty
            } else {
                if isBetween { bytes.append(0x20) }
                isBetween = false
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func canonicalPath(_ path: String, _ style: SigV4Signer.PathStyle) -> String {
        switch style {
        case .s3: path.isEmpty ? "/" : path
        case .standard: URIEncoding.encode(withoutDotSegments(path), keepingSlash: true)
        }
    }

    /// RFC 3986, section 5.2.4, and a single slash for several. A last segment `.` or `..` leaves no slash behind, which the RFC has otherwise
    /// and AWS's own signers have like this.
    private static func withoutDotSegments(_ path: String) -> String {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        var segments: [Substring.UTF8View] = []
        for segment in path.utf8.split(separator: slash) {
            if segment.elementsEqual([dot]) { continue }
            if segment.elementsEqual([dot, dot]) { _ = segments.popLast() } else { segments.append(segment) }
        }
        let text = segments.map { "/" + String(Substring($0)) }.joined()
        return text.isEmpty || path.utf8.last == slash ? text + "/" : text
    }

    /// Names and values encoded in the one form, in the order of the names and then of the values; a name alone has an empty value.
    private static func canonicalQuery(_ query: String) -> String {
        let equals = UInt8(ascii: "=")
        // The pair "a-=1" comes behind "a=1" although "-" is less than "=": names are compared before anything else.
        return query.utf8.split(separator: UInt8(ascii: "&"))
            .map { pair in
                let name = pair.prefix { $0 != equals }
                return (URIEncoding.normalized(name), URIEncoding.normalized(pair[name.endIndex...].dropFirst()))
            }
            .sorted { (left: (String, String), right: (String, String)) in left < right }
            .map { "\($0)=\($1)" }.joined(separator: "&")
    }
}
