package import MillraceCore
package import MillraceHTTPClient

/// Finds credentials where AWS's SDKs and tools do, keeps them, and renews them in time: the environment, a web identity, a profile (keys,
/// roles, `credential_process`, IAM Identity Center), a container's endpoint, the instance metadata service.
///
/// The order is botocore's (see ``CredentialPlanner``). What is configured and broken is an error that says so; nothing else takes its
/// place. Files are read anew whenever credentials are renewed, so what a person changes there counts without a restart.
package final class AWSCredentialChain: AWSCredentialProvider {
    /// What the chain would do now, for `millrace doctor`.
    package struct Inspection: Sendable {
        /// The profile that counts.
        package let profile: String
        /// Where the credentials come from, such as `the environment`; `nil`: there is nothing to ask.
        package let source: String?
        /// Each place that was looked at before, and why it does not count.
        package let passedOver: [String]
        /// Region, endpoints and switches of the same profile.
        package let configuration: AWSConfiguration
    }

    private let search: CredentialSearch
    private let kept: RefreshingCredentials

    /// - Parameters:
    ///   - profile: the profile's name; then keys and web identities in variables do not count. `nil`: as the environment says.
    ///   - environment: the variables; a `credential_process` gets them as well.
    ///   - home: the directory that holds `.aws`.
    ///   - transport: for STS and IAM Identity Center; one that repeats what failed on the way.
    ///   - metadataTransport: for the container's and the instance's endpoints, whose attempts are counted here: one that does not repeat.
    ///   - blocking: where files are read.
    ///   - processTimeout: how long a `credential_process` may take (default: 60 s).
    ///   - logger: where it is said that old credentials go on for want of new ones. No line holds a secret.
    package init(
        profile: String? = nil, environment: [String: String], home: String, transport: any HTTPTransport,
        metadataTransport: any HTTPTransport, blocking: BlockingExecutor, clock: HTTPPolicyClock = .system,
        processTimeout: Duration = .seconds(60), logger: Logger = .silent
    ) {
        let search = CredentialSearch(
            profile: profile, environment: environment, home: home, transport: transport, metadataTransport: metadataTransport,
            blocking: blocking, clock: clock, processTimeout: processTimeout)
        self.search = search
        kept = RefreshingCredentials(clock: clock, logger: logger) { try await search.run() }
    }

    package func credentials() async throws -> AWSCredentials { try await kept.credentials() }

    package func refused(_ credentials: AWSCredentials) async { await kept.refused(credentials) }

    /// Region, endpoints and switches of the chain's profile, from files read now.
    /// - Throws: as ``AWSConfiguration/load(profile:environment:home:blocking:)``.
    package func configuration() async throws -> AWSConfiguration { try await search.configuration() }

    /// Says what the chain would do, without asking anybody for credentials.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` for what is configured and wrong.
    package func inspect() async throws -> Inspection {
        let configuration = try await search.configuration()
        let plan = try CredentialPlanner(configuration: configuration).plan()
        return Inspection(
            profile: configuration.profileName, source: plan.source?.description, passedOver: plan.passedOver,
            configuration: configuration)
    }

    /// STS with the chain's credentials, in the region and at the endpoint that the profile says: `getCallerIdentity()` tells the account.
    package func stsClient() async throws -> STSClient {
        let configuration = try await search.configuration()
        return try search.fetcher(configuration).sts(.signature(self))
    }
}

/// One search along the chain.
struct CredentialSearch: Sendable {
    let profile: String?
    let environment: [String: String]
    let home: String
    let transport: any HTTPTransport
    let metadataTransport: any HTTPTransport
    let blocking: BlockingExecutor
    let clock: HTTPPolicyClock
    let processTimeout: Duration

    func configuration() async throws -> AWSConfiguration {
        try await AWSConfiguration.load(profile: profile, environment: environment, home: home, blocking: blocking)
    }

    func fetcher(_ configuration: AWSConfiguration) -> CredentialFetcher {
        CredentialFetcher(
            configuration: configuration, transport: transport, metadataTransport: metadataTransport, blocking: blocking, clock: clock,
            processTimeout: processTimeout)
    }

    func run() async throws -> CredentialRefresh.Found {
        let configuration = try await configuration()
        let plan = try CredentialPlanner(configuration: configuration).plan()
        guard let source = plan.source else { throw nothingFound(plan.passedOver) }
        do {
            let credentials = try await fetcher(configuration).credentials(from: source)
            return CredentialRefresh.Found(credentials: credentials, isStaticallyStable: source.isStaticallyStable)
        } catch let error as MillraceError {
            // The instance is asked where nothing is configured, so that it does not answer says little by itself.
            guard case .instance = source else { throw error }
            throw nothingFound(plan.passedOver + [error.message], isRetryable: error.isRetryable)
        }
    }

    private func nothingFound(_ tried: [String], isRetryable: Bool = false) -> MillraceError {
        MillraceError(
            .awsCredentials,
            "no credentials for AWS were found: \(tried.joined(separator: "; ")). Set AWS_ACCESS_KEY_ID and "
                + "AWS_SECRET_ACCESS_KEY, name a profile "
                + "with AWS_PROFILE, or give the container or instance a role",
            details: ["tried": .array(tried.map { .string($0) })], isRetryable: isRetryable)
    }
}
