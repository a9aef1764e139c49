/// A service: how it is called, and how its requests are signed.
package struct AWSService: Sendable {
    /// The name for people, such as `Secrets Manager`.
    package var name: String
    /// The name in configuration: `bedrockRuntime`, `s3`.
    package var key: String
    /// The name in the service's hosts, such as `bedrock-runtime`.
    package var endpointPrefix: String
    /// The name in the credential scope, such as `bedrock`.
    package var signingName: String
    package var pathStyle: SigV4Signer.PathStyle = .standard
    package var sendsContentHash = false
    /// Whether a body may go unsigned over TLS, or signed in chunks (S3).
    package var signsChunks = false

    package init(_ name: String, key: String, endpointPrefix: String, signingName: String? = nil) {
        self.name = name
        self.key = key
        self.endpointPrefix = endpointPrefix
        self.signingName = signingName ?? endpointPrefix
    }

    package static let bedrockRuntime = AWSService(
        "Bedrock", key: "bedrockRuntime", endpointPrefix: "bedrock-runtime", signingName: "bedrock")
    package static let dynamoDB = AWSService("DynamoDB", key: "dynamoDB", endpointPrefix: "dynamodb")
    package static let secretsManager = AWSService("Secrets Manager", key: "secretsManager", endpointPrefix: "secretsmanager")
    package static let sts = AWSService("STS", key: "sts", endpointPrefix: "sts")
    package static let s3 = {
        var service = AWSService("S3", key: "s3", endpointPrefix: "s3")
        service.pathStyle = .s3
        service.sendsContentHash = true
        service.signsChunks = true
        return service
    }()
    /// A domain of OpenSearch Service, whose endpoint is always given.
    package static let openSearch = AWSService("OpenSearch", key: "openSearch", endpointPrefix: "es")
    /// A collection of OpenSearch Serverless, whose endpoint is always given.
    package static let openSearchServerless = {
        var service = AWSService("OpenSearch Serverless", key: "openSearch", endpointPrefix: "aoss")
        service.sendsContentHash = true
        return service
    }()
}
