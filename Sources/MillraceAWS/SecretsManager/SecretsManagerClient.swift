import FoundationEssentials
import MillraceCore
import MillraceHTTPClient

/// Calls AWS Secrets Manager (API version 2017-10-17, AWS JSON 1.1).
///
/// Every method throws ``AWSServiceError`` for what the service refuses (such as `ResourceNotFoundException`), ``MillraceError`` for what
/// fails on the way, and `CancellationError`. No error holds a value that was sent. A call may be sent again after a failure: what writes
/// carries a token by which the service knows the repetition.
///
/// Most programs use `SecretStore` instead, which keeps what was fetched for a while.
public struct SecretsManagerClient: Sendable {
    /// A page of a list.
    public struct Page: Equatable, Sendable {
        /// The secrets of this page, in the service's order.
        public let secrets: [SecretsManagerSecret]
        /// What the next page is asked for with; `nil`: this was the last.
        public let nextToken: String?
    }

    /// What becomes of a deleted secret.
    public enum Deletion: Equatable, Sendable {
        /// It can be restored for 7 to 30 days.
        case recoverable(days: Int)
        /// It is gone at once.
        case immediate
    }

    private let client: AWSServiceClient

    package init(_ client: AWSServiceClient) { self.client = client }

    /// Fetches a secret with its value.
    /// - Parameters:
    ///   - id: the name or the ARN.
    ///   - version: the version's id; `nil`: as `stage` says.
    ///   - stage: the version's label; `nil`: `AWSCURRENT`, unless a version is given.
    public func getSecretValue(_ id: String, version: String? = nil, stage: String? = nil) async throws -> SecretsManagerValue {
        let answer = try await call(
            "GetSecretValue",
            ["SecretId": .string(id), "VersionId": version.map { .string($0) }, "VersionStage": stage.map { .string($0) }])
        let content: SecretsManagerValue.Content
        if let text = answer["SecretString"]?.string {
            content = .text(text)
        } else if let data = answer["SecretBinary"]?.string.flatMap({ Data(base64Encoded: $0) }) {
            content = .binary(Array(data))
        } else {
            throw malformed("GetSecretValue", "a value")
        }
        guard let version = answer["VersionId"]?.string else { throw malformed("GetSecretValue", "a VersionId") }
        return SecretsManagerValue(
            arn: answer["ARN"]?.string ?? "", name: answer["Name"]?.string ?? id, versionID: version,
            stages: answer["VersionStages"]?.array?.compactMap(\.string) ?? [], content: content,
            createdAt: Timestamp(epochSeconds: answer["CreatedDate"]))
    }

    /// Makes a secret with its first version.
    /// - Parameters:
    ///   - name: 1 to 512 characters: ASCII letters, digits and `/_+=.@-`.
    ///   - content: 1 to 65,536 bytes.
    ///   - description: what people read about it.
    ///   - kmsKeyID: the KMS key that encrypts it; `nil`: the account's `aws/secretsmanager`.
    ///   - token: 32 to 64 characters that make a repetition known, and become the version's id; `nil`: a new UUID.
    /// - Returns: the version's id.
    @discardableResult
    public func createSecret(
        _ name: String, _ content: SecretsManagerValue.Content, description: String? = nil, kmsKeyID: String? = nil, token: String? = nil
    ) async throws -> String {
        let token = token ?? Self.newToken()
        let answer = try await call(
            "CreateSecret",
            [
                "Name": .string(name), "ClientRequestToken": .string(token), "Description": description.map { .string($0) },
                "KmsKeyId": kmsKeyID.map { .string($0) },
            ], content)
        return answer["VersionId"]?.string ?? token
    }

    /// Adds a version to a secret, which becomes the current one unless `stages` says otherwise.
    /// - Parameters:
    ///   - id: the name or the ARN.
    ///   - content: 1 to 65,536 bytes.
    ///   - stages: the version's labels; `nil`: `AWSCURRENT`.
    ///   - token: as for ``createSecret(_:_:description:kmsKeyID:token:)``.
    /// - Returns: the version's id.
    @discardableResult
    public func putSecretValue(
        _ id: String, _ content: SecretsManagerValue.Content, stages: [String]? = nil, token: String? = nil
    ) async throws -> String {
        let token = token ?? Self.newToken()
        let answer = try await call(
            "PutSecretValue",
            [
                "SecretId": .string(id), "ClientRequestToken": .string(token),
                "VersionStages": stages.map { .array($0.map { .string($0) }) },
            ], content)
        return answer["VersionId"]?.string ?? token
    }

    /// What is known of a secret, also of one that is marked for deletion.
    public func describeSecret(_ id: String) async throws -> SecretsManagerSecret {
        SecretsManagerSecret(try await call("DescribeSecret", ["SecretId": .string(id)]))
    }

    /// One page of the secrets that are not marked for deletion.
    /// - Parameters:
    ///   - namePrefix: only secrets whose names begin so; `nil`: all.
    ///   - limit: the most secrets on the page, 1 to 100 (default: 100).
    ///   - token: the ``Page/nextToken`` of the page before; `nil`: the first page.
    public func listSecrets(namePrefix: String? = nil, limit: Int = 100, token: String? = nil) async throws -> Page {
        let filters: JSONValue? = namePrefix.map { [["Key": "name", "Values": [.string($0)]]] }
        let answer = try await call(
            "ListSecrets", ["MaxResults": .integer(limit), "Filters": filters, "NextToken": token.map { .string($0) }])
        guard let entries = answer["SecretList"]?.array else { throw malformed("ListSecrets", "a SecretList") }
        return Page(secrets: entries.map(SecretsManagerSecret.init), nextToken: answer["NextToken"]?.string)
    }

    /// Marks a secret for deletion, or deletes it.
    /// - Parameter deletion: default: it can be restored for 30 days.
    public func deleteSecret(_ id: String, _ deletion: Deletion = .recoverable(days: 30)) async throws {
        let choice: [String: JSONValue?] =
            switch deletion {
            case .recoverable(let days): ["RecoveryWindowInDays": .integer(days)]
            case .immediate: ["ForceDeleteWithoutRecovery": true]
            }
        _ = try await call("DeleteSecret", choice.merging(["SecretId": .string(id)]) { first, _ in first })
    }

    /// Takes the mark of deletion from a secret.
    public func restoreSecret(_ id: String) async throws { _ = try await call("RestoreSecret", ["SecretId": .string(id)]) }

    /// Starts the rotation that is configured for a secret, at once. The new version is current some time later.
    /// - Parameter token: as for ``createSecret(_:_:description:kmsKeyID:token:)``.
    /// - Returns: the id of the version that the rotation makes.
    @discardableResult
    public func rotateSecret(_ id: String, token: String? = nil) async throws -> String {
        let token = token ?? Self.newToken()
        let answer = try await call("RotateSecret", ["SecretId": .string(id), "ClientRequestToken": .string(token)])
        return answer["VersionId"]?.string ?? token
    }

    // A UUID has the 32 to 64 characters that a token needs.
    private static func newToken() -> String { UUID().uuidString.lowercased() }

    private func malformed(_ operation: String, _ missing: String) -> AWSServiceError {
        AWSServiceError(
            service: client.service.name, code: "MalformedResponse", message: "the answer to \(operation) has not \(missing)", status: 200)
    }

    private func call(_ operation: String, _ members: [String: JSONValue?]) async throws -> JSONValue {
        var request = AWSRequest(
            "POST", "/", headers: ["Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager." + operation],
            body: .bytes(Array(JSONValue.object(members.compactMapValues { $0 }).text.utf8)))
        request.isRepeatable = true
        return try await client.json(request)
    }

    /// A call that sends a value, whose error must not quote it.
    private func call(
        _ operation: String, _ members: [String: JSONValue?], _ content: SecretsManagerValue.Content
    ) async throws -> JSONValue {
        let (member, text) =
            switch content {
            case .text(let text): ("SecretString", text)
            case .binary(let bytes): ("SecretBinary", Data(bytes).base64EncodedString())
            }
        do { return try await call(operation, members.merging([member: .string(text)]) { first, _ in first }) } catch var error
            as AWSServiceError
        {
            // A validation's message may repeat what it refuses.
            if text.utf8.count >= 4, error.message.contains(text) {
                error.message = "(the service's message repeats the value and is not shown)"
            }
            error.details = [:]
            throw error
        }
    }
}
