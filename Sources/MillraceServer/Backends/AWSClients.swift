public import MillraceAWS
public import MillraceCore

/// Clients of AWS's services for handlers that need more than the seams give, made of the server's settings. Make them while handlers are
/// registered, and keep them:
/// ```swift
/// let server = try Server(settings: settings) { registry, clients in
///     do {
///         try registry.register(OrderHandler(table: try clients.aws.dynamoDB()))
///     } catch let error as MillraceError {
///         // Neither region nor profile: the server runs without this handler.
///         print(error.message)
///     }
/// }
/// ```
/// Making a client asks nobody; credentials are looked for at its first call. Each method reads AWS's profile files: not on an event loop.
/// All throw ``MillraceError`` that says what to set where the region or the profile is missing.
public struct AWSClients: Sendable {
    let assembly: AWSAssembly

    /// Bedrock's runtime.
    /// - Parameters:
    ///   - region: such as `eu-central-1`; `nil`: as the settings say.
    ///   - profile: a profile of AWS's configuration; `nil`: as the settings say.
    public func bedrockRuntime(region: String? = nil, profile: String? = nil) throws(MillraceError) -> BedrockRuntimeClient {
        try assembly.bedrock(BedrockServerSettings(region: region, profile: profile), credential: nil).client
    }

    /// DynamoDB; parameters as of ``bedrockRuntime(region:profile:)``.
    public func dynamoDB(region: String? = nil, profile: String? = nil) throws(MillraceError) -> DynamoDBClient {
        DynamoDBClient(try assembly.client(.dynamoDB, .init(region: region, profile: profile)))
    }

    /// S3; parameters as of ``bedrockRuntime(region:profile:)``.
    /// - Parameter settings: how the client works.
    public func s3(
        region: String? = nil, profile: String? = nil, settings: S3Client.Settings = S3Client.Settings()
    ) throws(MillraceError) -> S3Client {
        try S3Client(try assembly.client(.s3, .init(region: region, profile: profile)), settings: settings)
    }

    /// Secrets Manager; parameters as of ``bedrockRuntime(region:profile:)``.
    public func secretsManager(region: String? = nil, profile: String? = nil) throws(MillraceError) -> SecretsManagerClient {
        SecretsManagerClient(try assembly.client(.secretsManager, .init(region: region, profile: profile)))
    }

    /// STS; parameters as of ``bedrockRuntime(region:profile:)``.
    public func sts(region: String? = nil, profile: String? = nil) throws(MillraceError) -> STSClient {
        STSClient(try assembly.client(.sts, .init(region: region, profile: profile)))
    }

    /// An OpenSearch domain.
    /// - Parameters:
    ///   - url: the domain's endpoint.
    ///   - isServerless: whether it is a collection of OpenSearch Serverless.
    public func openSearch(
        url: String, isServerless: Bool = false, region: String? = nil, profile: String? = nil
    ) throws(MillraceError) -> OpenSearchClient {
        let service = isServerless ? AWSService.openSearchServerless : .openSearch
        return OpenSearchClient(try assembly.client(service, .init(region: region, profile: profile, url: url)))
    }
}
