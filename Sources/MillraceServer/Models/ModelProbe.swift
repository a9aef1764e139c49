import Millrace
import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// Asks the configured models and embedders whether they can be used, without generating anything: for `millrace doctor`.
///
/// A server that speaks OpenAI's or Anthropic's API is asked for its list of models, which proves address, certificate and key; of a custom
/// API only the origin is asked, without the key; a composition is as good as its parts. Everything goes out at once, and nothing again.
package struct ModelProbe: Sendable {
    /// What was found of one model or embedder.
    package struct Finding: Equatable, Sendable {
        package enum Verdict: Equatable, Sendable {
            case ok
            /// It may work, or not always.
            case doubtful
            /// It cannot be used now.
            case unusable
        }
        package var verdict: Verdict
        /// What was found and what to do, beginning with the model: `model gpt: …`.
        package var text: String
        /// Whether it is the model of requests that name none.
        package var isDefault: Bool

        package init(verdict: Verdict, text: String, isDefault: Bool = false) {
            self.verdict = verdict
            self.text = text
            self.isDefault = isDefault
        }
    }

    /// What the server behind a model said.
    typealias Outcome = (verdict: Finding.Verdict, text: String)

    let settings: ServerSettings
    let timeout: Duration

    /// - Parameter timeout: how long each server may take to answer (default: 5 s).
    package init(_ settings: ServerSettings, timeout: Duration = .seconds(5)) {
        self.settings = settings
        self.timeout = timeout
    }

    /// Asks everything, and waits for it. Not on a loop.
    /// - Returns: first what is wrong with the settings as a whole, then the models and the embedders in the order of the configuration.
    package func run() -> [Finding] {
        do {
            return try ProbeContext.with(settings) { context in assemblyFindings(context) + (await findings(context)) }
        } catch { return [Self.wrong(error)] }
    }

    private static func wrong(_ error: any Error) -> Finding {
        Finding(verdict: .unusable, text: "models: \((error as? MillraceError)?.message ?? "\(error)")", isDefault: true)
    }

    /// What would stop a server's start: names that there are not, circles, recordings that cannot be read.
    private func assemblyFindings(_ context: ProbeContext) -> [Finding] {
        var settings = settings
        // Looking must make no directories.
        for index in settings.models.indices { settings.models[index].kind.doNotRecord() }
        for index in settings.embedders.indices { settings.embedders[index].kind.doNotRecord() }
        do {
            let local = LocalLanguageModel(blocking: context.blocking)
            var assembly = try ModelAssembly(
                settings: settings, existing: [local], transport: context.client, logger: .silent, blocking: context.blocking,
                aws: context.backends.aws, secrets: context.backends.resolver)
            _ = try assembly.registry(local: local)
            let embedders = try assembly.embedders()
            return self.settings.search.embedder.flatMap { Self.finding(of: $0, in: embedders) }.map { [$0] } ?? []
        } catch { return [Self.wrong(error)] }
    }

    /// What is wrong with the embedder of passages; `nil`: nothing.
    private static func finding(of embedder: String, in embedders: EmbedderRegistry) -> Finding? {
        do throws(MillraceError) {
            _ = try embedders.embedder(embedder)
            return nil
        } catch {
            if error.code == .modelUnavailable {
                return Finding(verdict: .doubtful, text: "search.embedder: passages are found by words only: \(error.message)")
            }
            return Finding(verdict: .unusable, text: "search.embedder: \(error.message)", isDefault: true)
        }
    }

    private func findings(_ context: ProbeContext) async -> [Finding] {
        await withTaskGroup(of: (String, Outcome).self) { group in
            for model in settings.models {
                guard model.unavailable == nil, model.kind.server != nil else { continue }
                group.addTask { ("model \(model.id)", await self.outcome(of: model, context)) }
            }
            for embedder in settings.embedders where embedder.unavailable == nil {
                group.addTask { ("embedder \(embedder.id)", await self.outcome(of: embedder, context)) }
            }
            var outcomes: [String: Outcome] = [:]
            for await (name, outcome) in group { outcomes[name] = outcome }
            for model in settings.models { _ = compose(model.id, &outcomes, []) }
            let models = settings.models.map { ("model \($0.id)", $0.unavailable, $0.id == settings.defaultModel) }
            let embedders = settings.embedders.map { ("embedder \($0.id)", $0.unavailable, false) }
            return (models + embedders).map { name, unavailable, isDefault in
                let outcome = unavailable.map { (.unusable, "not available: \($0)") } ?? outcomes[name] ?? (.unusable, "not available")
                return Finding(verdict: outcome.verdict, text: "\(name): \(Self.printable(outcome.text))", isDefault: isDefault)
            }
        }
    }

    /// What is to be said of a model, a composition by its parts; `nil` for one that there is not.
    private func compose(_ id: String, _ outcomes: inout [String: Outcome], _ path: [String]) -> Outcome? {
        if id == "local" { return (.ok, "embedded") }
        if let outcome = outcomes["model \(id)"] { return outcome }
        // Circles and unknown names are found elsewhere.
        guard let model = settings.models.first(where: { $0.id == id }), model.unavailable == nil, !path.contains(id) else { return nil }
        let parts = model.kind.parts
        let found = parts.map { (id: $0, outcome: compose($0, &outcomes, path + [id]) ?? (.unusable, "not available")) }
        let broken = found.filter { $0.outcome.verdict == .unusable }.map(\.id)
        let doubtful = found.filter { $0.outcome.verdict == .doubtful }.map(\.id)
        var isUnusable = broken.count == parts.count
        if case .route(_, let otherwise) = model.kind, broken.contains(otherwise) { isUnusable = true }
        let outcome: Outcome =
            if isUnusable {
                (.unusable, "cannot be used, for these cannot: \(broken.joined(separator: ", "))")
            } else if !(broken + doubtful).isEmpty {
                (.doubtful, "see its models \((broken + doubtful).joined(separator: ", "))")
            } else {
                (.ok, "its models are in order")
            }
        outcomes["model \(id)"] = outcome
        return outcome
    }

    // MARK: Asking

    private func outcome(of model: ModelSettings, _ context: ProbeContext) async -> Outcome {
        switch model.kind {
        case .openAI(let server, let name, let options):
            await ask(server, name, key: "models.\(model.id)", context) { transport in
                var endpoint = ModelEndpoint(server, credential: context.backends.resolver.credential(of: server), transport: transport)
                endpoint.timeouts.total = timeout
                return try await OpenAILanguageModel(id: model.id, model: name, endpoint: endpoint, options: options).listModels()
            }
        case .anthropic(let server, let name, let options):
            await ask(server, name, key: "models.\(model.id)", context) { transport in
                var endpoint = ModelEndpoint(
                    server, authorization: ("x-api-key", ""), credential: context.backends.resolver.credential(of: server),
                    transport: transport)
                endpoint.timeouts.total = timeout
                let asked = AnthropicLanguageModel(id: model.id, model: name, options: options, endpoint: endpoint)
                return try await asked.availableModels().map(\.id)
            }
        case .bedrock(let server, let name, _): await ask(server, name, key: "models.\(model.id)", context)
        case .custom(let server, _):
            await ask(server, nil, key: "models.\(model.id)", context) { transport in
                guard let target = try? RequestTarget(url: server.url) else { return [] }
                var request = HTTPClientRequest(url: "\(target.isSecure ? "https" : "http")://\(target.authority)/")
                request.timeouts.total = timeout
                // Any answer shows that somebody is there.
                _ = try await transport.exchange(request) { $0.status }
                return []
            }
        case .fallback, .route: (.ok, "")
        }
    }

    private func outcome(of embedder: EmbedderSettings, _ context: ProbeContext) async -> Outcome {
        switch embedder.kind {
        case .openAI(let server, let options):
            await ask(server, embedder.model, key: "embedders.\(embedder.id)", context) { transport in
                var endpoint = ModelEndpoint(server, credential: context.backends.resolver.credential(of: server), transport: transport)
                endpoint.timeouts.total = timeout
                let asked = OpenAIEmbedder(id: embedder.id, model: embedder.model, endpoint: endpoint, options: options)
                return try await asked.listModels()
            }
        case .bedrock(let server, _): await ask(server, embedder.model, key: "embedders.\(embedder.id)", context)
        }
    }

    /// - Parameters:
    ///   - name: the model's name at the server; `nil` where the server lists none.
    ///   - key: where the server is configured.
    private func ask(
        _ server: ModelServerSettings, _ name: String?, key: String, _ context: ProbeContext,
        _ list: (ProbeTransport) async throws -> [String]
    ) async -> Outcome {
        if let directory = server.replayDirectory { return (.ok, "answers from the recordings in \(directory)") }
        let transport = ProbeTransport(context.client)
        let explanation = ProbeExplanation(server: server, key: key)
        do {
            let listed = try await list(transport)
            guard let name else { return explanation.reached() }
            return explanation.listed(listed, name: name)
        } catch {
            return explanation.failed(error, transport: transport.failure)
        }
    }

    /// What a server says may not move the cursor of the terminal that it is shown on.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? " " : $0 }))
    }
}

/// Keeps the failure of the transport, which the models put into words of their own.
final class ProbeTransport: HTTPTransport {
    private let base: any HTTPTransport
    private let kept = Locked<MillraceError?>(nil)

    /// Why no answer came; `nil`: one came.
    var failure: MillraceError? { kept.withLock { $0 } }

    init(_ base: any HTTPTransport) { self.base = base }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        var isAnswered = false
        do {
            return try await base.exchange(request) { response in
                isAnswered = true
                return try await body(response)
            }
        } catch {
            if !isAnswered, let failure = error as? MillraceError { kept.withLock { $0 = failure } }
            throw error
        }
    }
}

extension ModelSettings.Kind {
    /// The server that it is at; `nil` for a composition.
    var server: ModelServerSettings? {
        switch self {
        case .openAI(let server, _, _), .anthropic(let server, _, _), .custom(let server, _): server
        case .bedrock(let place, _, _): place.server
        case .fallback, .route: nil
        }
    }

    /// The models that a composition is made of.
    fileprivate var parts: [String] {
        switch self {
        case .openAI, .anthropic, .bedrock, .custom: []
        case .fallback(let models): models
        case .route(let rules, let otherwise): rules.map(\.model).filter { $0 != otherwise } + [otherwise]
        }
    }

    fileprivate mutating func doNotRecord() {
        guard var server else { return }
        server.recordDirectory = nil
        switch self {
        case .openAI(_, let model, let options): self = .openAI(server, model: model, options)
        case .anthropic(_, let model, let options): self = .anthropic(server, model: model, options)
        case .bedrock(var place, let model, let options):
            place.server = server
            self = .bedrock(place, model: model, options)
        case .custom(_, let configuration): self = .custom(server, configuration: configuration)
        case .fallback, .route: break
        }
    }
}

extension EmbedderSettings.Kind {
    fileprivate mutating func doNotRecord() {
        switch self {
        case .openAI(var server, let options):
            server.recordDirectory = nil
            self = .openAI(server, options)
        case .bedrock(var place, let options):
            place.server.recordDirectory = nil
            self = .bedrock(place, options)
        }
    }
}
