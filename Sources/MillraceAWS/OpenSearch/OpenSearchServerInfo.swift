import MillraceCore

/// What a server says of itself.
public struct OpenSearchServerInfo: Equatable, Sendable {
    /// `opensearch`; other products that speak a similar language say something else or nothing.
    public var distribution: String?
    /// Such as `2.19.1`.
    public var version: String
    /// The cluster's name.
    public var clusterName: String

    init(_ answer: JSONValue) {
        distribution = answer["version"]?["distribution"]?.string
        version = answer["version"]?["number"]?.string ?? ""
        clusterName = answer["cluster_name"]?.string ?? ""
    }

    /// Whether this is OpenSearch, and at least that version.
    /// - Parameters:
    ///   - major: such as 2.
    ///   - minor: such as 19.
    public func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
        guard distribution == "opensearch" else { return false }
        let parts = version.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        guard parts.count == 2 else { return false }
        return parts[0] != major ? parts[0] > major : parts[1] >= minor
    }
}
