public import MillraceCore

/// What Secrets Manager says of a secret beside its value (`DescribeSecret`, `ListSecrets`).
public struct SecretsManagerSecret: Equatable, Sendable {
    /// The secret's ARN.
    public let arn: String
    /// The secret's name.
    public let name: String
    /// What somebody wrote about it; empty where nobody did.
    public let description: String
    /// Whether it is rotated by a schedule.
    public let isRotationEnabled: Bool
    /// When it was made.
    public let createdAt: Timestamp?
    /// When it last changed in any way.
    public let changedAt: Timestamp?
    /// When it was last rotated.
    public let rotatedAt: Timestamp?
    /// When it was marked for deletion; `nil`: it is in use.
    public let deletedAt: Timestamp?
    /// The labels of each version that has any, by the version's id.
    public let stagesByVersion: [String: [String]]

    /// The id of the version labelled `AWSCURRENT`.
    public var currentVersion: String? { stagesByVersion.first { $0.value.contains("AWSCURRENT") }?.key }

    /// - Parameter json: a `SecretListEntry`, or the answer to `DescribeSecret`, which calls the versions by another name.
    init(_ json: JSONValue) {
        arn = json["ARN"]?.string ?? ""
        name = json["Name"]?.string ?? ""
        description = json["Description"]?.string ?? ""
        isRotationEnabled = json["RotationEnabled"]?.bool ?? false
        createdAt = Timestamp(epochSeconds: json["CreatedDate"])
        changedAt = Timestamp(epochSeconds: json["LastChangedDate"])
        rotatedAt = Timestamp(epochSeconds: json["LastRotatedDate"])
        deletedAt = Timestamp(epochSeconds: json["DeletedDate"])
        stagesByVersion = ((json["VersionIdsToStages"] ?? json["SecretVersionsToStages"])?.object ?? [:])
            .mapValues { $0.array?.compactMap(\.string) ?? [] }
    }
}

extension Timestamp {
    /// A time as AWS's JSON protocols write it: seconds since 1970, with or without a fraction.
    init?(epochSeconds json: JSONValue?) {
        switch json {
        case .integer(let seconds)? where (-(1 << 40)...1 << 40).contains(seconds): self.init(microseconds: Int64(seconds) * 1_000_000)
        case .double(let seconds)? where abs(seconds) < 1e12: self.init(microseconds: Int64((seconds * 1e6).rounded()))
        default: return nil
        }
    }
}
