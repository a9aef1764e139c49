public import MillraceCore

extension STSClient {
    /// Who credentials belong to.
    public struct CallerIdentity: Sendable, Equatable {
        /// The account's number, twelve digits.
        public var account: String
        /// The ARN of the user or of the role's session.
        public var arn: String
        /// The unique id of the user or role, and the session's name.
        public var userID: String
    }

    /// Credentials of a session. They print without their secrets.
    public struct TemporaryCredentials: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        /// The access key's id.
        public var accessKeyID: String
        /// The access key's secret.
        public var secretAccessKey: String
        /// What every request must bring beside its signature.
        public var sessionToken: String
        /// When they stop working.
        public var expiration: Timestamp

        /// The time they last until.
        public var description: String { "credentials until \(expiration)" }
        /// As ``description``.
        public var debugDescription: String { description }
        /// Nothing: `dump` must not show the secrets either.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    /// A role that was taken.
    public struct AssumedRole: Sendable, Equatable {
        /// The session's credentials.
        public var credentials: TemporaryCredentials
        /// The ARN of the session, such as `arn:aws:sts::123456789012:assumed-role/demo/session`.
        public var arn: String
        /// The role's unique id and the session's name.
        public var assumedRoleID: String
        /// How much of their size limit the policies and tags take, in percent.
        public var packedPolicySize: Int?
        /// Who stands behind the session.
        public var sourceIdentity: String?
        /// The subject of a web identity's token.
        public var webIdentitySubject: String?
        /// Whom the token is for.
        public var audience: String?
        /// Who issued the token.
        public var provider: String?
    }
}

extension STSClient.AssumedRole {
    init(_ result: XMLElement) throws(AWSServiceError) {
        let time = try result.required("Credentials", "Expiration")
        guard let expiration = AWSTimeText.parse(time) else { throw STSClient.incomplete("time in Credentials.Expiration") }
        credentials = STSClient.TemporaryCredentials(
            accessKeyID: try result.required("Credentials", "AccessKeyId"),
            secretAccessKey: try result.required("Credentials", "SecretAccessKey"),
            sessionToken: try result.required("Credentials", "SessionToken"), expiration: expiration)
        arn = try result.required("AssumedRoleUser", "Arn")
        assumedRoleID = try result.required("AssumedRoleUser", "AssumedRoleId")
        packedPolicySize = result.text("PackedPolicySize").flatMap { Int($0) }
        sourceIdentity = result.text("SourceIdentity")
        webIdentitySubject = result.text("SubjectFromWebIdentityToken")
        audience = result.text("Audience")
        provider = result.text("Provider")
    }
}

extension STSClient.TemporaryCredentials {
    func credentials(origin: String) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken, expiration: expiration, origin: origin)
    }
}
