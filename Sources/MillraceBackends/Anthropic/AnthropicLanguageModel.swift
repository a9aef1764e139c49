public import Millrace
import MillraceCore
package import MillraceHTTPClient

/// A model behind Anthropic's Messages API: Claude at `api.anthropic.com`, or another server that speaks the API.
///
/// Source: <https://platform.claude.com/docs/en/api/messages>, version 2023-06-01.
///
/// - A request's documents go as document blocks, and what the model cites comes as citations that name their ids.
/// - Reasoning comes with its signature; a handler that calls tools must hand it back with the calls.
/// - `extra` goes into the request's JSON as it is (`tool_choice`, `top_k`, `metadata`, `service_tier`, tools that run at the provider);
///   `output_config` is merged with ours, other members replace ours. `stream`, `messages` and `model` are refused.
/// - Prompt tokens include what was written to and read from the provider's cache. A call that fails or is cancelled reports the prompt's
///   tokens as the provider counted them and an estimate of the answer's.
/// - The stop reasons `pause_turn` and `model_context_window_exceeded` keep the API's names; `refusal` is ``StopReason/contentFilter``.
public struct AnthropicLanguageModel: LanguageModel {
    /// The id by which requests choose this model.
    public let id: String
    /// As ``AnthropicOptions/seesImages`` says.
    public var seesImages: Bool { options.seesImages }

    /// Where Anthropic's own API is.
    package static let defaultURL = "https://api.anthropic.com"
    private static let version = "2023-06-01"

    let model: String
    let options: AnthropicOptions
    let endpoint: ModelEndpoint
    /// The server's name, for errors.
    let server: String

    /// Creates the model.
    /// - Parameters:
    ///   - id: the id by which requests choose it.
    ///   - model: the model's name at the provider, such as `claude-opus-5`.
    ///   - options: how it is asked.
    ///   - endpoint: the server, as ``endpoint(url:credential:transport:)`` makes it; the base URL may end with `/v1`.
    package init(id: String, model: String, options: AnthropicOptions = AnthropicOptions(), endpoint: ModelEndpoint) {
        self.id = id
        self.model = model
        self.options = options
        var endpoint = endpoint
        if endpoint.url.hasSuffix("/v1") { endpoint.url.removeLast(3) }
        if endpoint.headers["anthropic-version"] == nil { endpoint.headers.set("anthropic-version", Self.version) }
        if !options.betas.isEmpty { endpoint.headers.set("anthropic-beta", options.betas.joined(separator: ",")) }
        self.endpoint = endpoint
        server = (try? RequestTarget(url: endpoint.url))?.host ?? endpoint.url
    }

    /// Creates a model in code; a server's configuration makes them under `models:`.
    /// - Parameters:
    ///   - id: the id by which requests choose it.
    ///   - model: the model's name at the provider.
    ///   - url: the API's base, with or without `/v1` (default: Anthropic's own).
    ///   - apiKey: the key, which goes into `x-api-key`.
    ///   - options: how it is asked.
    public init(
        id: String, model: String, url: String = "https://api.anthropic.com", apiKey: Credential?,
        options: AnthropicOptions = AnthropicOptions()
    ) {
        self.init(
            id: id, model: model, options: options,
            endpoint: ModelEndpoint(url: url, authorization: ("x-api-key", ""), credential: apiKey))
    }

    /// The API at `url`, whose key goes into `x-api-key`. Gateways that want a bearer token set ``ModelEndpoint/authorization``.
    package static func endpoint(
        url: String = defaultURL, credential: Credential?, transport: any HTTPTransport
    ) -> ModelEndpoint {
        ModelEndpoint(url: url, authorization: ("x-api-key", ""), credential: credential, transport: transport)
    }

    /// Generates one answer.
    /// - Throws: ``ErrorCode/invalidInput`` for a request that the API is known to refuse; ``ErrorCode/modelError`` for a refused, failed
    ///   or truncated answer, `isRetryable` where another attempt can help; `CancellationError`; what `receive` throws.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        try Task.checkCancellation()
        let encoded = try MessagesRequest(request, model: model, options: options)
        var endpoint = endpoint
        endpoint.headers.set("Accept", "text/event-stream")
        var decoder = MessagesDecoder(encoded, model: model, server: server)
        var refusal: (any Error)?
        do {
            return try await endpoint.call("/v1/messages", .object(encoded.body), explain: refused) { response in
                let requestID = response.headers["request-id"]
                if let type = response.headers["content-type"], !type.lowercased().hasPrefix("text/event-stream") {
                    throw MessagesFailure.unreadable(
                        "answered with \(type.prefix(100)) in place of a stream: check its URL", server: server, requestID: requestID)
                }
                decoder = MessagesDecoder(encoded, model: model, server: server, requestID: requestID)
                try await response.forEachServerSentEvent { message in
                    for event in try decoder.receive(message) {
                        try Task.checkCancellation()
                        do { try await receive(event) } catch {
                            refusal = error
                            throw error
                        }
                    }
                    // The answer is whole; what a server does with the connection afterwards cannot spoil it.
                    return !decoder.isComplete
                }
                return try decoder.finish()
            }
        } catch {
            // What was streamed was consumed, whoever stopped it; the first error is the one that counts.
            if let consumed = decoder.consumed { try? await receive(.usage(consumed)) }
            throw refusal ?? (error as? MillraceError)?.asModelFailure(provider: server) ?? error
        }
    }

    /// The error of a response whose status is no success.
    func refused(_ refusal: ModelEndpoint.Refusal) -> MillraceError { MessagesFailure.refused(refusal, server: server) }
}
