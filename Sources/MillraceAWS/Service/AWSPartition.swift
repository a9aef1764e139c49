/// A group of regions with a DNS suffix of its own.
package enum AWSPartition {
    /// The regional endpoint of a service.
    static func url(of service: AWSService, _ endpoint: AWSEndpointSettings) -> String {
        "https://\(service.endpointPrefix).\(endpoint.region).\(suffix(of: endpoint.region))"
    }

    private static func suffix(of region: String) -> String { region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com" }
}
