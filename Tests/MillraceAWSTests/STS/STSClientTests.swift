import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceAWS

/// STS against moto.
@Suite(.ownThreads) struct STSClientTests {
    private static let account = "123456789012"

    private func client(_ url: String) -> STSClient {
        var endpoint = AWSEndpointSettings(region: "eu-central-1", url: url)
        endpoint.timeouts.total = .seconds(30)
        let keys = AWSCredentials(accessKeyID: "AKIATEST", secretAccessKey: "s", origin: "the test")
        return STSClient(
            AWSServiceClient(
                .sts, endpoint: endpoint, authentication: .signature(StaticAWSCredentialProvider(keys)), transport: HTTPClient()))
    }

    @Test func callerIdentity_isRead() async throws {
        guard let url = try CredentialCounterparts.moto() else { return }
        let identity = try await client(url).getCallerIdentity()
        #expect(identity.account == Self.account && identity.arn.hasPrefix("arn:aws:") && !identity.userID.isEmpty)
    }

    @Test func aRole_isTaken_andItsCredentialsAreTheRoles() async throws {
        guard let url = try CredentialCounterparts.moto() else { return }
        var request = STSClient.AssumeRoleRequest(roleARN: "arn:aws:iam::\(Self.account):role/demo", sessionName: "me")
        request.durationSeconds = 900
        request.externalID = "x & y"
        request.tags = [.init(key: "team", value: "mill")]
        let role = try await client(url).assumeRole(request)
        #expect(role.arn.hasSuffix("assumed-role/demo/me") && role.assumedRoleID.hasSuffix(":me"))
        let left = role.credentials.expiration.microseconds - Timestamp.now().microseconds
        #expect((800...900).contains(left / 1_000_000))
        #expect(!"\(role)".contains(role.credentials.secretAccessKey) && !"\(role)".contains(role.credentials.sessionToken))
    }

    @Test func aWebIdentity_isTakenWithoutASignature() async throws {
        guard let url = try CredentialCounterparts.moto() else { return }
        let request = STSClient.AssumeRoleWithWebIdentityRequest(
            roleARN: "arn:aws:iam::\(Self.account):role/pod", sessionName: "pod", token: "header.payload.signature")
        let role = try await client(url).assumeRoleWithWebIdentity(request)
        #expect(role.arn.hasSuffix("assumed-role/pod/pod") && role.credentials.accessKeyID.hasPrefix("ASIA"))
    }

    /// What is sent, of all parameters, as the API Reference writes it.
    @Test func everyParameter_isInTheForm_andOnlySignedCallsAreSigned() async throws {
        let sent = Locked<[HTTPClientRequest]>([])
        let client = STSClient(
            AWSServiceClient(
                .sts, endpoint: AWSEndpointSettings(region: "eu-central-1"),
                authentication: .signature(
                    StaticAWSCredentialProvider(AWSCredentials(accessKeyID: "AKIA", secretAccessKey: "s", origin: "the test"))),
                transport: Answering(sent: sent, status: 200, body: Self.answer)))
        var request = STSClient.AssumeRoleRequest(roleARN: "arn:r", sessionName: "n")
        request.durationSeconds = 900
        request.externalID = "ä b"
        request.policy = "{}"
        request.policyARNs = ["arn:p1", "arn:p2"]
        request.tags = [.init(key: "k1", value: "v1"), .init(key: "k2", value: "")]
        request.transitiveTagKeys = ["k1", "k2"]
        request.serialNumber = "arn:mfa"
        request.tokenCode = "123456"
        request.sourceIdentity = "me"
        request.providedContexts = [.init(providerARN: "arn:c", contextAssertion: "jwt")]
        let role = try await client.assumeRole(request)
        #expect(
            role.packedPolicySize == 6 && role.sourceIdentity == "me"
                && role.credentials.expiration.description == "2100-01-01T00:00:00.000000Z")
        let form = try #require(Self.form(sent.withLock { $0[0] }))
        #expect(
            form == [
                "Action=AssumeRole", "DurationSeconds=900", "ExternalId=%C3%A4%20b", "Policy=%7B%7D", "PolicyArns.member.1.arn=arn%3Ap1",
                "PolicyArns.member.2.arn=arn%3Ap2", "ProvidedContexts.member.1.ContextAssertion=jwt",
                "ProvidedContexts.member.1.ProviderArn=arn%3Ac", "RoleArn=arn%3Ar", "RoleSessionName=n", "SerialNumber=arn%3Amfa",
                "SourceIdentity=me", "Tags.member.1.Key=k1", "Tags.member.1.Value=v1", "Tags.member.2.Key=k2", "Tags.member.2.Value=",
                "TokenCode=123456", "TransitiveTagKeys.member.1=k1", "TransitiveTagKeys.member.2=k2", "Version=2011-06-15",
            ])
        #expect(sent.withLock { $0[0].headers["Authorization"] }?.hasPrefix("AWS4-HMAC-SHA256 ") == true)
        #expect(sent.withLock { $0[0].url } == "https://sts.eu-central-1.amazonaws.com/")

        var identity = STSClient.AssumeRoleWithWebIdentityRequest(roleARN: "arn:r", sessionName: "n", token: "a.b.c")
        identity.providerID = "www.amazon.com"
        identity.durationSeconds = 1000
        identity.policyARNs = ["arn:p"]
        let other = try await client.assumeRoleWithWebIdentity(identity)
        #expect(other.webIdentitySubject == "sub" && other.audience == "aud" && other.provider == "prov")
        #expect(
            Self.form(sent.withLock { $0[1] }) == [
                "Action=AssumeRoleWithWebIdentity", "DurationSeconds=1000", "PolicyArns.member.1.arn=arn%3Ap", "ProviderId=www.amazon.com",
                "RoleArn=arn%3Ar", "RoleSessionName=n", "Version=2011-06-15", "WebIdentityToken=a.b.c",
            ])
        #expect(sent.withLock { $0[1].headers["Authorization"] } == nil)
    }

    @Test(arguments: [
        ("AccessDenied", 403, false, 1), ("ExpiredTokenException", 400, false, 1), ("IDPCommunicationError", 400, true, 3),
        ("Throttling", 400, true, 3),
    ])
    func aRefusal_isTyped_andTriedAgainWhereThatHelps(code: String, status: Int, isRetryable: Bool, attempts: Int) async throws {
        let sent = Locked<[HTTPClientRequest]>([])
        let body =
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>\(code)</Code>"
            + "<Message>No.</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        let client = STSClient(
            AWSServiceClient(
                .sts, endpoint: AWSEndpointSettings(region: "x"), authentication: .none,
                transport: Answering(sent: sent, status: status, body: body), clock: CredentialClock(automatic: true).policy))
        let request = STSClient.AssumeRoleWithWebIdentityRequest(roleARN: "arn:r", sessionName: "n", token: "t")
        let error = await #expect(throws: AWSServiceError.self) { try await client.assumeRoleWithWebIdentity(request) }
        #expect(error?.code == code && error?.message == "No." && error?.requestID == "r-1" && error?.isRetryable == isRetryable)
        #expect(sent.withLock { $0.count } == attempts)
    }

    @Test(arguments: ["<a/>", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"])
    func anAnswerThatLacksSomething_isAnError(body: String) async throws {
        let client = STSClient(
            AWSServiceClient(
                .sts, endpoint: AWSEndpointSettings(region: "x"), authentication: .none,
                transport: Answering(sent: Locked([]), status: 200, body: body)))
        await #expect(throws: AWSServiceError.self) { try await client.assumeRole(.init(roleARN: "r", sessionName: "n")) }
    }

    private static func form(_ request: HTTPClientRequest) -> [String]? {
        guard case .bytes(let bytes) = request.body else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "&").map(String.init).sorted()
    }

    private static let result =
        "<AssumedRoleUser><Arn>arn:s</Arn><AssumedRoleId>AROA:n</AssumedRoleId></AssumedRoleUser><PackedPolicySize>6</PackedPolicySize>"
        + "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        + "<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials><SourceIdentity>me</SourceIdentity>"
        + "<SubjectFromWebIdentityToken>sub</SubjectFromWebIdentityToken><Audience>aud</Audience><Provider>prov</Provider>"
    private static let answer =
        "<R><AssumeRoleResult>\(result)</AssumeRoleResult><AssumeRoleWithWebIdentityResult>\(result)</AssumeRoleWithWebIdentityResult></R>"

    // MARK: The chain, with STS

    private static let files =
        "[profile top]\nrole_arn = arn:aws:iam::\(account):role/top\nsource_profile = middle\nrole_session_name = topsession\n"
        + "[profile middle]\nrole_arn = arn:aws:iam::\(account):role/middle\nsource_profile = base\nexternal_id = e\n"
        + "duration_seconds = 900\n"
        + "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
        + "[profile pod]\nrole_arn = arn:aws:iam::\(account):role/pod\nweb_identity_token_file = TOKEN\n"
        + "[profile environment]\nrole_arn = arn:aws:iam::\(account):role/env\ncredential_source = Environment\n"

    @Test func aChainOfRoles_endsAsTheLast() async throws {
        guard let url = try CredentialCounterparts.moto() else { return }
        let home = try CredentialHome(config: Self.files)
        let chain = home.chain(["AWS_ENDPOINT_URL_STS": url, "AWS_REGION": "eu-central-1"], profile: "top")
        let found = try await chain.credentials()
        #expect(
            found.origin
                == "the role arn:aws:iam::\(Self.account):role/top of the profile 'top', taken with the role "
                + "arn:aws:iam::\(Self.account):role/middle of the profile 'middle', taken with the profile 'base' in "
                + "\(home.path)/.aws/config"
        )
        #expect(try await chain.stsClient().getCallerIdentity().arn.hasSuffix("assumed-role/top/topsession"))
        #expect(try await chain.inspect().source == found.origin)
    }

    @Test func aRoleOfTheEnvironmentsKeys_isTaken() async throws {
        guard let url = try CredentialCounterparts.moto() else { return }
        let home = try CredentialHome(config: Self.files)
        let chain = home.chain(
            ["AWS_ENDPOINT_URL_STS": url, "AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s"], profile: "environment")
        #expect(try await chain.stsClient().getCallerIdentity().arn.contains("assumed-role/env/millrace-"))
    }

    @Test func aWebIdentityOfTheEnvironment_isTakenWithTheTokenAsItIsNow() async throws {
        guard let url = try CredentialCounterparts.moto() else { return }
        let home = try CredentialHome()
        let environment = [
            "AWS_ENDPOINT_URL_STS": url, "AWS_WEB_IDENTITY_TOKEN_FILE": home.path + "/token", "AWS_ROLE_SESSION_NAME": "pod-1",
            "AWS_ROLE_ARN": "arn:aws:iam::\(Self.account):role/pod",
        ]
        let chain = home.chain(environment)
        let error = await credentialError { try await chain.credentials() }
        #expect(error?.message.contains("the web identity's token of the environment: cannot open \(home.path)/token") == true)
        try home.write("header.payload.signature\n", to: "token")
        _ = try await chain.credentials()
        #expect(try await chain.stsClient().getCallerIdentity().arn.hasSuffix("assumed-role/pod/pod-1"))
    }

    @Test(
        arguments: [
            ([:], "us-east-1", "https://sts.amazonaws.com"), (["AWS_REGION": "eu-west-1"], "eu-west-1", nil),
            (["AWS_REGION": "eu-west-1", "AWS_STS_REGIONAL_ENDPOINTS": "legacy"], "us-east-1", "https://sts.amazonaws.com"),
            (["AWS_REGION": "eu-south-1", "AWS_STS_REGIONAL_ENDPOINTS": "legacy"], "eu-south-1", nil),
            (["AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": "http://x"], "eu-west-1", "http://x"),
        ] as [([String: String], String, String?)])
    func stsEndpoint_isTheRegions_unlessToldOtherwise(environment: [String: String], region: String, url: String?) throws {
        let configuration = AWSConfiguration(
            profile: nil, environment: environment, home: "/", config: AWSProfileFile(), credentials: AWSProfileFile())
        let endpoint = try configuration.stsEndpoint()
        #expect(endpoint.region == region && endpoint.url == url)
    }
}

/// A transport that gives every request the same answer.
private struct Answering: HTTPTransport {
    let sent: Locked<[HTTPClientRequest]>
    let status: Int
    let body: String

    private final class Response: HTTPResponseStream {
        let status: Int
        let headers: HTTPClientHeaders = ["Content-Type": "text/xml"]
        private var rest: [UInt8]

        init(status: Int, body: String) {
            self.status = status
            rest = Array(body.utf8)
        }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            guard !rest.isEmpty else { return false }
            try rest.withUnsafeBytes(take)
            rest = []
            return true
        }
    }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        sent.withLock { $0.append(request) }
        return try await body(Response(status: status, body: self.body))
    }
}
