package import MillraceCore

/// What a request is signed with. It prints without its secrets.
package struct AWSCredentials: Sendable, Equatable {
    package let accessKeyID: String
    package let secretAccessKey: String
    /// Of temporary credentials.
    package let sessionToken: String?
    /// When they stop working; `nil`: never.
    package let expiration: Timestamp?
    /// Where they were found, for `millrace doctor`, such as `the environment` or `profile dev`.
    package let origin: String

    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Timestamp? = nil, origin: String
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
        self.origin = origin
    }

    /// Whether a service cannot tell the two apart.
    func isSameSecret(as other: AWSCredentials) -> Bool {
        accessKeyID == other.accessKeyID && secretAccessKey == other.secretAccessKey && sessionToken == other.sessionToken
    }
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "credentials from \(origin)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Somewhere credentials come from. Implementations keep what they found until shortly before it expires, and find it once for many callers.
package protocol AWSCredentialProvider: Sendable {
    /// Credentials that are valid now.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` that says what was tried and what to do.
    func credentials() async throws -> AWSCredentials

    /// A service has refused these: the next call finds new ones, where they can change.
    func refused(_ credentials: AWSCredentials) async
}

extension AWSCredentialProvider {
    package func refused(_ credentials: AWSCredentials) async {}
}

/// Credentials that stay as they are.
package struct StaticAWSCredentialProvider: AWSCredentialProvider {
    private let value: AWSCredentials
    package init(_ credentials: AWSCredentials) { value = credentials }
    package func credentials() async throws -> AWSCredentials { value }
}

extension ErrorCode {
    /// No credentials for AWS were found, or they could not be renewed.
    package static let awsCredentials = ErrorCode(rawValue: "aws_credentials")
}
