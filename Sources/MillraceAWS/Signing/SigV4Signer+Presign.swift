package import MillraceCore
package import MillraceHTTPClient

extension SigV4Signer {
    /// The longest time that a presigned URL may be good for, in seconds: seven days.
    package static let longestPresignedSeconds = 604_800

    /// A URL that carries its own signature: whoever has it may send this one request until it expires.
    ///
    /// The parameters are put behind those that the URL has: `X-Amz-Algorithm`, `X-Amz-Credential`, `X-Amz-Date`, `X-Amz-Expires`,
    /// `X-Amz-SignedHeaders`, `X-Amz-Security-Token` of temporary credentials, `X-Amz-Signature`. The body is `UNSIGNED-PAYLOAD` for S3, which
    /// cannot know it, and for others the given one.
    /// - Parameters:
    ///   - url: absolute, encoded as it will be sent, not signed yet.
    ///   - headers: what the sender has to send with these very values; `Host` is added.
    ///   - payload: what the signature says of the body (default: nothing for S3, an empty body for others).
    ///   - expiresIn: from `time` on, in seconds: 1…604800. Temporary credentials end earlier if they expire earlier.
    ///   - time: the time of the signature, corrected for the clock's skew.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a URL that cannot be signed and for a time outside the bounds.
    package func presign(
        _ method: String, _ url: String, headers: HTTPClientHeaders = HTTPClientHeaders(), payload: Payload? = nil, expiresIn: Int,
        credentials: AWSCredentials, at time: Timestamp
    ) throws(MillraceError) -> String {
        guard (1...Self.longestPresignedSeconds).contains(expiresIn) else {
            throw MillraceError(.invalidInput, "a presigned URL is good for 1 to \(Self.longestPresignedSeconds) seconds, not \(expiresIn)")
        }
        let parts = try SignedURL(url)
        for pair in parts.query.utf8.split(separator: UInt8(ascii: "&")) {
            let name = URIEncoding.normalized(pair.prefix { $0 != UInt8(ascii: "=") })
            if Self.ownParameters.contains(name) {
                throw MillraceError(.invalidInput, "the URL is signed already, or has a parameter of a signature: \(name)")
            }
        }
        let scope = SigningScope(time, region: region, service: service)
        var headers = headers
        headers.set("Host", parts.host)
        var parameters = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope.text)"),
            ("X-Amz-Date", scope.time), ("X-Amz-Expires", "\(expiresIn)"),
            ("X-Amz-SignedHeaders", CanonicalRequest.signedHeaders(headers)),
        ]
        let token = credentials.sessionToken.map { ("X-Amz-Security-Token", $0) }
        if signsSessionToken, let token { parameters.append(token) }
        var query = Self.joined(parts.query, parameters)
        let payload = payload ?? (pathStyle == .s3 ? .unsigned : .bytes([]))
        let canonical = CanonicalRequest(
            method: method, path: parts.path, query: query, headers: headers, pathStyle: pathStyle, payloadHash: payload.hash)
        var behind = [("X-Amz-Signature", signature(of: canonical, scope, credentials).signature)]
        if !signsSessionToken, let token { behind.append(token) }
        query = Self.joined(query, behind)
        return "\(Substring(url.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }))?\(query)"
    }

    private static let ownParameters: Set = [
        "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Security-Token",
        "X-Amz-Signature",
    ]

    private static func joined(_ query: String, _ parameters: [(name: String, value: String)]) -> String {
        ((query.isEmpty ? [] : [query]) + parameters.map { "\($0.name)=\(URIEncoding.encode($0.value))" }).joined(separator: "&")
    }
}
