public import Millrace
public import MillraceCore

/// An HTTP API that generates text, described by values: a template of the request, and paths into the answer.
///
/// ```swift
/// let api = try CustomAPI(
///     id: "house", url: "https://llm.example.com/generate", model: "house-7b",
///     headers: [CustomHeader("X-Api-Key", credential: key)],
///     body: RequestTemplate(["model": "{{model}}", "input": "{{messages}}", "limit": "{{max_tokens}}"]),
///     response: CustomAPI.Response(text: JSONPath("$.delta.text"), stopReason: JSONPath("$.finish"), completion: .stopReason))
/// ```
/// It takes text only: a request with tools or an output schema is a ``ErrorCode/modelError``, so that a fallback can ask another model.
/// ``ModelRequest/extra`` goes into the body's top level, over what the template gives.
public struct CustomAPI: CustomModelAdapter {
    /// What the answer looks like.
    public struct Response: Equatable, Sendable {
        /// How the answer comes.
        public var format: CustomResponseFormat
        /// Where the text is; all strings that it finds are joined.
        public var text: JSONPath
        /// Where the number of the prompt's tokens is, cached ones included.
        public var promptTokens: JSONPath?
        /// Where the number of the answer's tokens is.
        public var completionTokens: JSONPath?
        /// Where the number of the prompt's tokens is that came from a cache.
        public var cachedPromptTokens: JSONPath?
        /// Where the stop reason is.
        public var stopReason: JSONPath?
        /// What the API's stop reasons mean, beside those that are common.
        public var stopReasons: [String: StopReason]
        /// Where the message of an error is; a value that has something there is an error.
        public var error: JSONPath?
        /// The text that ends an answer, such as `[DONE]`.
        public var doneMarker: String?
        /// What shows that the answer is whole.
        public var completion: CustomCompletion

        /// Describes an answer.
        public init(
            format: CustomResponseFormat = .serverSentEvents, text: JSONPath, promptTokens: JSONPath? = nil,
            completionTokens: JSONPath? = nil, cachedPromptTokens: JSONPath? = nil, stopReason: JSONPath? = nil,
            stopReasons: [String: StopReason] = [:], error: JSONPath? = nil, doneMarker: String? = nil,
            completion: CustomCompletion = .endOfBody
        ) {
            self.format = format
            self.text = text
            self.promptTokens = promptTokens
            self.completionTokens = completionTokens
            self.cachedPromptTokens = cachedPromptTokens
            self.stopReason = stopReason
            self.stopReasons = stopReasons
            self.error = error
            self.doneMarker = doneMarker
            self.completion = completion
        }
    }

    /// The id by which requests choose the model.
    public let id: String
    /// The URL with the model's name filled in.
    public let url: String
    /// The method.
    public let method: String
    /// Fields beside `Content-Type`.
    public let headers: [CustomHeader]
    private let model: String?
    private let template: RequestTemplate
    private let response: Response

    /// Describes an API.
    /// - Parameters:
    ///   - id: the id by which requests choose the model.
    ///   - url: an absolute URL; `{{model}}` in it becomes the model's name, percent-encoded.
    ///   - method: `POST`, `PUT` or `PATCH` (default: `POST`).
    ///   - model: the model's name at the API, for `{{model}}` (default: it has none).
    /// - Throws: ``ErrorCode/configuration`` for a URL with an unknown placeholder, or with `{{model}}` and no model.
    public init(
        id: String, url: String, method: String = "POST", model: String? = nil, headers: [CustomHeader] = [], body: RequestTemplate,
        response: Response
    ) throws(MillraceError) {
        self.id = id
        self.method = method
        self.model = model
        self.headers = headers
        template = body
        self.response = response
        let pieces = try TextTemplate.pieces(url, "the URL of the model '\(id)'", known: ["model"])
        if model == nil, pieces.contains(.placeholder("model")) {
            throw MillraceError(.configuration, "the URL of the model '\(id)' asks for {{model}}, and no model is given")
        }
        self.url = TextTemplate.fill(pieces) { _ in Self.percentEncoded(model ?? "") }
    }

    /// The model's name at the API; the id where it has none.
    public var modelName: String { model ?? id }
    /// How the answer comes.
    public var format: CustomResponseFormat { response.format }
    /// The text that ends an answer.
    public var doneMarker: String? { response.doneMarker }
    /// What shows that the answer is whole.
    public var completion: CustomCompletion { response.completion }

    /// The template, filled in.
    /// - Throws: ``ErrorCode/modelError`` for a request with tools or an output schema.
    public func body(for request: ModelRequest) throws -> JSONValue {
        for (isAsked, what) in [(!request.tools.isEmpty, "call tools"), (request.outputSchema != nil, "follow an output schema")]
        where isAsked {
            throw MillraceError(.modelError, "the model '\(id)' cannot \(what): choose another model")
        }
        let body = template.body(for: request, model: model)
        guard let members = body.object, !request.extra.isEmpty else { return body }
        return .object(members.merging(request.extra) { _, extra in extra })
    }

    /// The text, and then the usage.
    /// - Throws: ``ErrorCode/modelError`` where the text's path finds something other than strings.
    public func events(in payload: JSONValue) throws -> [ModelEvent] {
        var text = ""
        for value in response.text.values(in: payload) where !value.isNull {
            guard let piece = value.string else {
                throw MillraceError(
                    .modelError, "the answer of the model '\(id)' has a \(value.kindName) at \(response.text), where its text should be")
            }
            text += piece
        }
        var events: [ModelEvent] = text.isEmpty ? [] : [.text(text)]
        let usage = Usage(
            promptTokens: count(response.promptTokens, payload), completionTokens: count(response.completionTokens, payload),
            cachedPromptTokens: count(response.cachedPromptTokens, payload))
        if usage != .unknown { events.append(.usage(usage)) }
        return events
    }

    private func count(_ path: JSONPath?, _ payload: JSONValue) -> Int? {
        guard let value = path?.first(in: payload) else { return nil }
        guard let count = value.integer ?? value.double.flatMap({ Int(exactly: $0) }), count >= 0 else { return nil }
        return count
    }

    /// What the stop reason's path finds, as the mapping or common use has it.
    public func stopReason(in payload: JSONValue) throws -> StopReason? {
        guard let found = response.stopReason?.first(in: payload) else { return nil }
        // Some APIs say `"done": false` until they say `true`.
        if let flag = found.bool { return response.stopReasons["\(flag)"] ?? (flag ? .endTurn : nil) }
        let name = found.string ?? found.text
        if name.isEmpty { return nil }
        return response.stopReasons[name] ?? Self.commonStopReasons[name.lowercased()] ?? StopReason(rawValue: name)
    }

    private static let commonStopReasons: [String: StopReason] = [
        "stop": .endTurn, "end_turn": .endTurn, "eos": .endTurn, "eos_token": .endTurn, "complete": .endTurn, "completed": .endTurn,
        "finished": .endTurn, "length": .maxTokens, "max_tokens": .maxTokens, "max_length": .maxTokens, "stop_sequence": .stopSequence,
        "content_filter": .contentFilter, "safety": .contentFilter,
    ]

    /// What the error's path finds.
    public func errorMessage(in payload: JSONValue) -> String? {
        response.error?.first(in: payload).map { $0.string ?? $0.text }
    }

    /// All but unreserved characters (RFC 3986, sections 2.1 and 2.3).
    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded = ByteBuffer()
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: encoded.append(byte: byte)
            default:
                encoded.append("%")
                encoded.append(byte: digits[Int(byte >> 4)])
                encoded.append(byte: digits[Int(byte & 15)])
            }
        }
        return encoded.string
    }
}
