import MillraceBackends
import MillraceCore

/// Reads `models:`, `embedders:` and `taskModels:` of `config.yaml`.
struct ModelSettingsReader {
    private let findings: OptionReader.Findings
    let directory: String
    let environment: (String) -> String?

    /// - Parameters:
    ///   - path: the file, for messages.
    ///   - directory: what relative paths are relative to.
    ///   - environment: looks a variable up for `env:NAME`.
    init(path: String, directory: String, environment: @escaping (String) -> String?) {
        findings = OptionReader.Findings(path: path)
        self.directory = directory
        self.environment = environment
    }

    var problems: [ConfigurationProblem] { findings.problems }
    var warnings: [ConfigurationProblem] { findings.warnings }

    // MARK: Models

    func models(_ node: YAMLNode) -> [ModelSettings] {
        entries(node, "models").compactMap { id, reader in
            let kinds = ["openai", "anthropic", "bedrock", "custom", "fallback", "route"]
            guard let type = reader.kind(among: kinds) else { return nil }
            defer { reader.finish() }
            var unavailable: String?
            let price = price(reader, of: type)
            guard let kind = kind(type, id, reader, &unavailable) else { return nil }
            var settings = ModelSettings(id: id, kind: kind, price: price)
            settings.unavailable = unavailable
            return settings
        }
    }

    private func kind(_ type: String, _ id: String, _ reader: OptionReader, _ unavailable: inout String?) -> ModelSettings.Kind? {
        switch type {
        case "openai":
            let (server, model) = (server(reader, url: "https://api.openai.com/v1", &unavailable), name(reader))
            let options = openAI(reader)
            guard let server, let model else { return nil }
            return .openAI(server, model: model, options)
        case "anthropic":
            let (server, model) = (server(reader, url: "https://api.anthropic.com", &unavailable), name(reader))
            let options = anthropic(reader)
            guard let server, let model else { return nil }
            return .anthropic(server, model: model, options)
        case "bedrock":
            let (server, model) = (bedrockServer(reader, &unavailable), name(reader))
            let options = bedrock(reader)
            guard let server, let model else { return nil }
            return .bedrock(server, model: model, options)
        case "custom": return custom(id, reader, &unavailable)
        case "fallback": return fallback(reader)
        default: return route(reader)
        }
    }

    /// The entries of a group of named things. One without content is left out, so that a section can take away what the base has.
    private func entries(_ node: YAMLNode, _ key: String) -> [(String, OptionReader)] {
        guard let group = OptionReader(node, key: key, findings) else { return [] }
        return group.names.compactMap { id in
            let isName = id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") } && (1...128).contains(id.utf8.count)
            if !isName { group.note(id, "an id is 1 to 128 visible ASCII characters without comma and space") }
            if id == "local" { group.note(id, "'local' is the embedded one: choose another id") }
            guard isName, id != "local", let node = group.node(id) else { return nil }
            return OptionReader(node, key: "\(key).\(id)", findings).map { (id, $0) }
        }
    }

    private func name(_ reader: OptionReader) -> String? { reader.text("model", orNeeded: "the model's name at the server") }

    private func fallback(_ reader: OptionReader) -> ModelSettings.Kind? {
        let expected = "a list of the ids of the models to ask, in order"
        guard reader.node("models") != nil else {
            reader.note(nil, "needs 'models': \(expected)")
            return nil
        }
        guard let models = reader.list("models") else { return nil }
        if models.isEmpty { reader.note("models", "expected \(expected)") }
        for (place, id) in models.enumerated() where models[..<place].contains(id) {
            reader.note("models", "names '\(id)' twice: a model that has failed is not asked again")
        }
        return models.isEmpty ? nil : .fallback(models: models)
    }

    private func route(_ reader: OptionReader) -> ModelSettings.Kind? {
        let rules = reader.groups("rules")
        var isEmpty = reader.node("rules") == nil
        if case .sequence(let nodes)? = reader.node("rules")?.content { isEmpty = nodes.isEmpty }
        if isEmpty { reader.note("rules", "expected a list of conditions, each with the model to choose") }
        let read = (rules ?? []).compactMap { rule($0) }
        guard let otherwise = reader.text("otherwise", orNeeded: "the id of the model for requests that no rule matches") else {
            return nil
        }
        return .route(rules: read, otherwise: otherwise)
    }

    private func rule(_ reader: OptionReader) -> ModelSettings.Rule? {
        defer { reader.finish() }
        let conditions: [(name: String, value: ModelRule.Condition)] = [
            ("tools", .hasTools), ("images", .hasImages), ("documents", .hasDocuments), ("outputSchema", .wantsOutputSchema),
        ]
        var found: Set<ModelRule.Condition> = []
        var isGiven = false
        for (name, condition) in conditions where reader.node(name) != nil {
            isGiven = true
            switch reader.flag(name) {
            case true?: found.insert(condition)
            case false?: reader.note(name, "a rule asks for what a request has: 'true', or leave it out")
            case nil: break
            }
        }
        if reader.node("tokensOver") != nil {
            isGiven = true
            if let bound = reader.integer("tokensOver", 0...1_000_000_000) { found.insert(.estimatedTokens(over: bound)) }
        }
        if !isGiven { reader.note(nil, "needs a condition: \((conditions.map(\.name) + ["tokensOver"]).joined(separator: ", "))") }
        guard let model = reader.text("model", orNeeded: "the id of the model to choose") else { return nil }
        return ModelSettings.Rule(when: found, use: model)
    }

    private func price(_ reader: OptionReader, of type: String) -> ModelPrice? {
        guard let price = reader.group("price") else { return nil }
        defer { price.finish() }
        if type == "fallback" || type == "route" {
            reader.note("price", "a \(type) has no price of its own: give each of its models one")
            for name in price.names { _ = price.node(name) }
            return nil
        }
        let dollars = "US dollars per million tokens, 0 to 1000000"
        let range = 0...1_000_000.0
        for name in ["prompt", "completion"] where price.node(name) == nil { price.note(nil, "needs '\(name)': \(dollars)") }
        let cached = price.number("cachedPrompt", range, dollars)
        guard let prompt = price.number("prompt", range, dollars), let completion = price.number("completion", range, dollars) else {
            return nil
        }
        return try? ModelPrice(prompt: prompt, cachedPrompt: cached, completion: completion)
    }

    // MARK: Embedders and tasks

    func embedders(_ node: YAMLNode) -> [EmbedderSettings] {
        entries(node, "embedders").compactMap { id, reader in
            guard let type = reader.kind(among: ["openai", "bedrock"]) else { return nil }
            defer { reader.finish() }
            var unavailable: String?
            let model = name(reader)
            let kind: EmbedderSettings.Kind?
            if type == "bedrock" {
                let (server, options) = (bedrockServer(reader, &unavailable), bedrockEmbedder(reader))
                kind = server.map { .bedrock($0, options) }
            } else {
                let (server, options) = (server(reader, url: "https://api.openai.com/v1", &unavailable), openAIEmbedder(reader))
                kind = server.map { .openAI($0, options) }
            }
            let price = reader.number("pricePerMillionTokens", 0...1_000_000, "US dollars per million tokens, 0 to 1000000")
            guard let kind, let model else { return nil }
            var settings = EmbedderSettings(id: id, kind: kind, model: model)
            settings.pricePerMillionTokens = price
            settings.unavailable = unavailable
            return settings
        }
    }

    private func openAIEmbedder(_ reader: OptionReader) -> OpenAIEmbedderOptions {
        var options = OpenAIEmbedderOptions()
        options.dimensions = reader.integer("dimensions", 1...65_536)
        if let value = reader.flag("sendsDimensions") { options.sendsDimensions = value }
        options.encodingFormat = reader.choice("encoding", [("float", .float), ("base64", .base64)]) ?? options.encodingFormat
        if let value = reader.integer("batchCount", 1...2048) { options.batchCount = value }
        if let value = reader.integer("batchCharacters", 1...100_000_000) { options.batchCharacters = value }
        options.documentPrefix = reader.text("documentPrefix") ?? ""
        options.queryPrefix = reader.text("queryPrefix") ?? ""
        options.extra = extra(reader)
        return options
    }

    /// The model of each task.
    func taskModels(_ node: YAMLNode) -> [String: String] {
        guard let group = OptionReader(node, key: "taskModels", findings) else { return [:] }
        var models: [String: String] = [:]
        for task in group.names { models[task] = group.text(task, expected: "a model's id") }
        return models
    }
}
