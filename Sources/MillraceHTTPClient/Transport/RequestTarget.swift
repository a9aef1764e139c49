import CCurl
import Glibc
package import MillraceCore

/// What the clients need to know of a URL before they connect.
package struct RequestTarget: Equatable, Sendable {
    /// The host without brackets.
    package let host: String
    package let port: Int
    /// Whether the scheme is `https`.
    package let isSecure: Bool
    /// Whether the URL holds a user name or password.
    package let hasCredentials: Bool

    /// `host:port`, an IPv6 address in brackets.
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the host is this machine, which no proxy can mean.
    package var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A }
    }

    /// Whether the host is a name that has to be looked up. libcurl knows `localhost` by itself (RFC 6761, section 6.3).
    package var needsLookup: Bool {
        var address = in6_addr()
        return host != "localhost" && !host.hasSuffix(".localhost") && inet_pton(AF_INET, host, &address) != 1
            && inet_pton(AF_INET6, host, &address) != 1
    }

    /// - Throws: ``MillraceError`` for what is no absolute `http` or `https` URL.
    package init(url: String) throws(MillraceError) {
        guard let handle = curl_url() else { throw MillraceError(.system, "libcurl cannot be started") }
        defer { curl_url_cleanup(handle) }
        func part(_ part: CURLUPart) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
            defer { curl_free(text) }
            return String(cString: text)
        }
        guard !url.utf8.contains(0), curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK, let scheme = part(CURLUPART_SCHEME),
            ["http", "https"].contains(scheme), let host = part(CURLUPART_HOST), let port = part(CURLUPART_PORT).flatMap({ Int($0) }),
            // libcurl converts other letters as the process's locale says, which is "C": write the name's "xn--" form.
            host.utf8.allSatisfy({ $0 < 0x80 })
        else { throw MillraceError(.invalidInput, "'\(Self.withoutSecrets(url))' is no http or https URL, such as http://127.0.0.1:8000") }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host.lowercased()
        self.port = port
        isSecure = scheme == "https"
        hasCredentials = part(CURLUPART_USER) != nil || part(CURLUPART_PASSWORD) != nil
    }

    /// The URL without its query and without what stands before an `@`: either may be a secret.
    package static func withoutSecrets(_ url: String) -> String {
        var text = url.prefix { $0 != "?" && $0 != "#" }
        if let at = text.lastIndex(of: "@") {
            let scheme = text.firstRange(of: "://").map { text[..<$0.upperBound] } ?? ""
            text = scheme + "…" + text[at...]
        }
        return String(text)
    }
}
