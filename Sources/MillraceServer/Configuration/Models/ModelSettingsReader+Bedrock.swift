import MillraceBackends
import MillraceCore

/// What entries of type `bedrock` say.
extension ModelSettingsReader {
    /// Where Bedrock is, and who asks.
    func bedrockServer(_ reader: OptionReader, _ unavailable: inout String?) -> BedrockServerSettings? {
        var isRight = true
        if reader.node("url") != nil {
            if let url = reader.text("url"), let problem = ModelServerSettings.problem(url: url) {
                reader.note("url", problem)
                isRight = false
            }
        }
        var server = BedrockServerSettings(region: reader.text("region"), profile: reader.text("profile"))
        readServer(reader, &server.server, &unavailable)
        if server.server.apiKey != nil || server.server.storedKey != nil, server.profile != nil {
            reader.note("apiKey", "an API key and a profile exclude each other: leave one out")
            isRight = false
        }
        return isRight ? server : nil
    }

    func bedrock(_ reader: OptionReader) -> BedrockOptions {
        var options = BedrockOptions()
        if let value = reader.flag("streaming") { options.streaming = value }
        options.defaultMaxTokens = reader.integer("maxTokens", 1...10_000_000)
        options.topP = reader.number("topP", 0...1, "a number from 0 to 1")
        if let value: BedrockOptions.Thinking = reader.choice(
            "thinking", [("default", .modelDefault), ("disabled", .disabled), ("adaptive", .adaptive)])
        {
            options.thinking = value
        }
        if let tokens = reader.integer("thinkingTokens", 1024...10_000_000) {
            if reader.node("thinking") != nil { reader.note("thinkingTokens", "is a way of thinking of its own: leave 'thinking' out") }
            options.thinking = .budget(tokens: tokens)
        }
        options.effort = reader.text("effort")
        options.structuredOutput =
            reader.choice("structuredOutput", [("json_schema", .jsonSchema), ("forced_tool", .forcedTool)]) ?? options.structuredOutput
        options.promptCaching =
            reader.choice("promptCaching", [("off", .off), ("5m", .fiveMinutes), ("1h", .oneHour)]) ?? options.promptCaching
        options.reasoningHistory =
            reader.choice("reasoningHistory", [("tool_loop", .toolLoop), ("all", .all)]) ?? options.reasoningHistory
        options.citesDocuments = reader.flag("citesDocuments")
        if let value = reader.flag("seesImages") { options.seesImages = value }
        if let value = reader.flag("readsDocuments") { options.readsDocuments = value }
        options.guardrail = guardrail(reader)
        options.additionalModelRequestFields = object(reader, "additionalModelRequestFields")
        options.additionalModelResponseFieldPaths = reader.list("additionalModelResponseFieldPaths") ?? []
        options.latency = reader.choice("latency", [("standard", .standard), ("optimized", .optimized)])
        options.serviceTier = reader.text("serviceTier")
        if let metadata = reader.group("requestMetadata") {
            for name in metadata.names { options.requestMetadata[name] = metadata.text(name) }
        }
        return options
    }

    private func guardrail(_ reader: OptionReader) -> BedrockOptions.Guardrail? {
        guard let group = reader.group("guardrail") else { return nil }
        defer { group.finish() }
        let identifier = group.text("identifier", orNeeded: "the guardrail's id or ARN")
        let version = group.text("version", orNeeded: "the guardrail's version, a number or DRAFT")
        let trace: BedrockOptions.Guardrail.Trace? = group.choice(
            "trace", [("disabled", .disabled), ("enabled", .enabled), ("enabled_full", .enabledFull)])
        let mode: BedrockOptions.Guardrail.StreamProcessingMode? = group.choice(
            "streamProcessingMode", [("sync", .sync), ("async", .async)])
        let lastOnly = group.flag("checksLastTurnOnly")
        guard let identifier, let version else { return nil }
        var guardrail = BedrockOptions.Guardrail(identifier: identifier, version: version)
        if let trace { guardrail.trace = trace }
        if let mode { guardrail.streamProcessingMode = mode }
        if let lastOnly { guardrail.checksLastTurnOnly = lastOnly }
        return guardrail
    }

    private func object(_ reader: OptionReader, _ name: String) -> [String: JSONValue] {
        guard let node = reader.node(name) else { return [:] }
        guard case .object(let members) = node.json else {
            reader.note(name, "expected a group of members, found \(node.found)")
            return [:]
        }
        return members
    }

    func bedrockEmbedder(_ reader: OptionReader) -> BedrockEmbedderOptions {
        var options = BedrockEmbedderOptions()
        options.family = reader.choice("family", BedrockEmbedderOptions.Family.allCases.map { ($0.rawValue, $0) })
        options.dimensions = reader.integer("dimensions", 1...65_536)
        if let value = reader.flag("normalizes") { options.normalizes = value }
        options.truncation = reader.choice("truncation", [("none", .none), ("start", .start), ("end", .end)]) ?? options.truncation
        if let value = reader.integer("concurrency", 1...64) { options.concurrency = value }
        return options
    }
}
