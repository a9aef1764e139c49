import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceAWS

/// The chain against services of the network, each a fake that botocore has driven first.
@Suite(.ownThreads) struct AWSCredentialChainTests {
    /// What a scenario of the fake was asked.
    private func requests(_ url: String, _ scenario: String) async throws -> [String] {
        let request = HTTPClientRequest(url: "\(url)/\(scenario)/requests")
        let bytes = try await HTTPClient().exchange(request) { try await $0.collect() }
        return try JSONValue(parsing: bytes).array?.compactMap(\.string) ?? []
    }

    /// A scenario with counts of its own.
    private func own(_ scenario: String) -> String { scenario + "." + Identifier.make(prefix: "t") }

    private func instance(_ url: String, _ scenario: String) -> [String: String] {
        // A second is little on a machine that builds beside the tests.
        [
            "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "\(url)/\(scenario)/",
            "AWS_METADATA_SERVICE_TIMEOUT": "30",
        ]
    }

    @Test func anInstance_givesItsRolesCredentials_onceForManyCallers() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let mine = own("ok")
        let chain = home.chain(instance(url, mine))
        let found = try await withThrowingTaskGroup(of: AWSCredentials.self) { group in
            for _ in 0..<20 { group.addTask { try await chain.credentials() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(found.map(\.accessKeyID)) == ["ASIAINSTANCE1"] && found[0].sessionToken == "instance-session")
        #expect(found[0].origin == "the instance metadata service at \(url)/\(mine) (role demo-role)")
        let path = "/latest/meta-data/iam/security-credentials/"
        #expect(try await requests(url, mine) == ["PUT /latest/api/token", "GET \(path)", "GET \(path)demo-role"])
    }

    @Test(arguments: [
        ("no-role", "the instance has no role"), ("switched-off", "switched off for this instance"), ("version-one", "answered 404"),
        ("distrusted", "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role demo-role."), ("broken", "answered 500"),
    ])
    func anInstanceWithoutCredentials_isTheLastOfWhatWasTried(scenario: String, message: String) async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let mine = own(scenario)
        let error = await credentialError { try await home.chain(instance(url, mine)).credentials() }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "none")")
        #expect(error?.message.contains("environment: AWS_ACCESS_KEY_ID is not set; web identity: ") == true)
        #expect(error?.details["tried"]?.array?.count == 5)
        let asked = try await requests(url, mine)
        // Version 1 is never asked, and a failure of the service twice.
        if ["switched-off", "version-one"].contains(scenario) { #expect(asked == ["PUT /latest/api/token"]) }
        if scenario == "broken" { #expect(asked.filter { $0.hasSuffix("demo-role") }.count == 2) }
    }

    @Test func anInstanceThatStumbles_isAskedTwice() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        #expect(try await home.chain(instance(url, own("shaky"))).credentials().accessKeyID.hasPrefix("ASIAINSTANCE"))
    }

    @Test(.timeLimit(.minutes(1))) func anInstanceThatIsSilent_isLeftAfterTwoSeconds_withAdvice() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let mine = own("silent")
        let error = await credentialError {
            try await home.chain(instance(url, mine).merging(["AWS_METADATA_SERVICE_TIMEOUT": "1"]) { $1 }).credentials()
        }
        #expect(error?.message.contains("hop limit to 2") == true && error?.isRetryable == true, "\(error?.message ?? "none")")
        // How often is seen below: a server that hardly runs may not have seen the second.
        #expect(Set(try await requests(url, mine)).isSubset(of: ["PUT /latest/api/token"]))
    }

    @Test func anInstanceThatGivesExpiredCredentials_isAskedOnce_andTheyAreUsed() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let mine = own("expired")
        let chain = home.chain(instance(url, mine))
        for _ in 0..<3 { #expect(try await chain.credentials().sessionToken == "instance-session") }
        #expect(try await requests(url, mine).filter { $0.hasSuffix("demo-role") }.count == 1)
    }

    @Test func anInstanceThatDies_letsTheOldCredentialsGoOn_untilAServiceRefusesThem() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let clock = CredentialClock()
        let chain = home.chain(instance(url, own("dying")), clock: clock.policy)
        let first = try await chain.credentials()
        clock.advance(seconds: 7 * 3600)
        #expect(try await chain.credentials() == first)
        await chain.refused(first)
        #expect(await credentialError { try await chain.credentials() }?.message.contains("answered 500") == true)
    }

    @Test func aProxyOfTheEnvironment_neverSeesTheInstance() async throws {
        let requests = Locked<[HTTPClientRequest]>([])
        struct Recorder: HTTPTransport {
            let requests: Locked<[HTTPClientRequest]>
            func exchange<R>(
                _ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R
            ) async throws -> R {
                requests.withLock { $0.append(request) }
                throw MillraceError(.unreachable, "nothing listens", isRetryable: true)
            }
        }
        let home = try CredentialHome()
        let recorder = Recorder(requests: requests)
        for environment in [[:], ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"]] {
            let chain = AWSCredentialChain(
                environment: environment, home: home.path, transport: recorder, metadataTransport: recorder, blocking: home.blocking,
                clock: CredentialClock(automatic: true).policy)
            _ = await credentialError { try await chain.credentials() }
        }
        let seen = requests.withLock { $0 }
        #expect(
            seen.map(\.url) == Array(repeating: "http://169.254.169.254/latest/api/token", count: 2)
                + Array(repeating: "http://169.254.170.2/v2/x", count: 3))
        #expect(seen.allSatisfy { !$0.usesProxy } && seen[0].timeouts.total == .seconds(1))
    }

    @Test func theInstancesRegion_isAskedForOnlyWhereNoneIsSet() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let configuration = try await home.chain(instance(url, "region")).configuration()
        #expect(configuration.region == nil)
        #expect(try await configuration.region(askingInstanceThrough: HTTPClient()) == "eu-central-1")
        let set = try await home.chain(instance(url, "silent").merging(["AWS_REGION": "x-1"]) { $1 }).configuration()
        #expect(try await set.region(askingInstanceThrough: HTTPClient()) == "x-1")
        let off = try await home.chain().configuration()
        let error = await credentialError { try await off.region(askingInstanceThrough: HTTPClient()) }
        #expect(error?.message.contains("set AWS_REGION") == true)
    }

    // MARK: Containers

    @Test func aContainer_givesCredentials_withATokenOfItsFile() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let mine = own("ok")
        let plain = try await home.chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(url)/\(mine)/container?secret=x"]).credentials()
        #expect(plain.accessKeyID.hasPrefix("ASIACONTAINER") && plain.sessionToken == "container-session")
        #expect(plain.origin == "the container's credential endpoint \(url)/\(mine)/container")
        try home.write("Basic s3cret", to: "token")
        let guarded = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(url)/guarded/container"]
        for more in [
            ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home.path + "/token", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong"],
            ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic s3cret"],
        ] {
            #expect(try await home.chain(guarded.merging(more) { $1 }).credentials().accessKeyID.hasPrefix("ASIACONTAINER"))
        }
        #expect(
            try await home.chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(url)/\(own("shaky"))/container"]).credentials().accessKeyID
                .hasPrefix("ASIACONTAINER"))
    }

    @Test(arguments: [
        ("guarded", "answered 401: Unauthorized: The token is wrong."), ("broken", "answered 400: InvalidRequest: No such task."),
        ("chatty", "no JSON object"), ("partial", "without SecretAccessKey"),
    ])
    func aContainerThatRefuses_isTheError(scenario: String, message: String) async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try CredentialHome()
        let environment = instance(url, "ok").merging(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(url)/\(scenario)/container"]) { $1 }
        let error = await credentialError { try await home.chain(environment).credentials() }
        #expect(error?.message.contains(message) == true && error?.message.contains("secret words") == false, "\(error?.message ?? "none")")
    }

    @Test(arguments: [
        ("http://169.254.170.2/x", true), ("http://169.254.170.23/v1/credentials", true), ("http://[fd00:ec2::23]/v1/credentials", true),
        ("http://localhost:80/x", true), ("http://127.9.9.9/x", true), ("http://[::1]:8080/x", true), ("https://anywhere.example/x", true),
        ("http://anywhere.example/x", false), ("http://169.254.170.24/x", false), ("http://169.254.169.254/x", false),
        ("http://127.0.0.1.evil.example/x", false), ("http://localhost.evil.example/x", false), ("ftp://localhost/x", false),
        ("http://user:pass@169.254.170.2@evil.example/", false),
    ])
    func aContainersEndpoint_isOnThisLinkOrSecure(url: String, isAllowed: Bool) {
        let settings = CredentialSource.ContainerSettings(url: url)
        #expect(((try? settings.target()) != nil) == isAllowed)
    }

    @Test func aTokenWithALineBreak_orWithoutItsFile_isRefused() async throws {
        let home = try CredentialHome()
        try home.write("a\nb", to: "token")
        let container = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/x"]
        for more in [
            ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home.path + "/token"],
            ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home.path + "/none"],
            ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX: y"],
        ] {
            let error = await credentialError { try await home.chain(container.merging(more) { $1 }).credentials() }
            #expect(error?.message.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN") == true, "\(error?.message ?? "none")")
        }
    }

    // MARK: What was tried, files, and what changes

    @Test func nothingAtAll_saysWhatWasTriedAndWhatToDo() async throws {
        let home = try CredentialHome()
        let chain = home.chain()
        let error = await credentialError { try await chain.credentials() }
        let message = try #require(error?.message)
        for part in [
            "environment: AWS_ACCESS_KEY_ID is not set", "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
            "there is no profile 'default' (\(home.path)/.aws/config does not exist", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "switched off by AWS_EC2_METADATA_DISABLED", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ] { #expect(message.contains(part), "\(part): \(message)") }
        let inspection = try await chain.inspect()
        #expect(inspection.source == nil && inspection.profile == "default" && inspection.passedOver.count == 5)
    }

    @Test func aChangedFile_countsWhenTheOldKeysAreRefused() async throws {
        let home = try CredentialHome(credentials: "[dev]\naws_access_key_id = AKIAOLD\naws_secret_access_key = s\n")
        let chain = home.chain(["AWS_PROFILE": "dev"])
        let old = try await chain.credentials()
        #expect(old.accessKeyID == "AKIAOLD" && old.origin == "the profile 'dev' in \(home.path)/.aws/credentials")
        #expect(try await chain.inspect().source == old.origin)
        try home.write("[dev]\naws_access_key_id = AKIANEW\naws_secret_access_key = s\n", to: ".aws/credentials")
        #expect(try await chain.credentials().accessKeyID == "AKIAOLD")
        await chain.refused(old)
        #expect(try await chain.credentials().accessKeyID == "AKIANEW")
    }

    @Test func filesOfTheEnvironment_areReadInsteadOfThoseAtHome() async throws {
        let home = try CredentialHome(credentials: "[default]\naws_access_key_id = AKIAHOME\naws_secret_access_key = s\n")
        try home.write("[default]\naws_access_key_id = AKIAELSE\naws_secret_access_key = s\n", to: "else/keys")
        for path in ["~/else/keys", "$PLACE/keys", "${PLACE}/keys", home.path + "/else/keys"] {
            let chain = home.chain(["AWS_SHARED_CREDENTIALS_FILE": path, "PLACE": home.path + "/else"])
            #expect(try await chain.credentials().accessKeyID == "AKIAELSE", "\(path)")
        }
        let missing = await credentialError { try await home.chain(["AWS_SHARED_CREDENTIALS_FILE": "/nowhere/keys"]).credentials() }
        #expect(missing?.message.contains("/nowhere/keys (of AWS_SHARED_CREDENTIALS_FILE) does not exist") == true)
        let broken = await credentialError { try await home.chain(["AWS_CONFIG_FILE": home.path]).credentials() }
        #expect(broken?.message.contains("AWS_CONFIG_FILE") == true)
    }

    @Test func aProfileThatNobodyKnows_isNamedWithItsNeighbours() async throws {
        let home = try CredentialHome(config: "[profile staging]\nregion = x\n[profile prod]\nregion = y\n")
        let error = await credentialError { try await home.chain(["AWS_PROFILE": "stagin"]).credentials() }
        #expect(error?.message.contains("'stagin' (of AWS_PROFILE)") == true)
        #expect(error?.message.contains("there are prod, staging: did you mean 'staging'?") == true, "\(error?.message ?? "")")
    }

    @Test func theEnvironmentsOwnExpiry_isKept_andItsEndIsAnError() async throws {
        let home = try CredentialHome()
        let clock = CredentialClock(Timestamp(microseconds: 1_800_000_000_000_000))
        let keys = ["AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CREDENTIAL_EXPIRATION": "2027-01-15T09:00:00Z"]
        let chain = home.chain(keys, clock: clock.policy)
        #expect(try await chain.credentials().expiration == Timestamp(microseconds: 1_800_003_600_000_000))
        clock.advance(seconds: 3601)
        #expect(await credentialError { try await chain.credentials() }?.message.contains("have expired") == true)
        let wrong = await credentialError {
            try await home.chain(keys.merging(["AWS_CREDENTIAL_EXPIRATION": "tomorrow"]) { $1 }).credentials()
        }
        #expect(wrong?.message.contains("AWS_CREDENTIAL_EXPIRATION") == true)
    }

    @Test func aDeviceForCodes_isNotWaitedFor() async throws {
        let home = try CredentialHome(
            config: "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/me\n"
                + "[profile b]\naws_access_key_id = a\naws_secret_access_key = hunter2\n")
        let error = await credentialError { try await home.chain().credentials() }
        #expect(error?.message.contains("nobody is here to type it") == true && error?.message.contains("hunter2") == false)
    }

    @Test func aCircle_isShown() async throws {
        let home = try CredentialHome(
            config:
                "[default]\nrole_arn = r\nsource_profile = a\n[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\n"
                + "source_profile = a\n")
        let error = await credentialError { try await home.chain().credentials() }
        #expect(error?.message == "profiles take their roles in a circle: default → a → b → a")
    }

    @Test func bearerTokens_areTheEnvironments() throws {
        let configuration = AWSConfiguration(
            profile: nil, environment: ["AWS_BEARER_TOKEN_BEDROCK": "t", "AWS_BEARER_TOKEN_S3": ""], home: "/", config: AWSProfileFile(),
            credentials: AWSProfileFile())
        #expect(configuration.bearerToken(for: .bedrockRuntime) == "t" && configuration.bearerToken(for: .s3) == nil)
        #expect(configuration.bearerToken(for: .dynamoDB) == nil)
    }
}
