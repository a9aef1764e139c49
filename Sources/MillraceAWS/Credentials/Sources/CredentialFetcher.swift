import MillraceCore
import MillraceHTTPClient

/// Asks a source for credentials: once, without keeping anything.
struct CredentialFetcher: Sendable {
    let configuration: AWSConfiguration
    /// For AWS's services.
    let transport: any HTTPTransport
    /// For the endpoints of the container and the instance, whose attempts are counted here.
    let metadataTransport: any HTTPTransport
    let blocking: BlockingExecutor
    let clock: HTTPPolicyClock
    var processTimeout = Duration.seconds(60)

    func credentials(from source: CredentialSource) async throws -> AWSCredentials {
        switch source {
        case .keys(let keys): return keys
        case .role(let role, let source): return try await take(role, with: source)
        case .webIdentity(let settings): return try await take(settings)
        case .process(let settings): return try await ask(settings)
        case .sso(let settings): return try await SSOSource(settings: settings, fetcher: self).credentials()
        case .container(let settings): return try await ask(settings)
        case .instance(let settings):
            return try await InstanceMetadata(settings: settings, transport: metadataTransport).credentials(origin: source.description)
        }
    }

    // MARK: STS

    private func take(_ role: CredentialSource.RoleSettings, with source: CredentialSource) async throws -> AWSCredentials {
        let origin = CredentialSource.role(role, from: source).description
        if let serial = role.mfaSerial {
            throw MillraceError(
                .awsCredentials,
                "the profile '\(role.profile)' asks for a code of the device \(serial), and nobody is here to type it: use a "
                    + "profile without "
                    + "mfa_serial, or credentials that `aws sts get-session-token` gave")
        }
        let keys = try await credentials(from: source)
        let client = try sts(.signature(StaticAWSCredentialProvider(keys)))
        var request = STSClient.AssumeRoleRequest(roleARN: role.roleARN, sessionName: role.sessionName ?? sessionName())
        request.externalID = role.externalID
        request.durationSeconds = role.duration
        return try await explained(origin) { try await client.assumeRole(request).credentials.credentials(origin: origin) }
    }

    private func take(_ settings: CredentialSource.WebIdentitySettings) async throws -> AWSCredentials {
        let origin = CredentialSource.webIdentity(settings).description
        let path = settings.tokenFile
        let bytes: [UInt8]
        do { bytes = try await blocking.run { try BoundedFile.read(path, limit: Self.tokenByteLimit) } } catch let error as MillraceError {
            throw MillraceError(.awsCredentials, "the web identity's token of \(settings.origin): \(error.message)")
        }
        let token = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard !token.isEmpty else { throw MillraceError(.awsCredentials, "the web identity's token in \(path) is empty") }
        let request = STSClient.AssumeRoleWithWebIdentityRequest(
            roleARN: settings.roleARN, sessionName: settings.sessionName ?? sessionName(), token: token)
        return try await explained(origin) {
            try await sts(.none).assumeRoleWithWebIdentity(request).credentials.credentials(origin: origin)
        }
    }

    func sts(_ authentication: AWSServiceClient.Authentication) throws -> STSClient {
        var endpoint = try configuration.stsEndpoint()
        endpoint.timeouts = Self.serviceTimeouts
        return STSClient(
            AWSServiceClient(.sts, endpoint: endpoint, authentication: authentication, transport: transport, clock: clock))
    }

    private func sessionName() -> String { "millrace-\(clock.wall().microseconds / 1_000_000)" }

    /// Runs a service call and says of its failure whose it was.
    func explained(_ origin: String, _ call: () async throws -> AWSCredentials) async throws -> AWSCredentials {
        do { return try await call() } catch let error as AWSServiceError {
            throw MillraceError(
                .awsCredentials, "no credentials from \(origin): \(error)", details: ["aws_code": .string(error.code)],
                isRetryable: error.isRetryable)
        } catch let error as MillraceError where error.code != .awsCredentials {
            throw MillraceError(.awsCredentials, "no credentials from \(origin): \(error.message)", isRetryable: error.isRetryable)
        }
    }

    static let serviceTimeouts = {
        var timeouts = HTTPClientTimeouts()
        timeouts.connect = .seconds(5)
        timeouts.firstByte = .seconds(15)
        timeouts.idle = .seconds(10)
        timeouts.total = .seconds(30)
        return timeouts
    }()
    static let tokenByteLimit = 64 << 10
}
