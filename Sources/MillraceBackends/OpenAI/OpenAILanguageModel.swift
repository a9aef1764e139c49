public import Millrace
import MillraceCore
import MillraceHTTPClient

/// A model behind OpenAI's chat completions API: at OpenAI, or any server that speaks it (vLLM, llama.cpp, Ollama, LM Studio, OpenRouter,
/// DeepSeek and others).
///
/// - The request: the system prompt and the turns become messages, documents stand in the last user message between tags, tools are
///   functions, an output schema is the `response_format`. ``ModelRequest/extra`` is merged over the body (`tool_choice`,
///   `reasoning_effort`, `seed` and so on); it may not replace `model`, `messages` or `stream`, and a member that is `null` is taken out.
/// - The answer: text and reasoning stream as they come, under whichever name the server gives them; tool calls follow whole at the end;
///   web citations, token counts and OpenRouter's cost are told. A refusal is text, with the stop reason `refusal`. A stream that ends
///   before the server said why the model stopped is an error, never an answer.
/// - A server that answers with one JSON object, although it was asked to stream, is understood as well.
public struct OpenAILanguageModel: LanguageModel {
    /// The id by which requests choose this model.
    public let id: String
    /// The model's name at the server, such as `gpt-5-mini`.
    public let model: String
    /// How the server is spoken to.
    public let options: OpenAIOptions
    private let server: OpenAIServer

    /// Whether pictures are sent, as the options say.
    public var seesImages: Bool { options.seesImages }

    /// Creates a model.
    /// - Parameters:
    ///   - id: the id by which requests choose it (default: the model's name at the server).
    ///   - model: the model's name at the server.
    ///   - endpoint: where the API is, such as `https://api.openai.com/v1`.
    ///   - options: how the server is spoken to.
    package init(id: String? = nil, model: String, endpoint: ModelEndpoint, options: OpenAIOptions = OpenAIOptions()) {
        self.id = id ?? model
        self.model = model
        self.options = options
        server = OpenAIServer(endpoint, headers: options.headers, organization: options.organization, project: options.project)
    }

    /// Creates a model in code; a server's configuration makes them under `models:`.
    /// - Parameters:
    ///   - id: the id by which requests choose it (default: the model's name at the server).
    ///   - model: the model's name at the server, such as `gpt-5-mini`.
    ///   - url: the API's base (default: OpenAI's own).
    ///   - apiKey: the key; `nil` for servers that ask for none.
    ///   - options: how the server is spoken to.
    public init(
        id: String? = nil, model: String, url: String = "https://api.openai.com/v1", apiKey: Credential? = nil,
        options: OpenAIOptions = OpenAIOptions()
    ) {
        self.init(id: id, model: model, endpoint: ModelEndpoint(url: url, credential: apiKey), options: options)
    }

    /// The ids of the models that the server offers, for asking whether it is there and knows ``model``.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError``: unreachable, refused, or no list of models.
    public func listModels() async throws -> [String] { try await server.listModels() }

    /// Generates one answer.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError`` for a refused, failed or truncated answer, `isRetryable` where another
    ///   attempt can help; with ``ErrorCode/invalidInput`` for a request that cannot be said to the API; what `receive` throws;
    ///   `CancellationError`.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        try Task.checkCancellation()
        let field: OpenAIOptions.MaxTokensField = server.name == "api.openai.com" ? .maxCompletionTokens : .maxTokens
        let body = try ChatCompletionRequest(request, model: model, options: options, defaultMaxTokensField: field).json
        var decoder = ChatCompletionDecoder(modelID: model, provider: server.name)
        var reported = Usage.unknown
        var receiverError: (any Error)?
        /// Hands on an event, and remembers that it is the receiver's own error that ends the call.
        func hand(_ event: ModelEvent) async throws {
            try Task.checkCancellation()
            if case .usage(let usage) = event { reported = usage }
            do { try await receive(event) } catch {
                receiverError = error
                throw error
            }
        }
        do {
            return try await server.call("/chat/completions", body) { response in
                switch try format(of: response) {
                case .json:
                    for event in try decoder.receive(completion: try await server.json(response, limit: 4 << 20)) { try await hand(event) }
                case .eventStream:
                    try await response.forEachServerSentEvent { message in
                        if let text = decoder.receive(text: message.data) {
                            // As `hand` does, without a frame and an array for every token.
                            try Task.checkCancellation()
                            do { if !text.isEmpty { try await receive(.text(text)) } } catch {
                                receiverError = error
                                throw error
                            }
                            return true
                        }
                        for event in try decoder.receive(whole: message.data) { try await hand(event) }
                        return !decoder.isDone
                    }
                }
                let (calls, end) = try decoder.finish()
                for call in calls { try await hand(.toolCall(call)) }
                return end
            }
        } catch {
            // What the server counted is spent, also by a chunk that ended the call.
            if receiverError == nil, decoder.usage != reported { try? await receive(.usage(decoder.usage)) }
            throw receiverError ?? error
        }
    }

    private enum Format { case eventStream, json }

    private func format(of response: any HTTPResponseStream) throws(MillraceError) -> Format {
        let type = response.headers["content-type"]?.prefix { $0 != ";" }.lowercased().filter { $0 != " " } ?? ""
        switch type {
        case "application/json": return .json
        // What some proxies and small servers say of an event stream.
        case "text/event-stream", "", "text/plain", "application/octet-stream": return .eventStream
        default:
            throw MillraceError(
                .modelError, "the model's server \(server.name) answered with \(type) in place of an event stream: check the URL",
                details: ["content_type": .string(type)])
        }
    }
}
