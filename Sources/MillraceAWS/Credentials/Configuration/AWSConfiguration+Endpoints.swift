package import MillraceCore
package import MillraceHTTPClient

extension AWSConfiguration {
    /// The region: `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the profile's `region`. (botocore does not look at `AWS_REGION`, which
    /// AWS's guide and all other SDKs do.)
    package var region: String? { setting(["AWS_REGION", "AWS_DEFAULT_REGION"], "region") }

    /// The region, of the instance metadata service where none is configured.
    /// - Parameter transport: one that does not repeat.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` that says what was tried.
    package func region(askingInstanceThrough transport: any HTTPTransport) async throws -> String {
        if let region { return region }
        let advice = "set AWS_REGION, or 'region' in the profile '\(profileName)' of \(configPath)"
        guard let settings = try CredentialPlanner(configuration: self).instance() else {
            throw MillraceError(.awsCredentials, "no region is set, and AWS_EC2_METADATA_DISABLED forbids to ask the instance: \(advice)")
        }
        do { return try await InstanceMetadata(settings: settings, transport: transport).region() } catch let error as MillraceError {
            throw MillraceError(.awsCredentials, "no region is set (\(error.message)): \(advice)", isRetryable: error.isRetryable)
        }
    }

    /// The endpoint that is configured for a service, in this order: `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, the service's
    /// `endpoint_url` in the section that the profile's `services` names, the profile's `endpoint_url`. `nil`: the region's own.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` for a `services` section that is not there.
    package func endpointURL(of service: AWSService) throws(MillraceError) -> String? {
        let ignores = setting(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], "ignore_configured_endpoint_urls")
        if ignores?.lowercased() == "true" { return nil }
        let name = service.configurationName
        if let url = environment["AWS_ENDPOINT_URL_" + name.uppercased()] ?? environment["AWS_ENDPOINT_URL"] { return url }
        if let section = profile.text("services") {
            guard let services = shared.services[section] else {
                throw MillraceError(
                    .awsCredentials,
                    "the profile '\(profileName)' names the services '\(section)', and \(configPath) has no [services \(section)]")
            }
            if let url = services.group(name)?["endpoint_url"], !url.isEmpty { return url }
        }
        return profile.text("endpoint_url").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether endpoints that meet FIPS 140 are wanted: `AWS_USE_FIPS_ENDPOINT`, else the profile's `use_fips_endpoint`.
    package var usesFIPS: Bool { setting(["AWS_USE_FIPS_ENDPOINT"], "use_fips_endpoint")?.lowercased() == "true" }

    /// Whether endpoints with IPv6 are wanted: `AWS_USE_DUALSTACK_ENDPOINT`, else the profile's `use_dualstack_endpoint`.
    package var usesDualStack: Bool { setting(["AWS_USE_DUALSTACK_ENDPOINT"], "use_dualstack_endpoint")?.lowercased() == "true" }

    /// The token that `AWS_BEARER_TOKEN_<SIGNING NAME>` holds for a service, such as `AWS_BEARER_TOKEN_BEDROCK`.
    package func bearerToken(for service: AWSService) -> String? {
        environment["AWS_BEARER_TOKEN_" + String(service.signingName.map { $0 == "-" || $0 == " " ? "_" : $0 }).uppercased()]
    }

    /// How a service is reached: the given region or the configured one, with the configured endpoint and switches.
    /// - Throws: as ``endpointURL(of:)``, and where there is no region.
    package func endpoint(of service: AWSService, region given: String? = nil) throws(MillraceError) -> AWSEndpointSettings {
        guard let region = given ?? region else {
            throw MillraceError(
                .awsCredentials,
                "no region is set for \(service.name): set AWS_REGION, or 'region' in the profile '\(profileName)' of \(configPath)")
        }
        var endpoint = AWSEndpointSettings(region: region, url: try endpointURL(of: service))
        endpoint.usesFIPS = usesFIPS
        endpoint.usesDualStack = usesDualStack
        return endpoint
    }

    /// How STS is reached: in the region, unless `AWS_STS_REGIONAL_ENDPOINTS` or the profile's `sts_regional_endpoints` says `legacy`, or
    /// no region is set. Then it is the global endpoint, in `us-east-1`.
    package func stsEndpoint() throws(MillraceError) -> AWSEndpointSettings {
        let isLegacy = setting(["AWS_STS_REGIONAL_ENDPOINTS"], "sts_regional_endpoints")?.lowercased() == "legacy"
        var endpoint = try endpoint(of: .sts, region: region ?? "us-east-1")
        guard endpoint.url == nil, !endpoint.usesFIPS, !endpoint.usesDualStack else { return endpoint }
        if region == nil || isLegacy && Self.legacyGlobalRegions.contains(endpoint.region) {
            endpoint.region = "us-east-1"
            endpoint.url = "https://sts.amazonaws.com"
        }
        return endpoint
    }

    /// The regions that there were when STS had one endpoint (AWS SDKs and Tools Reference Guide, "AWS STS Regional endpoints").
    private static let legacyGlobalRegions: Set = [
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1", "eu-central-1", "eu-north-1",
        "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ]
}

extension AWSService {
    /// The service's name in `AWS_ENDPOINT_URL_…` and `[services]` sections: its service id in snake case (AWS SDKs and Tools Reference
    /// Guide, "Identifiers for service-specific endpoints").
    var configurationName: String {
        switch endpointPrefix {
        case "secretsmanager": "secrets_manager"
        case "portal.sso": "sso"
        case "oidc": "sso_oidc"
        case "es": "opensearch"
        case "aoss": "opensearchserverless"
        default: String(endpointPrefix.map { $0 == "-" ? "_" : $0 })
        }
    }

    /// The portal of IAM Identity Center, which gives credentials for a token.
    static let ssoPortal = AWSService("IAM Identity Center", key: "sso", endpointPrefix: "portal.sso")
    /// The OpenID Connect service of IAM Identity Center, which gives tokens.
    static let ssoOIDC = AWSService("IAM Identity Center OIDC", key: "ssoOIDC", endpointPrefix: "oidc")
}
