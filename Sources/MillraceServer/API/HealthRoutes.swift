import Millrace
import MillraceCore
import MillraceHTTP

/// `/healthz` and `/readyz`.
struct HealthRoutes: Sendable {
    let hub: RunHub
    private static let alive = Array("{\"status\":\"ok\"}".utf8)

    /// The process answers.
    func alive(_ request: APIRequest) throws -> HTTPResponse {
        HTTPResponse(.ok, headers: ["Content-Type": "application/json"], body: .bytes(Self.alive))
    }

    /// Whether the server wants requests, with a line for each backend; 503 when it does not.
    func ready(_ request: APIRequest) async throws -> HTTPResponse {
        var failure: String?
        do {
            try await hub.store.check(principal: request.principal)
        } catch {
            failure = RunLifecycle.publicError(error).message
        }
        let isReady = failure == nil && !hub.isDraining
        var response = HTTPResponse.json(isReady ? .ok : .serviceUnavailable) { object in
            object.member("status", isReady ? "ready" : hub.isDraining ? "draining" : "unavailable")
            object.member(
                "checks", array: [("store", failure)],
                { check, object in
                    object.member("name", check.0)
                    object.member("status", check.1 == nil ? "ok" : "unavailable")
                    if let reason = check.1 { object.member("message", reason) }
                })
            object.member("runs", hub.liveCount)
        }
        if !isReady { try? response.headers.set("Retry-After", "1") }
        return response
    }
}
