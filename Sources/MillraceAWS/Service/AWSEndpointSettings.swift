package import MillraceCore
package import MillraceHTTPClient

/// How a service is reached.
package struct AWSEndpointSettings: Sendable, Equatable {
    /// Such as `eu-central-1`.
    package var region: String
    /// An absolute URL instead of the region's; `nil`: the region's. With it the two variants below mean nothing.
    package var url: String?
    /// Whether the endpoint is the one whose cryptography is validated by FIPS 140.
    package var usesFIPS = false
    /// Whether the endpoint has IPv6 addresses beside IPv4's.
    package var usesDualStack = false
    package var timeouts = HTTPClientTimeouts()

    package init(region: String, url: String? = nil) {
        self.region = region
        self.url = url
    }

    /// The base URL of a service, without a slash at its end.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` for what is no region or URL, and for a variant that does not exist.
    package func url(of service: AWSService) throws(MillraceError) -> String {
        guard Self.isRegion(region) else {
            throw MillraceError(.configuration, "'\(region)' is no AWS region, such as eu-central-1")
        }
        guard var url else { return try AWSPartition(region: region).url(of: service, self) }
        while url.hasSuffix("/") { url.removeLast() }
        let target = try? RequestTarget(url: url)
        guard let target, !target.hasCredentials, !url.utf8.contains(where: { "?#".utf8.contains($0) }) else {
            throw MillraceError(
                .configuration,
                "'\(RequestTarget.withoutSecrets(url))' is no endpoint of \(service.name): give an http or https URL without query and user, "
                    + "such as https://127.0.0.1:9000")
        }
        return url
    }

    /// A region becomes a label of a host's name (RFC 1123, section 2.1), so nothing else may stand in it.
    private static func isRegion(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-") }
    }
}
