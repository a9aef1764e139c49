package import MillraceCore
package import MillraceHTTPClient

/// Signs requests with AWS Signature Version 4.
///
/// Source: "Create a signed AWS API request", AWS Identity and Access Management User Guide; for S3 "Authenticating Requests: Using the
/// Authorization Header", Amazon S3 API Reference.
package struct SigV4Signer: Sendable {
    /// How the path is put into the canonical request.
    package enum PathStyle: Sendable {
        /// Normalised (RFC 3986, section 5.2.4) and encoded once more, as all services but S3 ask for.
        case standard
        /// As it is sent.
        case s3
    }

    /// What the signature says of the body.
    package enum Payload: Sendable, Equatable {
        /// The body's own hash.
        case bytes([UInt8])
        /// A hash in hexadecimal digits that somebody else has computed.
        case hash(String)
        /// Nothing (S3 over TLS only): `UNSIGNED-PAYLOAD`.
        case unsigned
    }

    /// The service's name in the credential scope, such as `s3`.
    package var service: String
    package var region: String
    package var pathStyle: PathStyle
    /// Whether `x-amz-content-sha256` is sent, as S3 and OpenSearch Serverless ask for.
    package var sendsContentHash: Bool

    package init(service: String, region: String, pathStyle: PathStyle = .standard, sendsContentHash: Bool = false) {
        self.service = service
        self.region = region
        self.pathStyle = pathStyle
        self.sendsContentHash = sendsContentHash
    }

    /// Adds `host`, `x-amz-date`, `x-amz-security-token`, `x-amz-content-sha256` where it is sent, and `authorization`.
    /// - Parameters:
    ///   - request: its `url` is absolute and encoded as it will be sent.
    ///   - time: the time of the signature, corrected for the clock's skew.
    package func sign(
        _ request: inout HTTPClientRequest, payload: Payload, credentials: AWSCredentials, at time: Timestamp
    ) throws(MillraceError) {
        let parts = try SignedURL(request.url)
        let stamp = SigningTime(time)
        let hash =
            switch payload {
            case .bytes(let bytes): SHA256.hexadecimal(bytes)
            case .hash(let text): text
            case .unsigned: "UNSIGNED-PAYLOAD"
            }
        request.headers.set("Host", parts.host)
        request.headers.set("X-Amz-Date", stamp.text)
        if let token = credentials.sessionToken { request.headers.set("X-Amz-Security-Token", token) }
        if sendsContentHash { request.headers.set("X-Amz-Content-Sha256", hash) }
        request.headers.remove("Authorization")
        let canonical = CanonicalRequest(
            method: request.method, path: parts.path, query: parts.query, headers: request.headers, pathStyle: pathStyle, payloadHash: hash)
        let signature = signature(of: canonical, secret: credentials.secretAccessKey, at: stamp)
        request.headers.set(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope(stamp)), SignedHeaders=\(canonical.signedHeaders), "
                + "Signature=\(signature)")
    }

    private func scope(_ time: SigningTime) -> String { "\(time.date)/\(region)/\(service)/aws4_request" }

    private func signature(of canonical: CanonicalRequest, secret: String, at time: SigningTime) -> String {
        let text = "AWS4-HMAC-SHA256\n\(time.text)\n\(scope(time))\n\(SHA256.hexadecimal(canonical.text.utf8))"
        var key = Array("AWS4\(secret)".utf8)
        for part in [String(time.date), region, service, "aws4_request"] { key = SHA256.authenticationCode(of: Array(part.utf8), key: key) }
        return Hexadecimal.text(SHA256.authenticationCode(of: Array(text.utf8), key: key))
    }
}

/// A moment as signatures write it.
struct SigningTime {
    /// `20150830T123600Z`
    let text: String
    /// `20150830`
    var date: Substring { text.prefix(8) }

    init(_ time: Timestamp) {
        text = time.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}

/// An absolute URL, taken apart without decoding anything.
struct SignedURL {
    /// With its port, where that is not the scheme's.
    let host: String
    let path: String
    let query: String

    init(_ url: String) throws(MillraceError) {
        let target = try RequestTarget(url: url)
        let isDefault = target.port == (target.isSecure ? 443 : 80)
        let name = target.host.contains(":") ? "[\(target.host)]" : target.host
        host = isDefault ? name : "\(name):\(target.port)"
        guard let scheme = url.firstRange(of: "://") else { throw MillraceError(.invalidInput, "a URL to sign must be absolute") }
        let rest = url[scheme.upperBound...].drop { $0 != "/" && $0 != "?" }.prefix { $0 != "#" }
        let path = rest.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        query = String(rest.dropFirst(path.count + 1))
    }
}

/// The text that a signature is made of.
struct CanonicalRequest {
    let text: String
    let signedHeaders: String

    /// Fields that proxies may change, or that come about below us.
    private static let unsigned: Set = [
        "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id", "content-length",
    ]

    init(method: String, path: String, query: String, headers: HTTPClientHeaders, pathStyle: SigV4Signer.PathStyle, payloadHash: String) {
        var values: [String: [String]] = [:]
        for field in headers.fields {
            let name = field.name.lowercased()
            if Self.unsigned.contains(name) { continue }
            values[name, default: []].append(field.value.split { $0 == " " || $0 == "\t" }.joined(separator: " "))
        }
        let names = values.keys.sorted()
        signedHeaders = names.joined(separator: ";")
        let canonicalPath = pathStyle == .s3 ? path : URIEncoding.encode(path, keepingSlash: true)
        let canonicalQuery: String = query.split(separator: "&").map { $0.contains("=") ? String($0) : String($0) + "=" }.sorted().joined(
            separator: "&")
        let lines = names.map { "\($0):\(values[$0, default: []].joined(separator: ","))\n" }.joined()
        text = "\(method)\n\(canonicalPath)\n\(canonicalQuery)\n\(lines)\n\(signedHeaders)\n\(payloadHash)"
    }
}
