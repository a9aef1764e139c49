import MillraceCore
import MillraceHTTPClient

/// An absolute URL, taken apart without decoding anything.
struct SignedURL {
    /// The value of `Host`: with the port, where that is not the scheme's.
    let host: String
    /// As it is sent: at least a slash.
    let path: String
    /// As it is sent, without its question mark.
    let query: String
    let isSecure: Bool

    init(_ url: String) throws(MillraceError) {
        let target = try RequestTarget(url: url)
        let isDefault = target.port == (target.isSecure ? 443 : 80)
        let name = target.host.contains(":") ? "[\(target.host)]" : target.host
        host = isDefault ? name : "\(name):\(target.port)"
        isSecure = target.isSecure
        guard !target.hasCredentials else { throw MillraceError(.invalidInput, "a URL to sign has no user name or password in it") }
        // Bytes, not characters: a combining mark may stand behind any delimiter.
        let bytes = url.utf8
        guard let scheme = url.firstRange(of: "://") else { throw MillraceError(.invalidInput, "a URL to sign must be absolute") }
        let slash = UInt8(ascii: "/")
        let question = UInt8(ascii: "?")
        let rest = bytes[scheme.upperBound...].drop { $0 != slash && $0 != question }.prefix { $0 != UInt8(ascii: "#") }
        let path = rest.prefix { $0 != question }
        self.path = path.isEmpty ? "/" : String(Substring(path))
        query = String(Substring(rest[path.endIndex...].dropFirst()))
        // A form's plus is a space and a path's is a plus; services do not agree on a query's, so the signature would be a guess.
        guard !query.utf8.contains(UInt8(ascii: "+")) else {
            throw MillraceError(.invalidInput, "a URL to sign has a '+' in its query: write %2B for a plus, %20 for a space")
        }
    }
}
