import MillraceCore

/// A token of IAM Identity Center as `aws sso login` leaves it in `~/.aws/sso/cache`. It prints without its secrets.
struct SSOToken: Sendable, CustomStringConvertible, CustomReflectable {
    /// What a registered client renews a token with.
    struct Renewal: Sendable {
        let refreshToken: String
        let clientID: String
        let clientSecret: String
        let registrationExpiresAt: Timestamp
    }

    let accessToken: String
    let expiresAt: Timestamp
    private var members: [String: JSONValue]

    /// Where the token of a session, or of a start URL in the older form, is kept.
    static func path(for key: String, home: String) -> String { "\(home)/.aws/sso/cache/\(SHA1.hexadecimal(key)).json" }

    /// - Returns: `nil` for what is no such file.
    init?(_ bytes: [UInt8]) {
        guard case .object(let members)? = try? JSONValue(parsing: bytes), let token = members["accessToken"]?.string,
            let expiry = members["expiresAt"]?.string.flatMap(AWSTimeText.parse)
        else { return nil }
        accessToken = token
        expiresAt = expiry
        self.members = members
    }

    /// `nil`: the token cannot be renewed.
    var renewal: Renewal? {
        guard let token = members["refreshToken"]?.string, let id = members["clientId"]?.string,
            let secret = members["clientSecret"]?.string,
            let expiry = members["registrationExpiresAt"]?.string.flatMap(AWSTimeText.parse)
        else { return nil }
        return Renewal(refreshToken: token, clientID: id, clientSecret: secret, registrationExpiresAt: expiry)
    }

    /// The token after a renewal; what else the file holds stays.
    func renewed(by answer: JSONValue, at now: Timestamp) throws(MillraceError) -> SSOToken {
        guard let token = answer["accessToken"]?.string, let seconds = answer["expiresIn"]?.integer, (1...31_536_000).contains(seconds)
        else { throw MillraceError(.awsCredentials, "IAM Identity Center renewed a token without accessToken or expiresIn") }
        var members = members
        members["accessToken"] = .string(token)
        let expiry = Timestamp(microseconds: now.microseconds + Int64(seconds) * 1_000_000)
        // Whole seconds, which all tools read.
        members["expiresAt"] = .string(expiry.description.prefix(19) + "Z")
        members["refreshToken"] = answer["refreshToken"]?.string.map { .string($0) }
        return SSOToken(accessToken: token, expiresAt: expiry, members: members)
    }

    private init(accessToken: String, expiresAt: Timestamp, members: [String: JSONValue]) {
        self.accessToken = accessToken
        self.expiresAt = expiresAt
        self.members = members
    }

    /// The file's text.
    var bytes: [UInt8] { Array(JSONValue.object(members).text.utf8) }

    var description: String { "a token until \(expiresAt)" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
