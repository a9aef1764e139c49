import MillraceCore
import MillraceHTTPClient

/// The instance metadata service (Amazon EC2 User Guide, "Use the Instance Metadata Service", version 2): a token first, then what it
/// opens.
///
/// Version 1, which asks for no token, is never used: anything that can make the server send a GET would get the credentials.
struct InstanceMetadata: Sendable {
    let settings: CredentialSource.InstanceMetadataSettings
    let transport: any HTTPTransport

    /// The credentials of the instance's role.
    func credentials(origin: String) async throws -> AWSCredentials {
        let token = try await token()
        let roles = try await text("/latest/meta-data/iam/security-credentials/", token: token)
        guard let role = roles.split(whereSeparator: \.isNewline).first.map(String.init), !role.isEmpty else {
            throw failure("the instance has no role: attach an instance profile to it")
        }
        let path = "/latest/meta-data/iam/security-credentials/" + URIEncoding.encode(role)
        let document = try CredentialDocument(try await get(path, token: token), source: origin)
        if let code = document["Code"]?.string, code != "Success" {
            throw failure("\(code): \(document["Message"]?.string?.prefix(300) ?? "the role '\(role)' gives no credentials")")
        }
        return try document.credentials(tokenName: "Token", origin: "\(origin) (role \(role))")
    }

    /// The region that the instance is in.
    func region() async throws -> String {
        let region = try await text("/latest/meta-data/placement/region", token: try await token())
        guard !region.isEmpty, region.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (0x30...0x7A).contains($0) }) else {
            throw failure("the service gave no region")
        }
        return region
    }

    private func failure(_ what: String, isRetryable: Bool = false) -> MillraceError {
        MillraceError(.awsCredentials, "the instance metadata service at \(settings.endpoint): \(what)", isRetryable: isRetryable)
    }

    private func token() async throws -> String {
        var request = HTTPClientRequest(
            method: "PUT", url: settings.endpoint + "/latest/api/token", headers: ["X-aws-ec2-metadata-token-ttl-seconds": "21600"])
        request.body = .bytes([])
        let bytes: [UInt8]
        do { bytes = try await send(request) } catch let error as MillraceError where error.code == .timeout {
            // The answer to the PUT may take one hop by default, and a container is one more.
            throw failure(
                "no answer within \(settings.timeoutSeconds) s. On an EC2 instance, in a container, set the metadata options' hop "
                    + "limit to 2",
                isRetryable: true)
        }
        let token = String(decoding: bytes, as: UTF8.self)
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw failure("the service gave no token") }
        return token
    }

    private func text(_ path: String, token: String) async throws -> String {
        let text = String(decoding: try await get(path, token: token), as: UTF8.self)
        return String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    private func get(_ path: String, token: String) async throws -> [UInt8] {
        try await send(HTTPClientRequest(url: settings.endpoint + path, headers: ["X-aws-ec2-metadata-token": token]))
    }

    /// Sends a request, and once more where that can help.
    private func send(_ request: HTTPClientRequest) async throws -> [UInt8] {
        var request = request
        request.usesProxy = false
        let limit = Duration.seconds(settings.timeoutSeconds)
        request.timeouts.connect = limit
        request.timeouts.firstByte = limit
        request.timeouts.idle = limit
        request.timeouts.total = limit
        request.responseByteLimit = 1 << 20
        var attempt = 1
        while true {
            let error: MillraceError
            do {
                let (status, body) = try await transport.exchange(request) { ($0.status, try await $0.collect(limit: 64 << 10)) }
                if status == 200 { return body }
                error = refusal(status, request)
            } catch let caught as MillraceError {
                error =
                    caught.code == .awsCredentials || caught.code == .timeout
                    ? caught : failure(caught.message, isRetryable: caught.isRetryable)
            }
            guard error.isRetryable, attempt < settings.attempts else {
                if error.code == .timeout, request.method != "PUT" {
                    throw failure("no answer within \(settings.timeoutSeconds) s", isRetryable: true)
                }
                throw error
            }
            attempt += 1
        }
    }

    private func refusal(_ status: Int, _ request: HTTPClientRequest) -> MillraceError {
        switch status {
        case 404 where request.url.hasSuffix("/security-credentials/"):
            failure("the instance has no role: attach an instance profile to it")
        case 401: failure("the service refuses its own token", isRetryable: true)
        case 403: failure("the service is switched off for this instance")
        default: failure("the service answered \(status)", isRetryable: status >= 500)
        }
    }
}
