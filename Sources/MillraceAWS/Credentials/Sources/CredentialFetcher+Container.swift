import MillraceCore
import MillraceHTTPClient

extension CredentialSource.ContainerSettings {
    /// The URL without its query.
    var shownURL: String { RequestTarget.withoutSecrets(url) }

    /// The hosts of ECS and EKS that plain HTTP may ask beside this machine (AWS SDKs and Tools Reference Guide, "Container credential
    /// provider").
    private static let linkLocalHosts: Set = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"]

    /// Refuses an endpoint that would carry credentials over a network in the clear.
    func target() throws(MillraceError) -> RequestTarget {
        let target: RequestTarget
        do throws(MillraceError) { target = try RequestTarget(url: url) } catch {
            throw MillraceError(.awsCredentials, "the container's credential endpoint: \(error.message)")
        }
        guard target.isSecure || target.isLoopback || Self.linkLocalHosts.contains(target.host) else {
            throw MillraceError(
                .awsCredentials,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI names the host '\(target.host)' without https: only this machine, "
                    + "\(Self.linkLocalHosts.sorted().joined(separator: ", ")) may be asked over http")
        }
        return target
    }
}

extension CredentialFetcher {
    /// Asks the endpoint of the container's agent.
    func ask(_ settings: CredentialSource.ContainerSettings) async throws -> AWSCredentials {
        let target = try settings.target()
        let source = "the container's credential endpoint \(settings.shownURL)"
        var attempt = 1
        while true {
            var request = HTTPClientRequest(
                url: settings.url, headers: ["Accept": "application/json"], timeouts: Self.containerTimeouts, responseByteLimit: 1 << 20)
            // What is on this link is not for a proxy.
            request.usesProxy = target.isSecure
            if let token = try await token(settings) { request.headers.set("Authorization", token) }
            let failure: MillraceError
            do {
                let (status, body) = try await metadataTransport.exchange(request) { ($0.status, try await $0.collect(limit: 256 << 10)) }
                if status == 200 {
                    return try CredentialDocument(body, source: source).credentials(tokenName: "Token", origin: source)
                }
                failure = MillraceError(
                    .awsCredentials, "\(source) answered \(status)\(Self.reason(body))", isRetryable: status >= 500 || status == 429)
            } catch let error as MillraceError where error.code != .awsCredentials {
                failure = MillraceError(.awsCredentials, "\(source): \(error.message)", isRetryable: error.isRetryable)
            }
            guard failure.isRetryable, attempt < Self.containerAttempts else { throw failure }
            attempt += 1
            try await clock.sleep(.seconds(1))
        }
    }

    /// What is sent as `Authorization`: the file is read anew each time, since the agent replaces it.
    private func token(_ settings: CredentialSource.ContainerSettings) async throws -> String? {
        var token = settings.token
        if let path = settings.tokenFile {
            do {
                token = String(
                    decoding: try await blocking.run { try BoundedFile.read(path, limit: Self.tokenByteLimit) }, as: UTF8.self)
            } catch let error as MillraceError {
                throw MillraceError(.awsCredentials, "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: \(error.message)")
            }
        }
        guard let token else { return nil }
        guard !token.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
            let variable =
                settings.tokenFile == nil ? "AWS_CONTAINER_AUTHORIZATION_TOKEN" : "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
            throw MillraceError(.awsCredentials, "\(variable) holds a line break, which no header may hold")
        }
        return token
    }

    /// The agent's own words for an error.
    private static func reason(_ body: [UInt8]) -> String {
        guard let json = try? JSONValue(parsing: body) else { return "" }
        let words = [json["code"]?.string ?? json["Code"]?.string, json["message"]?.string ?? json["Message"]?.string].compactMap { $0 }
        return words.isEmpty ? "" : ": " + words.joined(separator: ": ").prefix(300)
    }

    private static let containerAttempts = 3
    private static let containerTimeouts = {
        var timeouts = HTTPClientTimeouts()
        timeouts.connect = .seconds(2)
        timeouts.firstByte = .seconds(2)
        timeouts.idle = .seconds(2)
        timeouts.total = .seconds(5)
        return timeouts
    }()
}
