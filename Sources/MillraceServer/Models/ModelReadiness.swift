import Millrace
import MillraceHTTPClient

/// What `/readyz` says of the configured models and embedders, from what is known already: nobody is asked.
struct ModelReadiness: Sendable {
    /// A line of the answer.
    struct Check: Equatable, Sendable {
        enum Status: String {
            case ok
            /// It is configured and cannot be used.
            case unavailable
            /// It can be used, and its server has failed lately.
            case failing
        }
        var name: String
        var status: Status
        /// Why; `nil` for what is in order.
        var message: String?
    }

    /// What a model's state depends on.
    private enum Dependency {
        /// The server at that URL.
        case server(String)
        /// Recordings, or what is made in code.
        case nothing
        /// One of these models.
        case any([String])
        /// Each of these models.
        case each([String])
    }

    private let models: [(id: String, dependency: Dependency)]
    private let embedders: [(id: String, dependency: Dependency)]
    private let unavailableModels: [String: String]
    private let unavailableEmbedders: [String: String]
    private let circuit: @Sendable (String) -> ResilientTransport.CircuitStatus

    /// - Parameters:
    ///   - bedrockURLs: the base URLs of those on Bedrock, by `model:ID` and `embedder:ID`.
    ///   - circuit: the circuit of a URL's endpoint.
    init(
        _ settings: ServerSettings, models: LanguageModelRegistry, embedders: EmbedderRegistry, bedrockURLs: [String: String] = [:],
        circuit: @escaping @Sendable (String) -> ResilientTransport.CircuitStatus
    ) {
        self.models = settings.models.map { model in
            let url = bedrockURLs["model:\(model.id)"]
            return switch model.kind {
            case .openAI(let server, _, _), .anthropic(let server, _, _), .custom(let server, _): (model.id, Self.dependency(server))
            case .bedrock(let place, _, _): (model.id, Self.dependency(place.server, url: url))
            case .fallback(let ids): (model.id, .any(ids))
            case .route(let rules, let otherwise): (model.id, .each(rules.map(\.model) + [otherwise]))
            }
        }
        self.embedders = settings.embedders.map { embedder in
            let url = bedrockURLs["embedder:\(embedder.id)"]
            return switch embedder.kind {
            case .openAI(let server, _): (embedder.id, Self.dependency(server))
            case .bedrock(let place, _): (embedder.id, Self.dependency(place.server, url: url))
            }
        }
        unavailableModels = models.unavailable
        unavailableEmbedders = embedders.unavailable
        self.circuit = circuit
    }

    private static func dependency(_ server: ModelServerSettings) -> Dependency { dependency(server, url: server.url) }

    private static func dependency(_ server: ModelServerSettings, url: String?) -> Dependency {
        guard server.replayDirectory == nil, let url else { return .nothing }
        return .server(url)
    }

    /// A line for each model and embedder, in the order of the configuration.
    var checks: [Check] {
        models.map { check("model:\($0.id)", $0.dependency, unavailableModels[$0.id]) }
            + embedders.map { check("embedder:\($0.id)", $0.dependency, unavailableEmbedders[$0.id]) }
    }

    private func check(_ name: String, _ dependency: Dependency, _ unavailable: String?) -> Check {
        if let unavailable { return Check(name: name, status: .unavailable, message: unavailable) }
        let failure = failure(dependency)
        return Check(name: name, status: failure == nil ? .ok : .failing, message: failure)
    }

    /// Why a server with that circuit is failing; `nil`: it is not.
    static func failure(_ circuit: ResilientTransport.CircuitStatus) -> String? {
        switch circuit {
        case .closed: nil
        case .halfOpen: "its server has failed too often and is tried again now"
        case .open(.zero): "its server has failed too often; the next request tries it again"
        case .open(let remaining): "its server has failed too often and is left alone for \(remaining.components.seconds + 1) s"
        }
    }

    /// Why what depends on that is failing; `nil`: it is not. Models are not made of each other in circles, which the assembly saw to.
    private func failure(_ dependency: Dependency) -> String? {
        switch dependency {
        case .nothing: return nil
        case .server(let url): return Self.failure(circuit(url))
        case .any(let ids):
            // What is not available is passed over.
            let usable = ids.filter { unavailableModels[$0] == nil }
            let failing = usable.filter { failure(of: $0) != nil }
            return failing.count == usable.count && !usable.isEmpty ? "every model that it asks is failing" : nil
        case .each(let ids):
            let failing = ids.enumerated().filter { place, id in
                !ids[..<place].contains(id) && unavailableModels[id] == nil && failure(of: id) != nil
            }
            return failing.isEmpty ? nil : "it chooses among models that are failing: \(failing.map(\.element).joined(separator: ", "))"
        }
    }

    private func failure(of id: String) -> String? { models.first { $0.id == id }.flatMap { failure($0.dependency) } }
}
