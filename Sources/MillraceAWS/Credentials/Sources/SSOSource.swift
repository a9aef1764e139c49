import Glibc
import MillraceCore
import MillraceHTTPClient

/// Gets a role's credentials from IAM Identity Center with the token that `aws sso login` left behind, and renews the token where it can
/// be.
///
/// Source: AWS IAM Identity Center Portal API Reference (`GetRoleCredentials`) and OIDC API Reference (`CreateToken`).
struct SSOSource: Sendable {
    let settings: CredentialSource.SSOSettings
    let fetcher: CredentialFetcher

    private var path: String { SSOToken.path(for: settings.session ?? settings.startURL, home: fetcher.configuration.home) }
    private var advice: String { "run `aws sso login --profile \(settings.profile)`" }

    func credentials() async throws -> AWSCredentials {
        let origin = CredentialSource.sso(settings).description
        let token = try await token()
        var request = AWSRequest(
            "GET", "/federation/credentials", query: [("role_name", settings.roleName), ("account_id", settings.accountID)],
            headers: ["x-amz-sso_bearer_token": token.accessToken])
        request.responseByteLimit = 1 << 20
        let answer: JSONValue
        do { answer = try await client(.ssoPortal).json(request, limit: 256 << 10) } catch let error as AWSServiceError {
            guard error.status != 401 else { throw failure("the session was refused (\(error.code)): \(advice)") }
            throw failure("\(error)", isRetryable: error.isRetryable)
        } catch let error as MillraceError {
            throw failure(error.message, isRetryable: error.isRetryable)
        }
        guard let role = answer["roleCredentials"], let key = role["accessKeyId"]?.string, let secret = role["secretAccessKey"]?.string,
            let session = role["sessionToken"]?.string, let milliseconds = role["expiration"]?.integer,
            (0...253_402_300_799_000).contains(milliseconds)
        else { throw failure("the portal gave credentials that lack something") }
        return AWSCredentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: session,
            expiration: Timestamp(microseconds: Int64(milliseconds) * 1000), origin: origin)
    }

    private func failure(_ what: String, isRetryable: Bool = false) -> MillraceError {
        MillraceError(
            .awsCredentials, "IAM Identity Center, for the profile '\(settings.profile)': \(what)", isRetryable: isRetryable)
    }

    private func client(_ service: AWSService) throws -> AWSServiceClient {
        var endpoint = try fetcher.configuration.endpoint(of: service, region: settings.region)
        endpoint.timeouts = CredentialFetcher.serviceTimeouts
        return AWSServiceClient(
            service, endpoint: endpoint, authentication: .none, transport: fetcher.transport, clock: fetcher.clock)
    }

    // MARK: The token

    /// A token that is valid now: the one in the cache, or a new one.
    private func token() async throws -> SSOToken {
        let path = path
        let bytes: [UInt8]
        do { bytes = try await fetcher.blocking.run { try BoundedFile.read(path, limit: 1 << 20) } } catch let error as MillraceError {
            guard error.code == .notFound else { throw failure(error.message) }
            throw failure("nobody has signed in (\(path) does not exist): \(advice)")
        }
        guard let token = SSOToken(bytes) else { throw failure("\(path) holds no token: \(advice)") }
        let now = fetcher.clock.wall()
        let left = token.expiresAt.microseconds - now.microseconds
        // The older form has no client that could renew.
        guard settings.session != nil, left < Self.renewalMicroseconds else {
            guard left > 0 else { throw failure("the session has expired: \(advice)") }
            return token
        }
        guard let renewal = token.renewal, renewal.registrationExpiresAt > now else {
            guard left > 0 else { throw failure("the session has expired and cannot be renewed: \(advice)") }
            return token
        }
        let renewed: SSOToken
        do { renewed = try await renew(token, renewal) } catch let error where !(error is CancellationError) {
            if left > 0 { return token }
            let reason = (error as? AWSServiceError)?.description ?? (error as? MillraceError)?.message ?? "no answer"
            throw failure("the session has expired and was not renewed (\(reason)): \(advice)")
        }
        // A cache that cannot be written costs the next process a renewal, and this one nothing.
        try? await fetcher.blocking.run { try Self.write(renewed.bytes, to: path) }
        return renewed
    }

    private func renew(_ token: SSOToken, _ renewal: SSOToken.Renewal) async throws -> SSOToken {
        let request = AWSRequest.json(
            "POST", "/token",
            [
                "clientId": .string(renewal.clientID), "clientSecret": .string(renewal.clientSecret), "grantType": "refresh_token",
                "refreshToken": .string(renewal.refreshToken),
            ])
        return try token.renewed(by: try await client(.ssoOIDC).json(request, limit: 256 << 10), at: fetcher.clock.wall())
    }

    /// Replaces the file at once, readable for its owner alone.
    private static func write(_ bytes: [UInt8], to path: String) throws {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw MillraceError(.system, "cannot write \(temporary): \(String(cString: strerror(errno)))") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWritten = rest.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw MillraceError(.system, "cannot replace \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// From how little of its life a token is renewed.
    private static let renewalMicroseconds: Int64 = 15 * 60 * 1_000_000
}
