import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct AWSConfigurationTests {
    private struct Case {
        var name: String
        var environment: [String: String] = [:]
        var config: String?
        var credentials: String?
        var profile: String?
        /// Where we differ from botocore on purpose: the answer that is ours.
        var ours: JSONValue?

        init(
            _ name: String, _ environment: [String: String] = [:], config: String? = nil, credentials: String? = nil,
            profile: String? = nil, ours: JSONValue? = nil
        ) {
            self.name = name
            self.environment = ["AWS_EC2_METADATA_DISABLED": "true"].merging(environment) { $1 }
            (self.config, self.credentials, self.profile, self.ours) = (config, credentials, profile, ours)
        }
    }

    private static let keys = "aws_access_key_id = AKIAFILE\naws_secret_access_key = s\n"
    private static let environmentKeys = ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s"]
    private static let role = "arn:aws:iam::123456789012:role/demo"
    private static let token = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/tmp/token", "AWS_ROLE_ARN": role]
    private static let sso =
        "[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Developer\n"
        + "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://corp.awsapps.com/start\n"

    private static func cases(_ url: String) -> [Case] {
        [
            Case("nothing"),
            Case("keys of the environment", environmentKeys),
            Case("with a token", environmentKeys.merging(["AWS_SESSION_TOKEN": "t"]) { $1 }),
            Case("the older name of the token", environmentKeys.merging(["AWS_SESSION_TOKEN": "t", "AWS_SECURITY_TOKEN": "u"]) { $1 }),
            Case("a key without its secret", ["AWS_ACCESS_KEY_ID": "AKIAENV"]),
            Case("a secret without its key", ["AWS_SECRET_ACCESS_KEY": "s"], credentials: "[default]\n" + keys),
            Case("an empty key", ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "s"], credentials: "[default]\n" + keys),
            Case("environment before files", environmentKeys, credentials: "[default]\n" + keys),
            Case("a given profile before the environment", environmentKeys, credentials: "[dev]\n" + keys, profile: "dev"),
            Case(
                "AWS_PROFILE does not come before the environment's keys", environmentKeys.merging(["AWS_PROFILE": "dev"]) { $1 },
                credentials: "[dev]\n" + keys),
            Case("a profile that is missing", ["AWS_PROFILE": "nobody"], credentials: "[dev]\n" + keys),
            Case("a profile that is missing, beside keys", environmentKeys.merging(["AWS_PROFILE": "nobody"]) { $1 }),
            Case("a given profile that is missing", credentials: "[dev]\n" + keys, profile: "nobody"),
            Case(
                "AWS_DEFAULT_PROFILE before AWS_PROFILE", ["AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"],
                credentials: "[a]\n" + keys + "[b]\naws_access_key_id=AKIAB\naws_secret_access_key=s\n"),
            Case(
                "AWS_PROFILE", ["AWS_PROFILE": "a"],
                credentials: "[default]\naws_access_key_id=AKIAB\naws_secret_access_key=s\n[a]\n" + keys),
            Case(
                "an empty AWS_PROFILE", ["AWS_PROFILE": ""], credentials: "[default]\n" + keys,
                ours: ["method": "shared-credentials-file", "key": "AKIAFILE"]),
            Case("keys in the config file", config: "[default]\n" + keys),
            Case(
                "keys in both", config: "[default]\naws_access_key_id=AKIACONFIG\naws_secret_access_key=s\n",
                credentials: "[default]\n" + keys),
            Case(
                "[profile default] after [default]",
                config: "[default]\naws_access_key_id=AKIAONE\naws_secret_access_key=s\n[profile default]\n" + keys),
            Case(
                "[profile default] before [default]",
                config: "[profile default]\n" + keys + "[default]\naws_access_key_id=AKIATWO\naws_secret_access_key=s\n"),
            Case("a bare section of the config file is no profile", ["AWS_PROFILE": "dev"], config: "[dev]\n" + keys),
            Case("a profile section of the credentials file is none", ["AWS_PROFILE": "dev"], credentials: "[profile dev]\n" + keys),
            Case("a key without its secret in a file", credentials: "[default]\naws_access_key_id = AKIAFILE\n"),
            Case("tokens in a file", credentials: "[default]\n" + keys + "aws_session_token = t\naws_security_token = u\n"),
            Case("a file that is broken", credentials: "[default\n"),
            Case(
                "a role with keys",
                config:
                    "[default]\nrole_arn = \(role)\nsource_profile = base\nexternal_id = x\nduration_seconds = 1800\n"
                    + "role_session_name = me\n[profile base]\n"
                    + keys),
            Case(
                "a role of the environment's keys", environmentKeys.merging(["AWS_PROFILE": "r"]) { $1 },
                config: "[profile r]\nrole_arn = \(role)\ncredential_source = Environment\n", profile: "r"),
            Case(
                "a role of keys that are not set", config: "[profile r]\nrole_arn = \(role)\ncredential_source = Environment\n",
                profile: "r"),
            Case("a source in another case", config: "[profile r]\nrole_arn = \(role)\ncredential_source = environment\n", profile: "r"),
            Case(
                "a role of the container", ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/ok/container"],
                config: "[default]\nrole_arn = \(role)\ncredential_source = EcsContainer\n"),
            Case(
                "a role of the instance", ["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url + "/ok"],
                config: "[default]\nrole_arn = \(role)\ncredential_source = Ec2InstanceMetadata\n"),
            Case(
                "a role of an instance that is switched off",
                config: "[default]\nrole_arn = \(role)\ncredential_source = Ec2InstanceMetadata\n"),
            Case(
                "both sources",
                config: "[default]\nrole_arn = \(role)\ncredential_source = Environment\nsource_profile = base\n[profile base]\n" + keys),
            Case("neither source", config: "[default]\nrole_arn = \(role)\n"),
            Case("a source that is missing", config: "[default]\nrole_arn = \(role)\nsource_profile = base\n"),
            Case(
                "a source that holds nothing",
                config: "[default]\nrole_arn = \(role)\nsource_profile = base\n[profile base]\n"
                    + "region = x\n"),
            Case(
                "a role by a role",
                config: "[default]\nrole_arn = \(role)2\nsource_profile = a\n[profile a]\nrole_arn = \(role)1\nsource_profile = base\n",
                credentials: "[base]\n" + keys),
            Case(
                "a circle",
                config: "[default]\nrole_arn = \(role)\nsource_profile = a\n[profile a]\nrole_arn = \(role)\nsource_profile = default\n"),
            Case(
                "a circle behind the first",
                config:
                    "[default]\nrole_arn = \(role)\nsource_profile = a\n[profile a]\nrole_arn = \(role)\nsource_profile = b\n"
                    + "[profile b]\nrole_arn = \(role)\nsource_profile = a\n"
            ),
            Case("itself, with keys", config: "[default]\nrole_arn = \(role)\nsource_profile = default\n" + keys),
            Case("itself, without", config: "[default]\nrole_arn = \(role)\nsource_profile = default\n"),
            Case(
                "a source with keys and a role",
                config: "[default]\nrole_arn = \(role)\nsource_profile = a\n[profile a]\nrole_arn = \(role)\nsource_profile = nobody\n"
                    + keys),
            Case(
                "a role over the keys of its own profile",
                config: "[default]\nrole_arn = \(role)\nsource_profile = base\n" + keys
                    + "[profile base]\naws_access_key_id=AKIABASE\naws_secret_access_key=s\n"),
            Case(
                "a role with a device",
                config: "[default]\nrole_arn = \(role)\nmfa_serial = arn:aws:iam::1:mfa/x\nsource_profile = base\n[profile base]\n" + keys),
            Case(
                "a duration in words",
                config: "[default]\nrole_arn = \(role)\nduration_seconds = long\nsource_profile = base\n[profile base]\n" + keys,
                ours: ["error": true]),
            Case(
                "a role in two files", config: "[default]\nrole_arn = \(role)\n",
                credentials: "[default]\nsource_profile = base\n[base]\n" + keys),
            Case("a web identity", token),
            Case("a web identity with a name", token.merging(["AWS_ROLE_SESSION_NAME": "pod"]) { $1 }),
            Case("a web identity without a role", ["AWS_WEB_IDENTITY_TOKEN_FILE": "/tmp/token"]),
            Case("a role without a web identity", ["AWS_ROLE_ARN": role]),
            Case("a web identity before keys in a file", token, credentials: "[default]\n" + keys),
            Case(
                "a profile's role before the environment's web identity", token,
                config: "[default]\nrole_arn = \(role)\nsource_profile = base\n[profile base]\n" + keys),
            Case("a web identity does not count for a given profile", token, credentials: "[dev]\n" + keys, profile: "dev"),
            Case(
                "a web identity does not count for a source profile", token,
                config: "[profile r]\nrole_arn = \(role)\nsource_profile = base\n[profile base]\n" + keys, profile: "r"),
            Case(
                "a profile's web identity",
                config: "[default]\nrole_arn = \(role)\nweb_identity_token_file = /t\n"
                    + "role_session_name = me\n"),
            Case(
                "a profile's web identity before its keys", config: "[default]\nrole_arn = \(role)\nweb_identity_token_file = /t\n" + keys),
            Case(
                "a source with a web identity",
                config:
                    "[default]\nrole_arn = \(role)2\nsource_profile = a\n[profile a]\nrole_arn = \(role)\nweb_identity_token_file = /t\n"),
            Case(
                "the profile's token and the environment's role", ["AWS_ROLE_ARN": role + "9"],
                config: "[default]\nrole_arn = \(role)\nweb_identity_token_file = /t\n"),
            Case("IAM Identity Center", config: sso, profile: "sso"),
            Case("IAM Identity Center before keys", config: sso, credentials: "[sso]\n" + keys, profile: "sso"),
            Case(
                "IAM Identity Center, the older form",
                config: "[default]\nsso_region=x\nsso_start_url=https://y\nsso_account_id=1\nsso_role_name=r\n"),
            Case("IAM Identity Center without a role", config: "[default]\nsso_region=x\nsso_start_url=https://y\nsso_account_id=1\n"),
            Case("IAM Identity Center without an account is nothing", config: "[default]\nsso_region=x\nsso_start_url=https://y\n" + keys),
            Case("a session that is missing", config: "[default]\nsso_session=corp\nsso_account_id=1\nsso_role_name=r\n"),
            Case(
                "a session that says otherwise",
                config:
                    "[default]\nsso_session=corp\nsso_region=a\nsso_account_id=1\nsso_role_name=r\n[sso-session corp]\n"
                    + "sso_region=b\nsso_start_url=x\n"
            ),
            Case("a role by IAM Identity Center", config: sso + "[default]\nrole_arn = \(role)\nsource_profile = sso\n"),
            Case(
                "a process",
                config:
                    "[default]\ncredential_process = /bin/echo "
                    + "'{\"Version\":1,\"AccessKeyId\":\"AKIAPROCESS\",\"SecretAccessKey\":\"s\"}'\n"
            ),
            Case(
                "keys of the credentials file before a process", config: "[default]\ncredential_process = false\n",
                credentials: "[default]\n" + keys),
            Case(
                "a process before keys of the config file",
                config:
                    "[default]\ncredential_process = /bin/echo "
                    + "'{\"Version\":1,\"AccessKeyId\":\"AKIAPROCESS\",\"SecretAccessKey\":\"s\"}'\n"
                    + keys),
            Case("a container", ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/ok/container"]),
            Case(
                "files before a container", ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/ok/container"], credentials: "[default]\n" + keys
            ),
            Case(
                "a container before an instance",
                [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/ok/container", "AWS_EC2_METADATA_DISABLED": "false",
                    "AWS_EC2_METADATA_SERVICE_ENDPOINT": url + "/ok",
                ]),
            Case("an instance", ["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url + "/ok"]),
            Case(
                "an instance by the profile's endpoint", ["AWS_EC2_METADATA_DISABLED": "FALSE"],
                config: "[default]\nec2_metadata_service_endpoint = \(url)/ok/\n"),
            Case("another way to be reached", ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5", "AWS_EC2_METADATA_DISABLED": "false"]),
            Case(
                "regions and switches", ["AWS_DEFAULT_REGION": "eu-west-1", "AWS_USE_FIPS_ENDPOINT": "TRUE"],
                config: "[default]\nregion = us-east-1\nuse_dualstack_endpoint = true\nuse_fips_endpoint = false\n"),
            Case(
                "the profile's region", ["AWS_PROFILE": "a", "AWS_USE_DUALSTACK_ENDPOINT": "yes"],
                config: "[profile a]\nregion = us-east-1\n"),
            Case(
                "endpoints of the environment",
                [
                    "AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://b",
                    "AWS_ENDPOINT_URL_SSO_OIDC": "http://oidc",
                ], config: "[default]\nendpoint_url = http://profile\n"),
            Case(
                "endpoints of the profile", ["AWS_ENDPOINT_URL_STS": "http://sts"],
                config:
                    "[default]\nservices = dev\nendpoint_url = http://profile\n[services dev]\ns3 =\n  endpoint_url = http://s3\n"
                    + "secrets_manager =\n  endpoint_url = http://secrets\nbedrock_runtime =\n  endpoint_url = http://b\n"
            ),
            Case("a profile without its services", config: "[default]\nservices = dev\nendpoint_url = http://profile\n"),
            Case(
                "endpoints that do not count", ["AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"],
                config: "[default]\nendpoint_url = http://profile\n"),
            Case(
                "endpoints that the profile ignores", ["AWS_ENDPOINT_URL": "http://all"],
                config: "[default]\nignore_configured_endpoint_urls = true\n"),
        ]
    }

    @Test func everyConfiguration_leadsWhereItLeadsBotocore() throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let cases = Self.cases(url)
        let asked: [JSONValue] = cases.map { one in
            var members: [String: JSONValue] = ["environment": .object(one.environment.mapValues { .string($0) })]
            members["config"] = one.config.map { .string($0) }
            members["credentials"] = one.credentials.map { .string($0) }
            members["profile"] = one.profile.map { .string($0) }
            return .object(members)
        }
        guard let answer = try CredentialCounterparts.botocore(["configurations": .array(asked)]) else { return }
        let expected = try #require(answer["configurations"]?.array)
        #expect(expected.count == cases.count)
        for (one, expected) in zip(cases, expected) {
            let found = Self.answer(one)
            if let ours = one.ours {
                // A difference that is none any more has to go from the table.
                #expect(found["credentials"] ?? ["error": true] == ours && Self.comparable(expected["credentials"]) != ours, "\(one.name)")
            } else if expected["error"] != nil {
                #expect(found["error"] != nil, "\(one.name): botocore says \(expected.text), we \(found.text)")
            } else {
                #expect(found["credentials"] == Self.comparable(expected["credentials"]), "\(one.name): botocore says \(expected.text)")
                for key in ["region", "fips", "dualstack", "endpoints"] { #expect(found[key] == expected[key], "\(one.name): \(key)") }
            }
        }
        // Each kind is in the table.
        let methods = Set(expected.compactMap { $0["credentials"]?["method"]?.string })
        #expect(methods.count == 9, "\(methods)")
    }

    /// What processes, containers and instances give is left to the tests that ask them.
    private static func comparable(_ answer: JSONValue?) -> JSONValue {
        guard case .object(var members)? = answer else { return .null }
        if ["custom-process", "container-role", "iam-role"].contains(members["method"]?.string) {
            members["key"] = nil
            members["token"] = nil
        }
        if let source = members["source"] { members["source"] = comparable(source) }
        return .object(members)
    }

    private static func answer(_ one: Case) -> JSONValue {
        do {
            let configuration = AWSConfiguration(
                profile: one.profile, environment: one.environment, home: "/home/x", config: try file(one.config),
                credentials: try file(one.credentials))
            let plan = try CredentialPlanner(configuration: configuration).plan()
            var endpoints: [String: JSONValue] = [:]
            let services: [(String, AWSService)] = [
                ("s3", .s3), ("dynamodb", .dynamoDB), ("bedrock-runtime", .bedrockRuntime), ("secretsmanager", .secretsManager),
                ("sts", .sts), ("sso", .ssoPortal), ("sso-oidc", .ssoOIDC), ("opensearch", .openSearch),
            ]
            for (name, service) in services {
                do { endpoints[name] = try configuration.endpointURL(of: service).map { .string($0) } } catch { endpoints[name] = "error" }
            }
            return [
                "credentials": described(plan.source), "region": configuration.region.map { .string($0) } ?? .null,
                "fips": .bool(configuration.usesFIPS), "dualstack": .bool(configuration.usesDualStack), "endpoints": .object(endpoints),
            ]
        } catch {
            return ["error": .string("\(error)")]
        }
    }

    private static func file(_ text: String?) throws -> AWSProfileFile {
        try text.map { try AWSProfileFile(parsing: Array($0.utf8), name: "file") } ?? AWSProfileFile()
    }

    private static func described(_ source: CredentialSource?) -> JSONValue {
        var answer: [String: JSONValue] = [:]
        func set(_ name: String, _ value: String?) { answer[name] = value.map { .string($0) } }
        switch source {
        case nil: return .null
        case .keys(let keys):
            let isConfig = keys.origin.hasSuffix("config")
            set("method", keys.origin == "the environment" ? "env" : isConfig ? "config-file" : "shared-credentials-file")
            set("key", keys.accessKeyID)
            set("token", keys.sessionToken)
        case .role(let role, let from):
            set("method", "assume-role")
            set("role", role.roleARN)
            set("external_id", role.externalID)
            answer["duration"] = role.duration.map { .integer($0) }
            set("mfa", role.mfaSerial)
            set("session", role.sessionName)
            answer["source"] = described(from)
        case .webIdentity(let settings):
            set("method", "assume-role-with-web-identity")
            set("role", settings.roleARN)
            set("file", settings.tokenFile)
            set("session", settings.sessionName)
        case .process: set("method", "custom-process")
        case .sso(let settings):
            set("method", "sso")
            set("account", settings.accountID)
            set("role", settings.roleName)
            set("start_url", settings.startURL)
            set("region", settings.region)
            set("session", settings.session)
        case .container: set("method", "container-role")
        case .instance: set("method", "iam-role")
        }
        return .object(answer)
    }
}
