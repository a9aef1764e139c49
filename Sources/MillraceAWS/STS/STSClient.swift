import MillraceCore
import MillraceHTTPClient

/// A client of AWS Security Token Service: it takes roles, and says who one is.
///
/// Source: AWS Security Token Service API Reference (version 2011-06-15), by the Query protocol. All methods throw ``AWSServiceError`` for
/// what the service answered instead of a success, such as `AccessDenied` or `ExpiredTokenException`; ``MillraceError`` with the codes
/// `unreachable`, `timeout`, `connection_lost` or `aws_credentials` where no answer came about; `CancellationError`.
public struct STSClient: Sendable {
    private let client: AWSServiceClient

    package init(_ client: AWSServiceClient) { self.client = client }

    /// Who the client's credentials belong to (`GetCallerIdentity`). It needs no permission.
    public func getCallerIdentity() async throws -> CallerIdentity {
        let result = try await call("GetCallerIdentity", [])
        return CallerIdentity(
            account: try result.required("Account"), arn: try result.required("Arn"), userID: try result.required("UserId"))
    }

    /// Takes a role with the client's credentials (`AssumeRole`).
    /// - Parameter request: the role and what the session may do.
    /// - Returns: credentials that work for the session's duration.
    public func assumeRole(_ request: AssumeRoleRequest) async throws -> AssumedRole {
        var form: [(String, String?)] = [
            ("RoleArn", request.roleARN), ("RoleSessionName", request.sessionName), ("Policy", request.policy),
            ("DurationSeconds", request.durationSeconds.map(String.init)), ("ExternalId", request.externalID),
            ("SerialNumber", request.serialNumber), ("TokenCode", request.tokenCode), ("SourceIdentity", request.sourceIdentity),
        ]
        form += Self.members("PolicyArns", request.policyARNs, member: ".arn")
        for (index, tag) in request.tags.enumerated() {
            form += [("Tags.member.\(index + 1).Key", tag.key), ("Tags.member.\(index + 1).Value", tag.value)]
        }
        form += Self.members("TransitiveTagKeys", request.transitiveTagKeys)
        for (index, context) in request.providedContexts.enumerated() {
            form += [
                ("ProvidedContexts.member.\(index + 1).ProviderArn", context.providerARN),
                ("ProvidedContexts.member.\(index + 1).ContextAssertion", context.contextAssertion),
            ]
        }
        return try AssumedRole(try await call("AssumeRole", form))
    }

    /// Takes a role with the token of an OpenID Connect or OAuth 2.0 identity provider (`AssumeRoleWithWebIdentity`). The call is not
    /// signed: the token is the proof.
    /// - Parameter request: the role, the token and what the session may do.
    /// - Returns: credentials that work for the session's duration.
    public func assumeRoleWithWebIdentity(_ request: AssumeRoleWithWebIdentityRequest) async throws -> AssumedRole {
        let form: [(String, String?)] =
            [
                ("RoleArn", request.roleARN), ("RoleSessionName", request.sessionName), ("WebIdentityToken", request.token),
                ("ProviderId", request.providerID), ("Policy", request.policy),
                ("DurationSeconds", request.durationSeconds.map(String.init)),
            ] + Self.members("PolicyArns", request.policyARNs, member: ".arn")
        return try AssumedRole(try await call("AssumeRoleWithWebIdentity", form, on: client.authenticated(by: .none)))
    }

    private static func members(_ name: String, _ values: [String], member: String = "") -> [(String, String?)] {
        values.enumerated().map { ("\(name).member.\($0 + 1)\(member)", $1) }
    }

    /// Sends an action with its parameters as a form.
    private func call(_ action: String, _ form: [(String, String?)], on other: AWSServiceClient? = nil) async throws -> XMLElement {
        let pairs = [("Action", action), ("Version", "2011-06-15")] + form.compactMap { name, value in value.map { (name, $0) } }
        let text = pairs.map { "\(URIEncoding.encode($0))=\(URIEncoding.encode($1))" }.joined(separator: "&")
        var request = AWSRequest(
            "POST", "/", headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"], body: .bytes(Array(text.utf8)))
        // Every call may be made twice: a session more does no harm.
        request.isRepeatable = true
        request.responseByteLimit = 1 << 20
        let bytes = try await (other ?? client).exchange(request) { try await $0.collect(limit: 256 << 10) }
        guard let result = try XMLElement(parsing: bytes).first(action + "Result") else { throw Self.incomplete(action + "Result") }
        return result
    }

    static func incomplete(_ name: String) -> AWSServiceError {
        AWSServiceError(service: AWSService.sts.name, code: "IncompleteResponse", message: "the answer has no \(name)", status: 200)
    }
}

extension XMLElement {
    /// The text at a path of names.
    /// - Throws: ``AWSServiceError`` where there is none.
    func required(_ path: String...) throws(AWSServiceError) -> String {
        var element: XMLElement? = self
        for name in path { element = element?.first(name) }
        guard let text = element?.text, !text.isEmpty else { throw STSClient.incomplete(path.joined(separator: ".")) }
        return text
    }
}
