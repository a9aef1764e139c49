import MillraceBackends
import MillraceHTTPClient

/// What `/readyz` says of what lies behind the seams, from what is known already: nobody is asked.
struct BackendReadiness: Sendable {
    private let names: [String]
    private let unavailable: [String: String]
    private let urls: [String: String]
    private let redis: RedisCache?
    private let circuit: @Sendable (String) -> ResilientTransport.CircuitStatus

    /// - Parameter circuit: the circuit of a URL's endpoint.
    init(_ backends: Backends, circuit: @escaping @Sendable (String) -> ResilientTransport.CircuitStatus) {
        names = ["objects", "search", "secrets", "cache", "documents"]
        unavailable = backends.unavailable
        urls = backends.urls
        redis = backends.cache as? RedisCache
        self.circuit = circuit
    }

    /// A line for each seam.
    var checks: [ModelReadiness.Check] {
        names.map { name in
            if let reason = unavailable[name] { return ModelReadiness.Check(name: name, status: .unavailable, message: reason) }
            var failure = urls[name].flatMap { ModelReadiness.failure(circuit($0)) }
            if name == "cache", redis?.isResting == true { failure = "Redis has failed and is left alone for a moment" }
            return ModelReadiness.Check(name: name, status: failure == nil ? .ok : .failing, message: failure)
        }
    }
}
