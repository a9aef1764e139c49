/// The protocol versions that this server speaks.
package enum HTTPVersion: Hashable, Sendable, CustomStringConvertible {
    case http10
    case http11

    package var description: String {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        }
    }
}
