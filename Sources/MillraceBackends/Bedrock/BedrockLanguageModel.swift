public import Millrace
package import MillraceAWS
import MillraceCore

/// A model of Amazon Bedrock, asked by the Converse API: Claude, Nova, Llama, Mistral, DeepSeek and others.
///
/// Source: `ConverseStream`, `Converse` and `CountTokens`, Amazon Bedrock API Reference.
///
/// - A request's documents go as blocks that the model cites, where it can (``BedrockOptions/citesDocuments``); else as text in the prompt.
/// - Reasoning comes with its signature; a handler that calls tools must hand it back with the calls.
/// - `extra` may hold members of the API's request (`system`, `toolConfig`, `guardrailConfig`, `promptVariables`, `serviceTier` and others),
///   `toolChoice`, and of the inference parameters `topP`; all other names are the model's own, such as `top_k`, and go into
///   `additionalModelRequestFields`. `inferenceConfig`, `outputConfig` and `additionalModelRequestFields` are merged with ours; `messages` and
///   `modelId` are refused. A member that is `null` is taken out.
/// - Prompt tokens include what was written to and read from the service's cache. A call that fails or is cancelled before its figures came
///   reports an estimate of the answer's tokens, and nothing of the prompt's; so does an answer that is whole and whose figures never came.
/// - A guardrail that steps in ends the answer with ``StopReason/guardrail``, behind the guardrail's own text. `content_filtered` is
///   ``StopReason/contentFilter``; `model_context_window_exceeded` and unknown reasons keep the API's names; `malformed_model_output` and
///   `malformed_tool_use` are errors.
/// - The guardrail that is stored for a handler goes with the calls of its runs where it is said to be `inline` (``ModelGuardrail``). Of
/// its   trace only `handler_guardrail` is told, `blocked` or `masked`; an answer that it only masked ends as any other.
/// - ``ModelResponse/providerMetadata`` may hold `guardrail` (its trace, which quotes what it found), `latency_ms`, `latency`,
///   `service_tier` and `additional_model_response_fields`, each as the service gives it.
public struct BedrockLanguageModel: LanguageModel {
    /// The id by which requests choose this model.
    public let id: String
    /// The model's id at Bedrock, or that of an inference profile, or an ARN.
    public let model: String
    /// How the model is asked.
    public let options: BedrockOptions
    /// As ``BedrockOptions/seesImages`` says.
    public var seesImages: Bool { options.seesImages }

    let client: BedrockRuntimeClient
    /// The server's name, for errors.
    let server: String
    /// Whether the model is asked where the handlers' guardrails are.
    let takesHandlersGuardrail: Bool

    /// Creates the model.
    /// - Parameters:
    ///   - id: the id by which requests choose it (default: the model's id at Bedrock).
    ///   - model: the model's id at Bedrock, such as `eu.anthropic.claude-sonnet-4-5-20250929-v1:0`, or the ARN of an inference profile, a
    ///     prompt, a provisioned or an imported model.
    ///   - client: the client of a region.
    ///   - region: the region's name, for errors.
    ///   - options: how the model is asked.
    ///   - takesHandlersGuardrail: whether calls carry ``ModelGuardrail/current``, unless the model has a guardrail of its own or the
    /// request     says which (default: they do not, for a guardrail is known in its own region and account only).
    package init(
        id: String? = nil, model: String, client: BedrockRuntimeClient, region: String, options: BedrockOptions = BedrockOptions(),
        takesHandlersGuardrail: Bool = false
    ) {
        self.takesHandlersGuardrail = takesHandlersGuardrail
        self.id = id ?? model
        self.model = model
        self.client = client
        self.options = options
        server = "Bedrock in \(region)"
    }

    /// Generates one answer.
    /// - Throws: ``ErrorCode/invalidInput`` for a request that the API is known to refuse; ``ErrorCode/modelError`` for a refused, failed
    ///   or truncated answer, `isRetryable` where another attempt can help; `CancellationError`; what `receive` throws.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        try Task.checkCancellation()
        let guardrail = handlersGuardrail(for: request)
        let encoded = try ConverseRequest(request, model: model, options: options.adding(guardrail))
        /// What is said before the first text.
        var judged = guardrail.flatMap { $0.isAsync ? nil : ModelEvent.judged($0) }
        var decoder = ConverseDecoder(encoded, model: model, server: server)
        var receiverError: (any Error)?
        var reported: Usage?
        /// Hands events on, and remembers that it is the receiver's own error that ends the call.
        func hand(_ events: [ModelEvent]) async throws {
            for event in events {
                try Task.checkCancellation()
                if case .usage(let usage) = event { reported = usage }
                do {
                    if case .text = event, let saying = judged.take() { try await receive(saying) }
                    try await receive(event)
                } catch {
                    receiverError = error
                    throw error
                }
            }
        }
        do {
            do {
                if options.streaming {
                    try await client.converseStream(modelID: model, .object(encoded.body)) { event in
                        try await hand(try decoder.receive(event))
                    }
                } else {
                    let answer = try await client.converse(modelID: model, .object(encoded.body))
                    try await hand(try decoder.receive(converse: answer))
                }
            } catch  where decoder.hasStopped && receiverError == nil && !Task.isCancelled && !(error is CancellationError) {
                // The answer is whole; what a connection does afterwards costs the figures that were to follow, and cannot spoil it.
            }
            var response = try decoder.finish()
            if guardrail != nil { response.tellHandlersGuardrail() }
            if reported == nil { try await hand([.usage(response.usage)]) }
            return response
        } catch {
            // What was streamed was consumed, whoever stopped it; the first error is the one that counts.
            if let consumed = decoder.consumed, consumed != reported { try? await receive(.usage(consumed)) }
            throw receiverError ?? BedrockFailure.failure(error, asking: .model(model), server: server)
        }
    }

    /// The stored guardrail, where this call can carry it: a call has one, and who has named one meant it.
    private func handlersGuardrail(for request: ModelRequest) -> ModelGuardrail? {
        guard takesHandlersGuardrail, options.guardrail == nil, request.extra["guardrailConfig"] == nil else { return nil }
        return ModelGuardrail.current
    }

    /// How many tokens a request's prompt has by the model's own count, which is free of charge. Not every model can count.
    ///
    /// The service counts for models and takes no inference profiles, so the region's prefix of a profile's id is left out.
    /// - Throws: as ``generate(_:receive:)``.
    public func countTokens(_ request: ModelRequest) async throws -> Int {
        let encoded = try ConverseRequest(request, model: model, options: options)
        do {
            return try await client.countTokens(modelID: Self.foundationModel(model), encoded.tokenCountBody)
        } catch {
            throw BedrockFailure.failure(error, asking: .model(model), server: server)
        }
    }

    /// `eu.anthropic.claude-…` is the profile of `anthropic.claude-…`.
    package static func foundationModel(_ id: String) -> String {
        guard let dot = id.firstIndex(of: "."), id.prefix(4) != "arn:" else { return id }
        let areas: Set = ["us", "us-gov", "eu", "apac", "au", "jp", "ca", "sa", "me", "af", "il", "global"]
        return areas.contains(String(id[..<dot])) ? String(id[id.index(after: dot)...]) : id
    }
}

extension BedrockOptions {
    /// The options with a guardrail that is stored for a handler.
    fileprivate func adding(_ stored: ModelGuardrail?) -> BedrockOptions {
        guard let stored else { return self }
        var options = self
        // The trace tells what was blocked from what was masked; the stop reason is the same.
        options.guardrail = Guardrail(identifier: stored.identifier, version: stored.version)
        options.guardrail?.streamProcessingMode = stored.isAsync ? .async : .sync
        return options
    }
}

extension ModelResponse {
    /// Says what the stored guardrail did, without its trace, which quotes what it found.
    fileprivate mutating func tellHandlersGuardrail() {
        let trace = providerMetadata.removeValue(forKey: "guardrail")
        guard stopReason == .guardrail else { return }
        let isMasked = GuardrailVerdict(action: .intervened, assessments: trace.map { [$0] } ?? []).isMaskedOnly
        providerMetadata[Self.handlersGuardrail] = .string(isMasked ? "masked" : Self.guardrailBlocked)
        if isMasked { stopReason = .endTurn }
    }
}
