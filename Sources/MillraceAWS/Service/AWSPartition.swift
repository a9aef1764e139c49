package import MillraceCore

/// A group of regions with accounts, credentials and DNS suffixes of its own.
///
/// Source: "Regions and Endpoints", AWS SDKs and Tools Reference Guide; the endpoint rules that AWS publishes with its SDKs.
package struct AWSPartition: Sendable, Equatable {
    /// Such as `aws` or `aws-us-gov`; the second part of an ARN.
    package let id: String
    package let suffix: String
    /// The suffix of hosts that have IPv6 addresses, too.
    package let dualStackSuffix: String
    /// What the names of its regions begin with; `aws` has all others.
    private let prefix: String

    private init(_ id: String, prefix: String, suffix: String, dualStackSuffix: String) {
        self.id = id
        self.prefix = prefix
        self.suffix = suffix
        self.dualStackSuffix = dualStackSuffix
    }

    /// The partition of a region, also of one that is newer than this program.
    package init(region: String) { self = Self.others.first { region.hasPrefix($0.prefix) } ?? .aws }

    static let aws = AWSPartition("aws", prefix: "", suffix: "amazonaws.com", dualStackSuffix: "api.aws")
    private static let others = [
        AWSPartition("aws-cn", prefix: "cn-", suffix: "amazonaws.com.cn", dualStackSuffix: "api.amazonwebservices.com.cn"),
        AWSPartition("aws-us-gov", prefix: "us-gov-", suffix: "amazonaws.com", dualStackSuffix: "api.aws"),
        AWSPartition("aws-iso", prefix: "us-iso-", suffix: "c2s.ic.gov", dualStackSuffix: "api.aws.ic.gov"),
        AWSPartition("aws-iso-b", prefix: "us-isob-", suffix: "sc2s.sgov.gov", dualStackSuffix: "api.aws.scloud"),
        AWSPartition("aws-iso-e", prefix: "eu-isoe-", suffix: "cloud.adc-e.uk", dualStackSuffix: "api.cloud-aws.adc-e.uk"),
        AWSPartition("aws-iso-f", prefix: "us-isof-", suffix: "csp.hci.ic.gov", dualStackSuffix: "api.aws.hci.ic.gov"),
        AWSPartition("aws-eusc", prefix: "eusc-", suffix: "amazonaws.eu", dualStackSuffix: "api.amazonwebservices.eu"),
    ]

    /// The regional endpoint of a service, such as `https://dynamodb.eu-central-1.amazonaws.com`.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` for a variant that the partition does not have.
    func url(of service: AWSService, _ endpoint: AWSEndpointSettings) throws(MillraceError) -> String {
        "https://" + (try host(of: service, region: endpoint.region, usesFIPS: endpoint.usesFIPS, usesDualStack: endpoint.usesDualStack))
    }

    /// The host of a service, such as `s3.dualstack.eu-central-1.amazonaws.com`.
    package func host(of service: AWSService, region: String, usesFIPS: Bool, usesDualStack: Bool) throws(MillraceError) -> String {
        let prefix = service.endpointPrefix
        switch prefix {
        case "s3":
            if usesFIPS, id == "aws-cn" {
                throw MillraceError(.configuration, "S3 has no FIPS endpoints in China: leave FIPS out for region \(region)")
            }
            return "s3\(usesFIPS ? "-fips" : "")\(usesDualStack ? ".dualstack" : "").\(region).\(suffix)"
        // GovCloud's own endpoints are validated.
        case "dynamodb" where id == "aws-us-gov" && usesFIPS && !usesDualStack,
            "sts" where id == "aws-us-gov" && usesFIPS && !usesDualStack:
            return "\(prefix).\(region).\(suffix)"
        // Its endpoints in the old partitions have IPv6 addresses under their old names.
        case "secretsmanager" where usesDualStack && (["aws", "aws-us-gov"].contains(id) || id == "aws-cn" && !usesFIPS):
            return "\(prefix)\(usesFIPS ? "-fips" : "").\(region).\(suffix)"
        default: return "\(prefix)\(usesFIPS ? "-fips" : "").\(region).\(usesDualStack ? dualStackSuffix : suffix)"
        }
    }
}
