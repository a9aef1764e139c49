import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// Makes the models and embedders that the settings describe.
///
/// What cannot be used for want of a key or of another model is left out with its reason, so that a server starts all the same; what is
/// configured wrongly stops it.
struct ModelAssembly {
    private let settings: ServerSettings
    private let transport: any HTTPTransport
    private let logger: Logger
    private let blocking: BlockingExecutor
    private let aws: AWSAssembly
    private let secrets: SecretResolver
    /// The base URLs of those on Bedrock, by `model:ID` and `embedder:ID`: the settings may not say them.
    private(set) var bedrockURLs: [String: String] = [:]
    private var made: [String: any LanguageModel] = [:]
    private var unavailable: [String: String] = [:]
    /// The compositions that are being made, to find circles.
    private var path: [String] = []
    private lazy var counter = Result { try Self.counter(settings.tokens) }

    /// - Parameters:
    ///   - existing: models that are there already, such as the embedded one and a team's own.
    ///   - transport: how servers are reached.
    ///   - blocking: the threads that write recordings.
    ///   - aws: makes the clients of models on Bedrock.
    ///   - secrets: finds the keys that the settings name.
    init(
        settings: ServerSettings, existing: [any LanguageModel], transport: any HTTPTransport, logger: Logger, blocking: BlockingExecutor,
        aws: AWSAssembly, secrets: SecretResolver
    ) throws(MillraceError) {
        self.blocking = blocking
        self.aws = aws
        self.secrets = secrets
        self.settings = settings
        self.transport = transport
        self.logger = logger
        for model in existing {
            guard made.updateValue(model, forKey: model.id) == nil else {
                throw MillraceError(.conflict, "two models are called '\(model.id)'")
            }
        }
        for model in settings.models where made[model.id] != nil {
            throw MillraceError(.conflict, "the configured model '\(model.id)' has the id of one that is registered in code")
        }
        if let twice = Dictionary(grouping: settings.models, by: \.id).first(where: { $1.count > 1 }) {
            throw MillraceError(.conflict, "two models are called '\(twice.key)'")
        }
    }

    /// The transport that settings ask for: libcurl on the loops, with bounds, retries and circuit breakers.
    static func transport(_ settings: OutgoingSettings, logger: Logger) throws -> ResilientTransport {
        var policy = HTTPPolicySettings()
        policy.retry.attempts = settings.attempts
        policy.retry.longestRetryAfter = .seconds(settings.longestRetryAfterSeconds)
        policy.breaker.openWait = .seconds(settings.circuitOpenSeconds)
        policy.limit.exchanges = settings.maxConcurrentRequests
        policy.limit.queue = settings.queuedRequests
        policy.limit.longestWait = .seconds(settings.queueSeconds)
        return try ResilientTransport(client(settings), settings: policy, logger: logger)
    }

    /// What sends each request: libcurl on the loops.
    static func client(_ settings: OutgoingSettings) throws -> HTTPClient {
        var client = HTTPClientSettings()
        client.caFile = settings.caFile
        if let caFile = settings.caFile {
            do throws(MillraceError) { _ = try BoundedFile.read(caFile, limit: 64 << 20) } catch {
                throw MillraceError(.configuration, "http.caFile: \(error.message)")
            }
        }
        return HTTPClient(settings: client)
    }

    // MARK: Models

    /// All models, in a registry whose default is the settings' or the embedded one.
    mutating func registry(local: any LanguageModel) throws -> LanguageModelRegistry {
        for model in settings.models { _ = try make(model.id, neededBy: nil) }
        // Also without a rule that counts: a file that was named and cannot be read is a mistake.
        _ = try counter.get()
        for (id, reason) in unavailable.sorted(by: { $0.key < $1.key }) {
            logger.warning("a model is not available", ["model": .string(id), "reason": .string(reason)])
        }
        let registry = try LanguageModelRegistry(
            default: local, others: made.values.filter { $0.id != local.id }, tasks: settings.taskModels, unavailable: unavailable)
        guard let id = settings.defaultModel else { return registry }
        do throws(MillraceError) { return try registry.with(default: id) } catch {
            let meant = unavailable[id] == nil ? Suggestion.phrase(for: id, among: registry.ids) : ""
            throw MillraceError(.configuration, "defaults.model: \(error.message)\(meant)")
        }
    }

    /// The model of that id; `nil` for one that is not available.
    private mutating func make(_ id: String, neededBy composition: String?) throws -> (any LanguageModel)? {
        if let model = made[id] { return model }
        if unavailable[id] != nil { return nil }
        guard let settings = settings.models.first(where: { $0.id == id }) else {
            let names = self.settings.models.map(\.id) + made.keys
            throw MillraceError(
                .configuration,
                "the model '\(composition ?? id)' names the model '\(id)', which there is not" + Suggestion.phrase(for: id, among: names))
        }
        if let reason = settings.unavailable {
            unavailable[id] = reason
            return nil
        }
        if let start = path.firstIndex(of: id) {
            let circle = (path[start...] + [id]).joined(separator: " → ")
            throw MillraceError(.configuration, "models cannot be made of each other in a circle: \(circle)")
        }
        path.append(id)
        defer { path.removeLast() }
        var model: any LanguageModel
        switch settings.kind {
        case .openAI(let server, let name, let options):
            model = OpenAILanguageModel(id: id, model: name, endpoint: try endpoint(server), options: options)
        case .anthropic(let server, let name, let options):
            model = AnthropicLanguageModel(
                id: id, model: name, options: options, endpoint: try endpoint(server, authorization: ("x-api-key", "")))
        case .bedrock(let server, let name, let options):
            guard let made = try bedrockModel(id, name, server, options) else { return nil }
            model = made
        case .custom(let server, let configuration):
            let endpoint = try endpoint(server)
            // A recording is played without a key, whose place in the headers has to be filled all the same.
            let credential = endpoint.credential ?? (server.replayDirectory == nil ? nil : Credential("replayed"))
            let api = try CustomAPI(id: id, configuration: configuration, credential: credential)
            model = try CustomLanguageModel(api, transport: endpoint.transport, timeouts: endpoint.timeouts)
        case .fallback(let ids):
            let models = try ids.compactMap { try make($0, neededBy: id) }
            guard !models.isEmpty else { return leaveOut(id, ids) }
            model = FallbackLanguageModel(id: id, models: models, logger: logger)
        case .route(let rules, let otherwise):
            guard let last = try make(otherwise, neededBy: id) else { return leaveOut(id, [otherwise]) }
            // A rule whose model is not available is passed over, and the next one decides.
            let usable = try rules.compactMap { rule in
                try make(rule.model, neededBy: id).map { ModelRule(when: rule.conditions, use: $0) }
            }
            model = RoutingLanguageModel(id: id, rules: usable, otherwise: last, counter: try counter.get())
        }
        if let price = settings.price { model = PricedLanguageModel(model, price: price) }
        made[id] = model
        return model
    }

    private mutating func bedrockModel(
        _ id: String, _ name: String, _ server: BedrockServerSettings, _ options: BedrockOptions
    ) throws -> (any LanguageModel)? {
        switch try bedrock(server, "model:\(id)") {
        case .success(let place):
            return BedrockLanguageModel(
                id: id, model: name, client: place.client, region: place.region, options: options,
                takesHandlersGuardrail: isWhereGuardrailsAre(server, place))
        case .failure(let error):
            // Neither region nor profile: others can be used all the same.
            unavailable[id] = error.message
            return nil
        }
    }

    /// Whether a model is asked in the region and with the credentials that handlers' guardrails are applied with.
    private func isWhereGuardrailsAre(_ server: BedrockServerSettings, _ place: AWSAssembly.Bedrock) -> Bool {
        let own = try? aws.bedrock(BedrockServerSettings(), credential: nil)
        return server.profile == nil && secrets.credential(of: server.server) == nil && own?.region == place.region
    }

    private mutating func leaveOut(_ id: String, _ parts: [String]) -> (any LanguageModel)? {
        unavailable[id] = "it needs " + parts.map { "'\($0)': \(unavailable[$0] ?? "not available")" }.joined(separator: "; ")
        return nil
    }

    private static func counter(_ settings: TokenSettings) throws -> any TokenCounter {
        guard let file = settings.vocabularyFile else { return CharacterTokenCounter() }
        do throws(MillraceError) { return try BPETokenCounter(vocabularyFile: file) } catch {
            throw MillraceError(.configuration, "tokens.vocabularyFile: \(error.message)")
        }
    }

    // MARK: Embedders

    /// All embedders, the embedded one among them.
    mutating func embedders() throws -> EmbedderRegistry {
        var unavailable: [String: String] = [:]
        var made: [any Embedder] = [LocalEmbedder(blocking: blocking)]
        for embedder in settings.embedders {
            if let reason = embedder.unavailable {
                unavailable[embedder.id] = reason
                logger.warning("an embedder is not available", ["embedder": .string(embedder.id), "reason": .string(reason)])
                continue
            }
            let own: any Embedder
            switch try make(embedder) {
            case .success(let embedder): own = embedder
            case .failure(let error):
                unavailable[embedder.id] = error.message
                logger.warning("an embedder is not available", ["embedder": .string(embedder.id), "reason": .string(error.message)])
                continue
            }
            if let price = embedder.pricePerMillionTokens {
                made.append(try PricedEmbedder(own, pricePerMillionTokens: price))
            } else {
                made.append(own)
            }
        }
        return try EmbedderRegistry(made, unavailable: unavailable)
    }

    private mutating func make(_ embedder: EmbedderSettings) throws -> Result<any Embedder, MillraceError> {
        switch embedder.kind {
        case .openAI(let server, let options):
            return .success(OpenAIEmbedder(id: embedder.id, model: embedder.model, endpoint: try endpoint(server), options: options))
        case .bedrock(let server, let options):
            switch try bedrock(server, "embedder:\(embedder.id)") {
            case .success(let place):
                return .success(
                    try BedrockEmbedder(
                        id: embedder.id, model: embedder.model, client: place.client, region: place.region, options: options))
            case .failure(let error): return .failure(error)
            }
        }
    }

    // MARK: Servers

    private func endpoint(
        _ server: ModelServerSettings, authorization: (header: String, prefix: String) = ("Authorization", "Bearer ")
    ) throws -> ModelEndpoint {
        ModelEndpoint(
            server, authorization: authorization, credential: secrets.credential(of: server), transport: try self.transport(of: server))
    }

    private func transport(of server: ModelServerSettings) throws(MillraceError) -> any HTTPTransport {
        if let directory = server.replayDirectory { return try ReplayTransport(directory: directory) }
        guard let directory = server.recordDirectory else { return transport }
        return try RecordingTransport(transport, directory: directory, logger: logger, blocking: blocking)
    }

    /// - Returns: a failure where AWS is not configured.
    private mutating func bedrock(
        _ server: BedrockServerSettings, _ name: String
    ) throws -> Result<AWSAssembly.Bedrock, MillraceError> {
        // A recording is played without credentials.
        let credential = secrets.credential(of: server.server) ?? (server.server.replayDirectory == nil ? nil : Credential("replayed"))
        let transport = try transport(of: server.server)
        let place = Result { () throws(MillraceError) in try aws.bedrock(server, credential: credential, transport: transport) }
        if case .success(let place) = place { bedrockURLs[name] = place.url }
        return place
    }
}

extension ModelEndpoint {
    /// The endpoint that settings describe.
    init(
        _ server: ModelServerSettings, authorization: (header: String, prefix: String) = ("Authorization", "Bearer "),
        credential: Credential?, transport: any HTTPTransport
    ) {
        self.init(
            url: server.url, authorization: authorization, credential: credential,
            headers: HTTPClientHeaders(server.headers.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.value) }),
            transport: transport)
        timeouts.connect = .seconds(server.connectTimeoutSeconds)
        timeouts.firstByte = .seconds(server.firstByteTimeoutSeconds)
        timeouts.idle = .seconds(server.idleTimeoutSeconds)
    }
}
