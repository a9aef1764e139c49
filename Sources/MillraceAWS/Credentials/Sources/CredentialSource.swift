import MillraceCore

/// Where credentials are to come from, as the environment and the files say. Nobody was asked yet.
indirect enum CredentialSource: Sendable, Equatable {
    /// They are written there.
    case keys(AWSCredentials)
    /// A role that other credentials may take.
    case role(RoleSettings, from: CredentialSource)
    /// A role that the holder of a token may take.
    case webIdentity(WebIdentitySettings)
    /// A program prints them.
    case process(ProcessSettings)
    /// IAM Identity Center.
    case sso(SSOSettings)
    /// The endpoint of a container's agent.
    case container(ContainerSettings)
    /// The instance's metadata service.
    case instance(InstanceMetadataSettings)

    struct RoleSettings: Sendable, Equatable {
        var profile: String
        var roleARN: String
        var sessionName: String?
        var externalID: String?
        /// Seconds; `nil`: what STS gives (an hour).
        var duration: Int?
        var mfaSerial: String?
    }

    struct WebIdentitySettings: Sendable, Equatable {
        var roleARN: String
        var tokenFile: String
        var sessionName: String?
        /// Who says so, such as `the environment`.
        var origin: String
    }

    struct ProcessSettings: Sendable, Equatable {
        var profile: String
        /// Program and arguments.
        var command: [String]
    }

    struct SSOSettings: Sendable, Equatable {
        var profile: String
        /// `nil`: the older form, without a session.
        var session: String?
        var startURL: String
        var region: String
        var accountID: String
        var roleName: String
    }

    struct ContainerSettings: Sendable, Equatable {
        var url: String
        var token: String?
        var tokenFile: String?
    }

    struct InstanceMetadataSettings: Sendable, Equatable {
        /// Without a slash at its end.
        var endpoint: String
        /// Of each request.
        var timeoutSeconds = 1
        /// Of each request.
        var attempts = 2
    }

    /// For people: where the credentials come from, without asking anybody.
    var description: String {
        switch self {
        case .keys(let credentials): credentials.origin
        case .role(let role, let source): "the role \(role.roleARN) of the profile '\(role.profile)', taken with \(source.description)"
        case .webIdentity(let settings): "the role \(settings.roleARN), taken with the token in \(settings.tokenFile) (\(settings.origin))"
        case .process(let settings): "the credential_process of the profile '\(settings.profile)'"
        case .sso(let settings):
            "IAM Identity Center (account \(settings.accountID), role \(settings.roleName), profile '\(settings.profile)')"
        case .container(let settings): "the container's credential endpoint \(settings.shownURL)"
        case .instance(let settings): "the instance metadata service at \(settings.endpoint)"
        }
    }

    /// Whether credentials that have expired may still be used while the source is down (AWS's SDKs: static stability). A service that
    /// takes instances' credentials prolongs them itself when they cannot be renewed, so the service has the last word.
    var isStaticallyStable: Bool { if case .instance = self { true } else { false } }
}
