import Millrace
import MillraceCore
import MillraceHTTP

/// `/healthz` and `/readyz`.
struct HealthRoutes: Sendable {
    let hub: RunHub
    let models: ModelReadiness
    let backends: BackendReadiness
    private static let alive = HTTPResponse(
        .ok, headers: ["Content-Type": "application/json"], body: .bytes(Array("{\"status\":\"ok\"}".utf8)))

    /// The process answers.
    func alive(_ request: APIRequest) throws -> HTTPResponse {
        Self.alive
    }

    /// Whether the server wants requests, with a line for each backend; 503 when it does not. Models and backends that cannot be used now are told
    /// and do not make it unready: the others, the stored runs and the chats can be.
    func ready(_ request: APIRequest) async throws -> HTTPResponse {
        var failure: String?
        do {
            try await hub.store.check(principal: request.principal)
        } catch {
            failure = RunLifecycle.publicError(error).message
        }
        let store = ModelReadiness.Check(name: "store", status: failure == nil ? .ok : .unavailable, message: failure)
        let isReady = failure == nil && !hub.isDraining
        var response = HTTPResponse.json(isReady ? .ok : .serviceUnavailable) { object in
            object.member("status", isReady ? "ready" : hub.isDraining ? "draining" : "unavailable")
            object.member(
                "checks", array: [store] + backends.checks + models.checks,
                { check, object in
                    object.member("name", check.name)
                    object.member("status", check.status.rawValue)
                    if let reason = check.message { object.member("message", reason) }
                })
            object.member("runs", hub.liveCount)
        }
        if !isReady { try? response.headers.set("Retry-After", "1") }
        return response
    }
}
