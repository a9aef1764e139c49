package import MillraceCore
package import MillraceHTTPClient

/// Signs requests with AWS Signature Version 4.
///
/// Source: "Create a signed AWS API request", AWS Identity and Access Management User Guide; for S3 "Authenticating Requests: Using the
/// Authorization Header" and "Using Query Parameters", Amazon S3 API Reference.
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
        /// Nothing (S3, over TLS): `UNSIGNED-PAYLOAD`.
        case unsigned
    }

    /// The service's name in the credential scope, such as `s3`.
    package var service: String
    package var region: String
    package var pathStyle: PathStyle
    /// Whether `x-amz-content-sha256` is sent, as S3 and OpenSearch Serverless ask for.
    package var sendsContentHash: Bool
    /// Whether a session token is signed; a few services (AWS IoT's presigned URLs) want it added behind the signature (default: signed).
    package var signsSessionToken = true

    package init(service: String, region: String, pathStyle: PathStyle = .standard, sendsContentHash: Bool = false) {
        self.service = service
        self.region = region
        self.pathStyle = pathStyle
        self.sendsContentHash = sendsContentHash
    }

    /// Adds `host`, `x-amz-date`, `x-amz-security-token`, `x-amz-content-sha256` where it is sent, and `authorization`. What an earlier
    /// signature left of these is replaced.
    /// - Parameters:
    ///   - request: its `url` is absolute and encoded as it will be sent.
    ///   - time: the time of the signature, corrected for the clock's skew.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a URL that cannot be signed.
    @discardableResult
    package func sign(
        _ request: inout HTTPClientRequest, payload: Payload, credentials: AWSCredentials, at time: Timestamp
    ) throws(MillraceError) -> SigV4Signature {
        let url = try SignedURL(request.url)
        let hash = payload.hash
        request.headers.set("Host", url.host)
        if sendsContentHash || request.headers["X-Amz-Content-Sha256"] != nil { request.headers.set("X-Amz-Content-Sha256", hash) }
        return sign(
            method: request.method, path: url.path, query: url.query, &request.headers, payloadHash: hash, credentials: credentials,
            at: time)
    }

    /// Signs a request in its parts, `Host` among its headers.
    @discardableResult
    package func sign(
        method: String, path: String, query: String, _ headers: inout HTTPClientHeaders, payloadHash: String, credentials: AWSCredentials,
        at time: Timestamp
    ) -> SigV4Signature {
        let scope = SigningScope(time, region: region, service: service)
        headers.set("X-Amz-Date", scope.time)
        headers.remove("X-Amz-Security-Token")
        if let token = credentials.sessionToken, signsSessionToken { headers.set("X-Amz-Security-Token", token) }
        let canonical = CanonicalRequest(
            method: method, path: path, query: query, headers: headers, pathStyle: pathStyle, payloadHash: payloadHash)
        let signature = signature(of: canonical, scope, credentials)
        if let token = credentials.sessionToken, !signsSessionToken { headers.set("X-Amz-Security-Token", token) }
        headers.set("Authorization", signature.authorization)
        return signature
    }

    func signature(of canonical: CanonicalRequest, _ scope: SigningScope, _ credentials: AWSCredentials) -> SigV4Signature {
        let key = SigningKey(secret: credentials.secretAccessKey, date: scope.date, region: region, service: service)
        return SigV4Signature(of: canonical, scope: scope, key: key, accessKeyID: credentials.accessKeyID)
    }
}

extension SigV4Signer.Payload {
    /// The last line of the canonical request, and the value of `x-amz-content-sha256`.
    var hash: String {
        switch self {
        case .bytes(let bytes): SHA256.hexadecimal(bytes)
        case .hash(let text): text
        case .unsigned: "UNSIGNED-PAYLOAD"
        }
    }
}
