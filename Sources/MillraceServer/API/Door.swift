import Millrace
import MillraceCore
import MillraceHTTP

/// Who may ask at all: the rules for `Host`, `Origin` and content types that hold for every route (wire contract, introduction).
///
/// Without authentication the server is for this machine only. `Host` is checked against DNS rebinding, `Origin` against foreign pages, and
/// JSON routes take `application/json` only, which a cross-site form cannot send.
struct Door: Sendable {
    private let allowedHosts: HTTPHostNames
    /// `nil`: any host is answered, since the operator has opened the server to other machines.
    private let checksHost: Bool
    private let allowedOrigins: Set<String>
    private let allowsAnyOrigin: Bool

    init(settings: ServerSettings) {
        allowedHosts = HTTPHostNames(["localhost", "127.0.0.1", "[::1]"] + settings.allowedHosts)
        checksHost = settings.listensOnLoopbackOnly || !settings.allowedHosts.isEmpty
        allowedOrigins = Set(settings.corsAllowedOrigins.map { $0.lowercased() })
        allowsAnyOrigin = settings.corsAllowedOrigins.contains("*")
    }

    /// Refuses a request that must not come in.
    func check(_ head: HTTPRequestHead) throws(Problem) {
        if checksHost {
            guard head.isHost(oneOf: allowedHosts) else {
                throw Problem(
                    .misdirectedRequest,
                    "this server does not answer for the host '\(head.host ?? "")': use localhost, or configure server.allowedHosts")
            }
        }
        if head.hasOrigin, let origin = head["origin"], !isAllowed(origin, head) {
            throw Problem(.forbidden, "pages of the origin '\(origin)' may not use this server: configure server.corsAllowedOrigins")
        }
    }

    private func isAllowed(_ origin: String, _ head: HTTPRequestHead) -> Bool {
        allowsCORS(origin) || isSameOrigin(origin, head)
    }

    private func allowsCORS(_ origin: String) -> Bool { allowsAnyOrigin || allowedOrigins.contains(origin.lowercased()) }

    /// Whether the page came from this very server.
    private func isSameOrigin(_ origin: String, _ head: HTTPRequestHead) -> Bool {
        guard let host = head.host?.lowercased() else { return false }
        let origin = origin.lowercased()
        return origin == "http://\(host)" || origin == "https://\(host)"
    }

    /// Refuses a body that is not JSON. A request without a body needs no content type.
    func checkJSON(_ head: HTTPRequestHead) throws(Problem) {
        switch head.framing {
        case .none, .length(0): return
        case .length, .chunked: break
        }
        // As nearly every client says it.
        if head.has("content-type", "application/json") { return }
        guard let type = head["content-type"].flatMap({ MediaType(parsing: $0) }), type.type == "application", type.subtype == "json" else {
            throw Problem(.unsupportedMediaType, "the body must be JSON: send the header Content-Type: application/json")
        }
    }

    /// The CORS headers for an allowed foreign origin.
    func decorate(_ response: inout HTTPResponse, for head: HTTPRequestHead, isPreflight: Bool) {
        guard let origin = head["origin"], allowsCORS(origin) else { return }
        try? response.headers.set("Access-Control-Allow-Origin", origin)
        try? response.headers.set("Vary", "Origin")
        try? response.headers.set(
            "Access-Control-Expose-Headers", "X-Request-Id, Retry-After, Location, ETag, Content-Range, Content-Disposition")
        guard isPreflight else { return }
        try? response.headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
        try? response.headers.set(
            "Access-Control-Allow-Headers",
            "Content-Type, Content-Disposition, Idempotency-Key, If-None-Match, If-Range, Last-Event-ID, Range, X-Request-Id, Authorization"
        )
        try? response.headers.set("Access-Control-Max-Age", "600")
    }
}
