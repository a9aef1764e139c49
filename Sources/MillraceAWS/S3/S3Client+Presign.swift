import MillraceCore
import MillraceHTTPClient

extension S3Client {
    /// A URL by which anybody may read an object until it expires.
    /// - Parameters:
    ///   - seconds: 1 to 604,800 (seven days). With temporary credentials the URL ends with them, if that is earlier.
    ///   - fileName: the name under which browsers save it (default: they choose).
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for another time; `aws_credentials` when there are none.
    public func presignGet(_ bucket: String, _ key: String, expiresIn seconds: Int, fileName: String? = nil) async throws -> String {
        let disposition = fileName.map { "attachment; filename*=UTF-8''" + URIEncoding.encode($0) }
        return try await presign("GET", bucket, key, seconds, disposition.map { [("response-content-disposition", $0)] } ?? [])
    }

    /// A URL by which anybody may store an object, by PUT, until it expires.
    /// - Parameters:
    ///   - seconds: as of ``presignGet(_:_:expiresIn:fileName:)``.
    ///   - contentType: the `Content-Type` that the sender has to send (default: any).
    public func presignPut(_ bucket: String, _ key: String, expiresIn seconds: Int, contentType: String? = nil) async throws -> String {
        var headers = HTTPClientHeaders()
        if let contentType { headers.set("Content-Type", contentType) }
        return try await presign("PUT", bucket, key, seconds, [], headers)
    }

    private func presign(
        _ method: String, _ bucket: String, _ key: String, _ seconds: Int, _ query: [(name: String, value: String?)],
        _ headers: HTTPClientHeaders = HTTPClientHeaders()
    ) async throws -> String {
        guard case .signature(let provider) = client.authentication else {
            throw MillraceError(.configuration, "URLs are presigned with AWS credentials: S3 is configured without")
        }
        let (client, path) = try route(bucket: bucket, key: key)
        let encoded = AWSRequest(method, path, query: query).encodedQuery
        return try client.signer.presign(
            method, client.url + path + (encoded.isEmpty ? "" : "?" + encoded), headers: headers, expiresIn: seconds,
            credentials: try await provider.credentials(), at: client.signingTime)
    }
}
