import MillraceCore

/// Credentials as a JSON object, as programs, containers and instances give them.
struct CredentialDocument {
    private let members: [String: JSONValue]
    private let source: String

    /// - Parameter source: who gave the text, for errors: the text itself is in none.
    init(_ bytes: [UInt8], source: String) throws(MillraceError) {
        guard let value = try? JSONValue(parsing: bytes), case .object(let members) = value else {
            throw MillraceError(.awsCredentials, "\(source) gave something that is no JSON object")
        }
        self.members = members
        self.source = source
    }

    subscript(name: String) -> JSONValue? { members[name] }

    /// The credentials.
    /// - Parameter tokenName: what the session token is called.
    func credentials(tokenName: String, origin: String) throws(MillraceError) -> AWSCredentials {
        var expiration: Timestamp?
        if let value = members["Expiration"], !value.isNull {
            guard let text = value.string, let time = AWSTimeText.parse(text) else {
                throw MillraceError(.awsCredentials, "\(source) gave credentials whose Expiration is no time such as 2026-11-21T03:44:17Z")
            }
            expiration = time
        }
        return AWSCredentials(
            accessKeyID: try text("AccessKeyId"), secretAccessKey: try text("SecretAccessKey"), sessionToken: members[tokenName]?.string,
            expiration: expiration, origin: origin)
    }

    private func text(_ name: String) throws(MillraceError) -> String {
        guard let text = members[name]?.string, !text.isEmpty else {
            throw MillraceError(.awsCredentials, "\(source) gave credentials without \(name)")
        }
        return text
    }
}
