import MillraceBackends
import MillraceCore

/// Reads `models:`, `embedders:` and `taskModels:` of `config.yaml`.
struct ModelSettingsReader {
    private let findings: OptionReader.Findings
    private let directory: String
    private let environment: (String) -> String?

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

    private static let seconds = "a number of seconds from 0.001 to 86400"

    // MARK: Models

    func models(_ node: YAMLNode) -> [ModelSettings] {
        entries(node, "models").compactMap { id, reader in
            defer { reader.finish() }
            let kinds = ["openai", "anthropic", "custom", "fallback", "route"]
            guard let type = reader.choice("type", kinds.map { ($0, $0) }) else {
                if reader.node("type") == nil { reader.note(nil, "needs a 'type': \(SettingKind.choice(kinds).expectation)") }
                return nil
            }
            var unavailable: String?
            guard let kind = kind(type, id, reader, &unavailable) else { return nil }
            var settings = ModelSettings(id: id, kind: kind, price: price(reader))
            settings.unavailable = unavailable
            return settings
        }
    }

    private func kind(_ type: String, _ id: String, _ reader: OptionReader, _ unavailable: inout String?) -> ModelSettings.Kind? {
        switch type {
        case "openai":
            let server = server(reader, url: "https://api.openai.com/v1", &unavailable)
            let options = openAI(reader)
            guard let server, let model = name(reader) else { return nil }
            return .openAI(server, model: model, options)
        case "anthropic":
            let server = server(reader, url: "https://api.anthropic.com", &unavailable)
            let options = anthropic(reader)
            guard let server, let model = name(reader) else { return nil }
            return .anthropic(server, model: model, options)
        case "custom": return custom(id, reader, &unavailable)
        case "fallback":
            guard let models = reader.list("models"), !models.isEmpty else {
                reader.note("models", "expected a list of the models to try, in order")
                return nil
            }
            return .fallback(models: models)
        default: return route(reader)
        }
    }

    /// The entries of a group of named things.
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

    private func name(_ reader: OptionReader) -> String? {
        if let name = reader.text("model") { return name }
        if reader.node("model") == nil { reader.note(nil, "needs a 'model': the model's name at the server") }
        return nil
    }

    private func route(_ reader: OptionReader) -> ModelSettings.Kind? {
        let conditions: [(name: String, value: ModelRule.Condition)] = [
            ("tools", .hasTools), ("images", .hasImages), ("documents", .hasDocuments), ("outputSchema", .wantsOutputSchema),
        ]
        let rules = (reader.groups("rules") ?? []).map { rule -> ModelSettings.Rule? in
            defer { rule.finish() }
            var found: Set<ModelRule.Condition> = []
            for (name, condition) in conditions where rule.flag(name) == true { found.insert(condition) }
            if let bound = rule.integer("tokensOver", 0...1_000_000_000) { found.insert(.estimatedTokens(over: bound)) }
            if found.isEmpty { rule.note(nil, "needs a condition: \((conditions.map(\.name) + ["tokensOver"]).joined(separator: ", "))") }
            guard let model = rule.text("model") else {
                rule.note("model", "needs a 'model': the id of the one to choose")
                return nil
            }
            return ModelSettings.Rule(when: found, use: model)
        }
        guard let otherwise = reader.text("otherwise") else {
            reader.note("otherwise", "needs the id of the model for requests that no rule matches")
            return nil
        }
        return .route(rules: rules.compactMap { $0 }, otherwise: otherwise)
    }

    private func price(_ reader: OptionReader) -> ModelPrice? {
        guard let price = reader.group("price") else { return nil }
        defer { price.finish() }
        let dollars = "US dollars per million tokens, 0 or more"
        let range = 0...1_000_000.0
        let cached = price.number("cachedPrompt", range, dollars)
        guard let prompt = price.number("prompt", range, dollars), let completion = price.number("completion", range, dollars) else {
            price.note(nil, "needs 'prompt' and 'completion': \(dollars)")
            return nil
        }
        return try? ModelPrice(prompt: prompt, cachedPrompt: cached, completion: completion)
    }

    // MARK: Servers

    private func server(_ reader: OptionReader, url: String?, _ unavailable: inout String?) -> ModelServerSettings? {
        let url = reader.text("url") ?? url
        if let url, let problem = ModelServerSettings.problem(url: url) { reader.note("url", problem) }
        if url == nil, reader.node("url") == nil { reader.note(nil, "needs a 'url'") }
        var server = ModelServerSettings(url: url ?? "")
        readKey(reader, &server, &unavailable)
        if let headers = reader.group("headers") {
            for name in headers.names {
                guard let value = headers.text(name) else { continue }
                server.headers[name] =
                    SecretReference(value) == nil ? SecretText(value) : secret(value, headers, name, &unavailable)
            }
        }
        readTimeouts(reader, &server)
        readRecording(reader, &server, &unavailable)
        return url == nil ? nil : server
    }

    private func readKey(_ reader: OptionReader, _ server: inout ModelServerSettings, _ unavailable: inout String?) {
        if let text = reader.text("apiKey") { server.apiKey = secret(text, reader, "apiKey", &unavailable) }
    }

    private func readTimeouts(_ reader: OptionReader, _ server: inout ModelServerSettings) {
        for (name, path) in [
            ("connectTimeoutSeconds", \ModelServerSettings.connectTimeoutSeconds),
            ("firstByteTimeoutSeconds", \ModelServerSettings.firstByteTimeoutSeconds),
            ("idleTimeoutSeconds", \ModelServerSettings.idleTimeoutSeconds),
        ] {
            if let value = reader.number(name, 0.001...86_400, Self.seconds) { server[keyPath: path] = value }
        }
    }

    private func readRecording(_ reader: OptionReader, _ server: inout ModelServerSettings, _ unavailable: inout String?) {
        server.recordDirectory = reader.text("record").map(path)
        server.replayDirectory = reader.text("replay").map(path)
        if server.recordDirectory != nil, server.replayDirectory != nil {
            reader.note("replay", "a model is recorded or replayed, not both: keep one of 'record' and 'replay'")
        }
        // A recording needs no key.
        if server.replayDirectory != nil { unavailable = nil }
    }

    private func path(_ name: String) -> String { name.hasPrefix("/") || directory == "." ? name : directory + "/" + name }

    private func secret(_ text: String, _ reader: OptionReader, _ name: String, _ unavailable: inout String?) -> SecretText? {
        guard let reference = SecretReference(text) else {
            reader.note(name, "expected where the secret is, env:NAME or file:PATH: secrets do not belong into this file")
            return nil
        }
        do throws(MillraceError) { return try reference.resolve(in: directory, environment: environment) } catch {
            unavailable = error.message
            return nil
        }
    }

    // MARK: Providers

    private func openAI(_ reader: OptionReader) -> OpenAIOptions {
        var options = OpenAIOptions()
        options.maxTokensField = reader.choice(
            "maxTokensField", [("max_tokens", .maxTokens), ("max_completion_tokens", .maxCompletionTokens)])
        if let value = reader.flag("seesImages") { options.seesImages = value }
        if let value = reader.flag("includesUsage") { options.includesUsage = value }
        options.strictOutput = reader.flag("strictOutput")
        options.reasoningReplay =
            reader.choice(
                "reasoningReplay",
                [
                    ("none", .none), ("reasoning_content", .reasoningContent), ("reasoning", .reasoning),
                    ("reasoning_details", .reasoningDetails),
                ]
            ) ?? options.reasoningReplay
        options.organization = reader.text("organization")
        options.project = reader.text("project")
        options.extra = extra(reader)
        return options
    }

    private func anthropic(_ reader: OptionReader) -> AnthropicOptions {
        var options = AnthropicOptions()
        if let value = reader.integer("maxTokens", 1...10_000_000) { options.defaultMaxTokens = value }
        if let value: AnthropicOptions.Thinking = reader.choice(
            "thinking", [("default", .modelDefault), ("disabled", .disabled), ("adaptive", .adaptive)])
        {
            options.thinking = value
        }
        if let tokens = reader.integer("thinkingTokens", 1024...10_000_000) { options.thinking = .budget(tokens: tokens) }
        options.showsReasoning = reader.flag("showsReasoning")
        options.effort = reader.text("effort")
        options.structuredOutput =
            reader.choice("structuredOutput", [("json_schema", .jsonSchema), ("forced_tool", .forcedTool)]) ?? options.structuredOutput
        options.promptCaching =
            reader.choice("promptCaching", [("off", .off), ("5m", .fiveMinutes), ("1h", .oneHour)]) ?? options.promptCaching
        options.reasoningHistory =
            reader.choice("reasoningHistory", [("tool_loop", .toolLoop), ("all", .all)]) ?? options.reasoningHistory
        if let value = reader.flag("citesDocuments") { options.citesDocuments = value }
        if let value = reader.flag("seesImages") { options.seesImages = value }
        options.betas = reader.list("betas") ?? []
        return options
    }

    /// Another HTTP API: what describes it goes to ``CustomAPI`` as it stands.
    private func custom(_ id: String, _ reader: OptionReader, _ unavailable: inout String?) -> ModelSettings.Kind? {
        var members: [String: JSONValue] = [:]
        for name in ["url", "method", "model", "headers", "body", "response"] { members[name] = reader.node(name)?.json }
        var server = ModelServerSettings(url: members["url"]?.string ?? "")
        readKey(reader, &server, &unavailable)
        readTimeouts(reader, &server)
        readRecording(reader, &server, &unavailable)
        let stand = reader.names.contains("apiKey") ? Credential("a key that is not read here") : nil
        do throws(MillraceError) { _ = try CustomAPI(id: id, configuration: .object(members), credential: stand) } catch {
            reader.note(nil, error.message)
            return nil
        }
        return .custom(server, configuration: .object(members))
    }

    private func extra(_ reader: OptionReader) -> [String: JSONValue] {
        guard let node = reader.node("extra") else { return [:] }
        guard case .object(let members) = node.json else {
            reader.note("extra", "expected a group of members for the request's body, found \(node.found)")
            return [:]
        }
        return members
    }

    // MARK: Embedders and tasks

    func embedders(_ node: YAMLNode) -> [EmbedderSettings] {
        entries(node, "embedders").compactMap { id, reader in
            defer { reader.finish() }
            guard reader.choice("type", [("openai", true)]) == true else {
                if reader.node("type") == nil { reader.note(nil, "needs a 'type': openai") }
                return nil
            }
            var unavailable: String?
            let server = server(reader, url: "https://api.openai.com/v1", &unavailable)
            var options = OpenAIEmbedderOptions()
            options.dimensions = reader.integer("dimensions", 1...65_536)
            if let value = reader.flag("sendsDimensions") { options.sendsDimensions = value }
            options.encodingFormat = reader.choice("encoding", [("float", .float), ("base64", .base64)]) ?? options.encodingFormat
            if let value = reader.integer("batchCount", 1...2048) { options.batchCount = value }
            if let value = reader.integer("batchCharacters", 1...100_000_000) { options.batchCharacters = value }
            options.documentPrefix = reader.text("documentPrefix") ?? ""
            options.queryPrefix = reader.text("queryPrefix") ?? ""
            options.extra = extra(reader)
            let price = reader.number("pricePerMillionTokens", 0...1_000_000, "US dollars per million tokens, 0 or more")
            guard let server, let model = name(reader) else { return nil }
            var settings = EmbedderSettings(id: id, server: server, model: model, options: options)
            settings.pricePerMillionTokens = price
            settings.unavailable = unavailable
            return settings
        }
    }

    /// The model of each task.
    func taskModels(_ node: YAMLNode) -> [String: String] {
        guard let group = OptionReader(node, key: "taskModels", findings) else { return [:] }
        var models: [String: String] = [:]
        for task in group.names { models[task] = group.text(task, expected: "a model's id") }
        return models
    }
}

extension ModelServerSettings {
    /// What is wrong with a server's URL, if anything.
    static func problem(url: String) -> String? {
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return "expected an http or https URL, such as http://127.0.0.1:8080/v1"
        }
        let authority = url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.isEmpty { return "expected a URL with a host, such as http://127.0.0.1:8080/v1" }
        if authority.contains("@") { return "the URL must hold no credentials: give them as apiKey" }
        if url.contains("?") || url.contains("#") { return "the URL is a base that paths are appended to: leave its query out" }
        return nil
    }
}
