import Glibc

/// Whether libcurl will take a proxy from the environment. It resolves the proxy's name itself then, and the proxy the target's.
enum ProxyEnvironment {
    /// `http_proxy` counts in lower case only: a CGI server turns a request's `Proxy:` header into the other.
    private static let http = ["http_proxy", "all_proxy", "ALL_PROXY"].contains(where: isSet)
    private static let https = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].contains(where: isSet)

    static func applies(to target: RequestTarget) -> Bool {
        !target.isLoopback && (target.isSecure ? https : http)
    }

    private static func isSet(_ name: String) -> Bool { getenv(name).map { $0.pointee != 0 } ?? false }
}
