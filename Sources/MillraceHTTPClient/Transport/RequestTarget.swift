import CCurl
package import MillraceCore

/// What the client needs to know of a URL before it connects.
package struct RequestTarget: Equatable, Sendable {
    /// The host without brackets.
    package let host: String
    package let port: Int

    /// `host:port`, an IPv6 address in brackets.
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the host is this machine, which no proxy can mean.
    package var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A }
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
            ["http", "https"].contains(scheme), let host = part(CURLUPART_HOST), let port = part(CURLUPART_PORT).flatMap({ Int($0) })
        else { throw MillraceError(.invalidInput, "'\(url)' is no http or https URL, such as http://127.0.0.1:8000") }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host.lowercased()
        self.port = port
    }
}
