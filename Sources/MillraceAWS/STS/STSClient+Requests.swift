extension STSClient {
    /// What ``assumeRole(_:)`` is asked for. It prints without its codes.
    public struct AssumeRoleRequest: Sendable, CustomStringConvertible, CustomReflectable {
        /// The role's ARN.
        public var roleARN: String
        /// What the session is called in logs: 2 to 64 letters, digits and `_+=,.@-`.
        public var sessionName: String
        /// How long the session lasts, in seconds, 900 to 43,200 (default: an hour; a role taken with a role's credentials: at most that).
        public var durationSeconds: Int?
        /// The secret word that the role's owner asks others' services for.
        public var externalID: String?
        /// A policy, as JSON, that narrows what the session may do.
        public var policy: String?
        /// ARNs of managed policies that narrow what the session may do.
        public var policyARNs: [String] = []
        /// Tags of the session.
        public var tags: [Tag] = []
        /// Keys of tags that are handed on when the session takes another role.
        public var transitiveTagKeys: [String] = []
        /// The serial number or ARN of a device for multi-factor authentication.
        public var serialNumber: String?
        /// The code that the device shows.
        public var tokenCode: String?
        /// Who stands behind the session, which is kept along a chain of roles.
        public var sourceIdentity: String?
        /// Statements of trusted providers about the session.
        public var providedContexts: [ProvidedContext] = []

        /// A request with a role and a session's name.
        public init(roleARN: String, sessionName: String) {
            self.roleARN = roleARN
            self.sessionName = sessionName
        }

        /// The role and the session's name.
        public var description: String { "\(roleARN) as \(sessionName)" }
        /// Nothing: `dump` must not show the codes either.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    /// What ``assumeRoleWithWebIdentity(_:)`` is asked for. It prints without its token.
    public struct AssumeRoleWithWebIdentityRequest: Sendable, CustomStringConvertible, CustomReflectable {
        /// The role's ARN.
        public var roleARN: String
        /// What the session is called in logs: 2 to 64 letters, digits and `_+=,.@-`.
        public var sessionName: String
        /// The provider's token.
        public var token: String
        /// The provider's host name; only for OAuth 2.0 access tokens.
        public var providerID: String?
        /// How long the session lasts, in seconds, 900 to 43,200 (default: an hour).
        public var durationSeconds: Int?
        /// A policy, as JSON, that narrows what the session may do.
        public var policy: String?
        /// ARNs of managed policies that narrow what the session may do.
        public var policyARNs: [String] = []

        /// A request with a role, a session's name and a token.
        public init(roleARN: String, sessionName: String, token: String) {
            self.roleARN = roleARN
            self.sessionName = sessionName
            self.token = token
        }

        /// The role and the session's name.
        public var description: String { "\(roleARN) as \(sessionName)" }
        /// Nothing: `dump` must not show the token either.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    /// A session's tag.
    public struct Tag: Sendable, Equatable {
        /// 1 to 128 characters.
        public var key: String
        /// At most 256 characters.
        public var value: String

        /// A tag.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// What a trusted provider says of a session.
    public struct ProvidedContext: Sendable, Equatable {
        /// The provider's ARN.
        public var providerARN: String
        /// Its signed statement.
        public var contextAssertion: String

        /// A statement of a provider.
        public init(providerARN: String, contextAssertion: String) {
            self.providerARN = providerARN
            self.contextAssertion = contextAssertion
        }
    }
}
