import Millrace
public import MillraceCore

extension CustomAPI {
    /// Reads a description from configuration.
    ///
    /// ```yaml
    /// url: https://llm.example.com/generate
    /// model: house-7b
    /// headers: { X-Api-Key: "{{credential}}" }
    /// body: { model: "{{model}}", input: "{{messages}}", limit: "{{max_tokens}}" }
    /// response: { format: json_lines, text: $.delta.text, stopReason: $.finish, completeWhen: stop_reason }
    /// ```
    /// Other members: `method`; in `response` `promptTokens`, `completionTokens`, `cachedPromptTokens`, `error` (paths), `stopReasons` (names
    /// to names), `doneMarker`. Without `completeWhen`, a given `doneMarker` must be seen, else a given `stopReason`, else the body's end.
    /// - Parameters:
    ///   - id: the id by which requests choose the model.
    ///   - credential: what `{{credential}}` in a header's value stands for (default: none).
    /// - Throws: ``ErrorCode/configuration`` that lists everything that is wrong.
    public init(id: String, configuration: JSONValue, credential: Credential? = nil) throws(MillraceError) {
        var reader = ConfigurationReader(configuration, "")
        let url = reader.text("url", isRequired: true) ?? ""
        let method = reader.text("method") ?? "POST"
        let model = reader.text("model")
        var headers: [CustomHeader] = []
        for (name, template) in reader.texts("headers").sorted(by: { $0.key < $1.key }) {
            let header = reader.attempt { () throws(MillraceError) in try CustomHeader(name, template: template, credential: credential) }
            if let header { headers.append(header) }
        }
        let body: RequestTemplate? = reader.value("body", isRequired: true).flatMap { value in
            reader.attempt { () throws(MillraceError) in try RequestTemplate(value) }
        }
        let response = reader.value("response", isRequired: true).flatMap { value in
            var nested = ConfigurationReader(value, "response.")
            defer { reader.problems += nested.problems }
            return Response(&nested)
        }
        reader.refuseOthers()
        guard reader.problems.isEmpty, let body, let response else {
            throw MillraceError(.configuration, "the model '\(id)' is not configured well: \(reader.problems.joined(separator: "; "))")
        }
        try self.init(id: id, url: url, method: method, model: model, headers: headers, body: body, response: response)
    }
}

extension CustomAPI.Response {
    fileprivate init?(_ reader: inout ConfigurationReader) {
        func path(_ name: String, isRequired: Bool = false, _ reader: inout ConfigurationReader) -> JSONPath? {
            guard let text = reader.text(name, isRequired: isRequired) else { return nil }
            return reader.attempt { () throws(MillraceError) in try JSONPath(text) }
        }
        let text = path("text", isRequired: true, &reader)
        let (stopReason, doneMarker) = (path("stopReason", &reader), reader.text("doneMarker"))
        let natural: CustomCompletion = doneMarker != nil ? .doneMarker : stopReason != nil ? .stopReason : .endOfBody
        let format = reader.choice("format", among: CustomResponseFormat.allCases) ?? .serverSentEvents
        let completion = reader.choice("completeWhen", among: CustomCompletion.allCases) ?? natural
        let stopReasons = reader.texts("stopReasons").mapValues { StopReason(rawValue: $0) }
        let (prompt, completionTokens) = (path("promptTokens", &reader), path("completionTokens", &reader))
        let (cached, error) = (path("cachedPromptTokens", &reader), path("error", &reader))
        reader.refuseOthers()
        guard let text else { return nil }
        self.init(
            format: format, text: text, promptTokens: prompt, completionTokens: completionTokens, cachedPromptTokens: cached,
            stopReason: stopReason, stopReasons: stopReasons, error: error, doneMarker: doneMarker, completion: completion)
    }
}

extension CustomHeader {
    /// A field whose value may hold `{{credential}}`, once.
    fileprivate init(_ name: String, template: String, credential: Credential?) throws(MillraceError) {
        let pieces = try TextTemplate.pieces(template, "the header '\(name)'", known: ["credential"])
        let places = pieces.indices.filter { pieces[$0] == .placeholder("credential") }
        guard let place = places.first else {
            self.init(name, template)
            return
        }
        guard places.count == 1 else {
            throw MillraceError(.configuration, "the header '\(name)' has {{credential}} more than once")
        }
        guard let credential else {
            throw MillraceError(.configuration, "the header '\(name)' asks for {{credential}}, and none is configured")
        }
        func text(_ pieces: ArraySlice<TextTemplate.Piece>) -> String { TextTemplate.fill(Array(pieces)) { _ in "" } }
        self.init(name, prefix: text(pieces[..<place]), credential: credential, suffix: text(pieces[(place + 1)...]))
    }
}

/// Reads the members of a configuration object and collects what is wrong.
private struct ConfigurationReader {
    private let members: [String: JSONValue]
    private let path: String
    private var known: Set<String> = []
    var problems: [String] = []

    init(_ value: JSONValue, _ path: String) {
        self.path = path
        members = value.object ?? [:]
        if value.object == nil {
            problems.append("\(path.isEmpty ? "it" : String(path.dropLast())) must be an object, not a \(value.kindName)")
        }
    }

    mutating func value(_ name: String, isRequired: Bool = false) -> JSONValue? {
        known.insert(name)
        let value = members[name].flatMap { $0.isNull ? JSONValue?.none : $0 }
        if value == nil, isRequired { problems.append("\(path)\(name) is missing") }
        return value
    }

    mutating func text(_ name: String, isRequired: Bool = false) -> String? {
        guard let value = value(name, isRequired: isRequired) else { return nil }
        guard let text = value.string, !text.isEmpty else {
            problems.append("\(path)\(name) must be a text\(value.string == nil ? ", not a \(value.kindName)" : " that is not empty")")
            return nil
        }
        return text
    }

    mutating func texts(_ name: String) -> [String: String] {
        guard let value = value(name) else { return [:] }
        guard let members = value.object, members.values.allSatisfy({ $0.string != nil }) else {
            problems.append("\(path)\(name) must be an object of texts")
            return [:]
        }
        return members.compactMapValues(\.string)
    }

    mutating func choice<Choice: RawRepresentable<String>>(_ name: String, among all: [Choice]) -> Choice? {
        guard let text = text(name) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let meant = Suggestion.phrase(for: text, among: all.map(\.rawValue))
        problems.append(
            "\(path)\(name) is '\(text)'\(meant.isEmpty ? ";" : meant) known are \(all.map(\.rawValue).joined(separator: ", "))")
        return nil
    }

    mutating func attempt<Value>(_ make: () throws(MillraceError) -> Value) -> Value? {
        do { return try make() } catch {
            problems.append(error.message)
            return nil
        }
    }

    /// What was not asked for is not known.
    mutating func refuseOthers() {
        for name in members.keys.sorted() where !known.contains(name) {
            problems.append("\(path)\(name) is not known\(Suggestion.phrase(for: name, among: known.sorted()))")
        }
    }
}
