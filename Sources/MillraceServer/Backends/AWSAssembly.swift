import Glibc
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// Makes clients of AWS's services, as the settings, AWS's own variables and the profile files say. Credentials are found at the first call,
/// and shared by all clients of a profile.
final class AWSAssembly: Sendable {
    /// What is particular to one client.
    struct Place: Equatable, Sendable {
        var region: String?
        var profile: String?
        /// A base URL; `nil`: as the settings of AWS say.
        var url: String?

        init(region: String? = nil, profile: String? = nil, url: String? = nil) {
            self.region = region
            self.profile = profile
            self.url = url
        }
    }

    /// A client of Bedrock's runtime, and where it is.
    struct Bedrock: Sendable {
        let client: BedrockRuntimeClient
        let region: String
        let url: String
    }

    private let settings: AWSSettings
    private let environment: [String: String]
    private let transport: any HTTPTransport
    private let plain: any HTTPTransport
    private let blocking: BlockingExecutor
    /// By profile; the empty name is the one that nobody named.
    private let chains = Locked<[String: AWSCredentialChain]>([:])

    /// - Parameters:
    ///   - transport: how services are reached: with retries.
    ///   - plain: how a container's and an instance's credentials are asked for: without.
    ///   - blocking: the threads that read AWS's files.
    init(_ settings: AWSSettings, transport: any HTTPTransport, plain: any HTTPTransport, blocking: BlockingExecutor) {
        self.settings = settings
        environment = Self.environment(settings)
        self.transport = transport
        self.plain = plain
        self.blocking = blocking
    }

    /// The variables with what the settings say instead, for those who read variables alone: the chain, whose roles STS gives, and a
    /// `credential_process`.
    private static func environment(_ settings: AWSSettings) -> [String: String] {
        var variables = settings.variables.values
        if let region = settings.region { variables["AWS_REGION"] = region }
        if let url = settings.endpoint { variables["AWS_ENDPOINT_URL"] = url }
        if let url = settings.stsEndpoint { variables["AWS_ENDPOINT_URL_STS"] = url }
        if settings.usesFIPS { variables["AWS_USE_FIPS_ENDPOINT"] = "true" }
        if settings.usesDualStack { variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true" }
        return variables
    }

    private var home: String { environment["HOME"] ?? "/" }

    /// The credentials of a profile.
    func credentials(_ place: Place = Place()) -> AWSCredentialChain {
        let profile = place.profile ?? settings.profile
        return chains.withLock { chains in
            if let chain = chains[profile ?? ""] { return chain }
            let chain = AWSCredentialChain(
                profile: profile, environment: environment, home: home, transport: transport, metadataTransport: plain,
                blocking: blocking)
            chains[profile ?? ""] = chain
            return chain
        }
    }

    /// How a service is reached.
    /// - Throws: ``MillraceError`` that says what to set, for a missing region or a profile that there is not. It blocks: not on a loop.
    func endpoint(_ service: AWSService, _ place: Place) throws(MillraceError) -> AWSEndpointSettings {
        let configuration = try AWSConfiguration.read(
            profile: place.profile ?? settings.profile, environment: environment, home: home)
        let region = place.region ?? settings.region ?? configuration.region
        guard region != nil || service.key == AWSService.sts.key else {
            throw MillraceError(
                .awsCredentials,
                "no region is set for \(service.name): set aws.region, AWS_REGION, or 'region' in the profile "
                    + "'\(configuration.profileName)' of \(configuration.configPath)")
        }
        var endpoint =
            service.key == AWSService.sts.key && place.region == nil
            ? try configuration.stsEndpoint() : try configuration.endpoint(of: service, region: region)
        if let url = place.url ?? own(service) ?? settings.endpoint { endpoint.url = url }
        if settings.usesFIPS { endpoint.usesFIPS = true }
        if settings.usesDualStack { endpoint.usesDualStack = true }
        _ = try endpoint.url(of: service)
        return endpoint
    }

    private func own(_ service: AWSService) -> String? {
        switch service.key {
        case AWSService.bedrockRuntime.key: settings.bedrockEndpoint
        case AWSService.s3.key: settings.s3Endpoint
        case AWSService.secretsManager.key: settings.secretsManagerEndpoint
        case AWSService.dynamoDB.key: settings.dynamoDBEndpoint
        case AWSService.sts.key: settings.stsEndpoint
        default: nil
        }
    }

    /// A client of a service, whose requests are signed unless `authentication` says otherwise.
    /// - Throws: as ``endpoint(_:_:)``.
    func client(
        _ service: AWSService, _ place: Place = Place(), authentication: AWSServiceClient.Authentication? = nil,
        transport other: (any HTTPTransport)? = nil, configure: (inout AWSEndpointSettings) -> Void = { _ in }
    ) throws(MillraceError) -> AWSServiceClient {
        var endpoint = try endpoint(service, place)
        configure(&endpoint)
        return AWSServiceClient(
            service, endpoint: endpoint, authentication: authentication ?? .signature(credentials(place)), transport: other ?? transport)
    }

    /// A client of Bedrock's runtime.
    func bedrock(
        _ server: BedrockServerSettings, credential: Credential?, transport: (any HTTPTransport)? = nil, total: Duration? = nil
    ) throws(MillraceError) -> Bedrock {
        let place = Place(region: server.region, profile: server.profile, url: server.server.url.isEmpty ? nil : server.server.url)
        var authentication: AWSServiceClient.Authentication?
        if let credential {
            authentication = .bearer { try await credential.value() }
        } else if server.profile == nil, let token = environment["AWS_BEARER_TOKEN_BEDROCK"], !token.isEmpty {
            authentication = .bearer { token }
        }
        let client = try client(.bedrockRuntime, place, authentication: authentication, transport: transport) { endpoint in
            endpoint.timeouts.connect = .seconds(server.server.connectTimeoutSeconds)
            endpoint.timeouts.firstByte = .seconds(server.server.firstByteTimeoutSeconds)
            endpoint.timeouts.idle = .seconds(server.server.idleTimeoutSeconds)
            endpoint.timeouts.total = total
        }
        return Bedrock(client: BedrockRuntimeClient(client), region: client.endpoint.region, url: client.url)
    }
}
