import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// What entries of `models:` and `embedders:` say of servers, and of how they are spoken to.
extension ModelSettingsReader {
    // MARK: Servers

    func server(_ reader: OptionReader, url: String, _ unavailable: inout String?) -> ModelServerSettings? {
        let isGiven = reader.node("url") != nil
        let given = reader.text("url")
        var isRight = given != nil || !isGiven
        if let given, let problem = ModelServerSettings.problem(url: given) {
            reader.note("url", problem)
            isRight = false
        }
        var server = ModelServerSettings(url: given ?? url)
        readKey(reader, &server, &unavailable)
        readHeaders(reader, &server, &unavailable)
        readTimeouts(reader, &server)
        readRecording(reader, &server, &unavailable)
        return isRight ? server : nil
    }

    /// What a server has beside its URL and its headers.
    func readServer(_ reader: OptionReader, _ server: inout ModelServerSettings, _ unavailable: inout String?) {
        if let url = reader.text("url") { server.url = url }
        readKey(reader, &server, &unavailable)
        readTimeouts(reader, &server)
        readRecording(reader, &server, &unavailable)
    }

    private func readKey(_ reader: OptionReader, _ server: inout ModelServerSettings, _ unavailable: inout String?) {
        guard let text = reader.text("apiKey") else { return }
        if case .stored(let name)? = SecretReference(text) {
            server.storedKey = name
        } else {
            server.apiKey = secret(text, reader, "apiKey", &unavailable)
        }
    }

    private func readHeaders(_ reader: OptionReader, _ server: inout ModelServerSettings, _ unavailable: inout String?) {
        guard let headers = reader.group("headers") else { return }
        for name in headers.names {
            guard HTTPFieldSyntax.isName(name) else {
                headers.note(name, "is no name of a header field: letters, digits and -")
                continue
            }
            guard let value = headers.text(name) else { continue }
            if SecretReference(value) != nil || SecretMask.isSecretHeader(name) {
                server.headers[name] = secret(value, headers, name, &unavailable)
            } else if HTTPFieldSyntax.isValue(value) {
                server.headers[name] = SecretText(value)
            } else {
                headers.note(name, "holds a line break or another control character")
            }
        }
    }

    private func readTimeouts(_ reader: OptionReader, _ server: inout ModelServerSettings) {
        for (name, path) in [
            ("connectTimeoutSeconds", \ModelServerSettings.connectTimeoutSeconds),
            ("firstByteTimeoutSeconds", \ModelServerSettings.firstByteTimeoutSeconds),
            ("idleTimeoutSeconds", \ModelServerSettings.idleTimeoutSeconds),
        ] {
            if let value = reader.number(name, 0.001...86_400, "a number of seconds from 0.001 to 86400") { server[keyPath: path] = value }
        }
    }

    private func readRecording(_ reader: OptionReader, _ server: inout ModelServerSettings, _ unavailable: inout String?) {
        server.recordDirectory = reader.text("record").map(path)
        server.replayDirectory = reader.text("replay").map(path)
        if server.recordDirectory != nil, server.replayDirectory != nil {
            reader.note("replay", "a model is recorded or replayed, not both: keep one of 'record' and 'replay'")
        }
        if let directory = server.recordDirectory, let first = reader.findings.recordings.updateValue(reader.key, forKey: directory) {
            reader.note("record", "\(first) is recorded there too: each needs a directory of its own")
        }
        // A recording needs no key.
        if server.replayDirectory != nil { unavailable = nil }
    }

    private func path(_ name: String) -> String { name.hasPrefix("/") || directory == "." ? name : directory + "/" + name }

    private func secret(_ text: String, _ reader: OptionReader, _ name: String, _ unavailable: inout String?) -> SecretText? {
        guard let reference = SecretReference(text) else {
            reader.note(name, "expected where the secret is, env:NAME, file:PATH or secret:NAME, for secrets do not belong into this file")
            return nil
        }
        do throws(MillraceError) { return try reference.resolve(in: directory, environment: environment) } catch {
            unavailable = unavailable ?? error.message
            return nil
        }
    }

    // MARK: Providers

    func openAI(_ reader: OptionReader) -> OpenAIOptions {
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

    func anthropic(_ reader: OptionReader) -> AnthropicOptions {
        var options = AnthropicOptions()
        if let value = reader.integer("maxTokens", 1...10_000_000) { options.defaultMaxTokens = value }
        if let value: AnthropicOptions.Thinking = reader.choice(
            "thinking", [("default", .modelDefault), ("disabled", .disabled), ("adaptive", .adaptive)])
        {
            options.thinking = value
        }
        if let tokens = reader.integer("thinkingTokens", 1024...10_000_000) {
            if reader.node("thinking") != nil { reader.note("thinkingTokens", "is a way of thinking of its own: leave 'thinking' out") }
            options.thinking = .budget(tokens: tokens)
        }
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
    func custom(_ id: String, _ reader: OptionReader, _ unavailable: inout String?) -> ModelSettings.Kind? {
        var members: [String: JSONValue] = [:]
        for name in ["url", "method", "model", "headers", "body", "response"] { members[name] = reader.node(name)?.json }
        var server = ModelServerSettings(url: members["url"]?.string ?? "")
        readKey(reader, &server, &unavailable)
        readTimeouts(reader, &server)
        readRecording(reader, &server, &unavailable)
        var isRight = checkCustomHeaders(reader)
        if let problem = members["url"]?.string.flatMap({ ModelServerSettings.problem(url: $0, isBase: false) }) {
            reader.note("url", problem)
            isRight = false
        }
        guard isRight else { return nil }
        let stand = reader.names.contains("apiKey") ? Credential("a key that is not read here") : nil
        do throws(MillraceError) {
            let api = try CustomAPI(id: id, configuration: .object(members), credential: stand)
            _ = try CustomLanguageModel(api)
        } catch {
            let prefix = "the model '\(id)' is not configured well: "
            reader.note(nil, error.message.hasPrefix(prefix) ? String(error.message.dropFirst(prefix.count)) : error.message)
            return nil
        }
        return .custom(server, configuration: .object(members))
    }

    /// - Returns: whether the headers hold no secret of their own. What else is wrong with them, ``CustomAPI`` says.
    private func checkCustomHeaders(_ reader: OptionReader) -> Bool {
        guard let headers = reader.group("headers") else { return reader.node("headers") == nil }
        var isRight = true
        for name in headers.names {
            guard case .scalar(let text, _)? = headers.node(name)?.content,
                !text.contains("{{credential}}"), !text.contains("{{ credential }}"),
                SecretMask.isSecretHeader(name) || SecretReference(text) != nil
            else { continue }
            headers.note(name, "expected {{credential}}, and in apiKey where that is, for secrets do not belong into this file")
            isRight = false
        }
        return isRight
    }

    func extra(_ reader: OptionReader) -> [String: JSONValue] {
        guard let node = reader.node("extra") else { return [:] }
        guard case .object(let members) = node.json else {
            reader.note("extra", "expected a group of members for the request's body, found \(node.found)")
            return [:]
        }
        return members
    }
}

extension ModelServerSettings {
    /// What is wrong with a server's URL, if anything; nothing of the URL itself, which may hold a secret.
    /// - Parameter isBase: whether paths are appended to it.
    static func problem(url: String, isBase: Bool = true) -> String? {
        let wrong = "expected an http or https URL, such as http://127.0.0.1:8080/v1"
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return wrong }
        let authority = url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.contains("@") { return "the URL must hold no credentials: give them as apiKey" }
        // libcurl forgives a third slash.
        guard !authority.isEmpty, (try? RequestTarget(url: url)) != nil else { return wrong }
        if isBase, url.contains("?") || url.contains("#") {
            return "the URL is a base that paths are appended to: leave its query out"
        }
        let query = url.drop { $0 != "?" }.dropFirst().prefix { $0 != "#" }
        let names = query.split(separator: "&").map { $0.prefix { $0 != "=" } }
        if let name = names.first(where: { $0.lowercased() == "key" || SecretMask.isSecretName(String($0)) }) {
            return "the URL holds a secret in its query ('\(name)'): send it in a header, with {{credential}}"
        }
        return nil
    }
}

/// What header fields may look like.
enum HTTPFieldSyntax {
    /// RFC 9110, section 5.6.2.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }

    /// RFC 9110, section 5.5, without control characters.
    static func isValue(_ value: String) -> Bool { value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }
}
