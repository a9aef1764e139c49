public import MillraceCore
import MillraceHTTPClient

/// A client of Amazon Bedrock Runtime: models, and guardrails.
///
/// Requests and answers are the API's own JSON. Every call may be sent again by the client's retry policy as long as nothing of an answer has
/// come: a model that is asked twice has cost twice and done nothing else. Cancelling the calling task ends a call, and its connection, at
/// once.
///
/// All operations throw ``AWSServiceError`` for what the service refuses; ``MillraceError`` with `unreachable`, `connection_lost`, `timeout` or
/// `limit_exceeded` for what fails on the way, and `corrupted_response` for an answer that is not as the service sends it; and
/// `CancellationError`.
///
/// Source: Amazon Bedrock API Reference, "Amazon Bedrock Runtime".
public struct BedrockRuntimeClient: Sendable {
    let client: AWSServiceClient

    /// - Parameter client: of ``AWSService/bedrockRuntime``, with a signature or a bearer token for authentication.
    package init(_ client: AWSServiceClient) { self.client = client }

    /// Asks a model for an answer (`Converse`).
    /// - Parameters:
    ///   - modelID: a model's id, or the ARN or id of an inference profile, a prompt, a provisioned or an imported model.
    ///   - body: the request's members, such as `messages`, `system`, `inferenceConfig` and `toolConfig`.
    /// - Returns: the response's members: `output`, `stopReason`, `usage`, `metrics` and others.
    /// - Throws: as the type says. An answer may have 16 MiB.
    public func converse(modelID: String, _ body: JSONValue) async throws -> JSONValue {
        try await answer(try request("model", modelID, "converse", body))
    }

    /// Asks a model for an answer and hands on its events as they arrive (`ConverseStream`).
    ///
    /// A failure may come after events. The stream is read to its end, also behind `metadata`, so that its connection can be used again.
    /// - Parameters:
    ///   - modelID: as for ``converse(modelID:_:)``.
    ///   - body: the request's members.
    ///   - receive: takes the events, in order; what it throws ends the call.
    /// - Throws: as the type says. An exception within the stream has the status 200 and the code of its shape, such as
    ///   `ThrottlingException`; `details` of a `ModelStreamErrorException` say `originalStatusCode` and `originalMessage`.
    public func converseStream(
        modelID: String, _ body: JSONValue, _ receive: (BedrockStreamEvent) async throws -> Void
    ) async throws {
        try await stream(try request("model", modelID, "converse-stream", body), receive)
    }

    /// Lets a guardrail judge texts and images, without a model (`ApplyGuardrail`).
    /// - Parameters:
    ///   - identifier: the guardrail's id or ARN.
    ///   - version: its version, a number or `DRAFT`.
    ///   - body: the request's members: `source` (`INPUT` or `OUTPUT`), `content`, `outputScope`.
    /// - Returns: the response's members: `action`, `outputs`, `assessments`, `usage` and others.
    /// - Throws: as the type says.
    public func applyGuardrail(identifier: String, version: String, _ body: JSONValue) async throws -> JSONValue {
        let version = try Self.segment(version, "a guardrail's version")
        return try await answer(try request("guardrail", identifier, "version/\(version)/apply", body))
    }

    /// Counts the tokens that a request would have as its input (`CountTokens`), as the model itself counts them; not every model can.
    /// - Parameters:
    ///   - modelID: the id of a foundation model; the service takes no inference profile here.
    ///   - body: the request's member `input`, which holds `converse` (the members of a request to ``converse(modelID:_:)``) or `invokeModel` (with
    ///     the `body` of ``invokeModel(modelID:body:contentType:accept:options:)`` in base64).
    /// - Throws: as the type says.
    public func countTokens(modelID: String, _ body: JSONValue) async throws -> Int {
        let answer = try await answer(try request("model", modelID, "count-tokens", body))
        guard let count = answer["inputTokens"]?.integer else {
            throw MillraceError(.corruptedResponse, "\(client.service.name) answered without the number of tokens")
        }
        return count
    }

    /// Sends a request that is answered by a stream of events.
    func stream(_ request: AWSRequest, _ receive: (BedrockStreamEvent) async throws -> Void) async throws {
        var request = request
        request.headers.add("Accept", "application/vnd.amazon.eventstream")
        let service = client.service.name
        try await client.exchange(request) { response in
            let requestID = response.headers["x-amzn-RequestId"]
            try await response.forEachEventStreamMessage(from: service) { message in
                let event: BedrockStreamEvent
                do { event = try BedrockStreamEvent(message, service: service, requestID: requestID) } catch {
                    // An exception is a stream's last message.
                    response.discardRest()
                    throw error
                }
                try await receive(event)
            }
        }
    }

    /// The whole answer as JSON.
    private func answer(_ request: AWSRequest) async throws -> JSONValue {
        do { return try await client.json(request) } catch let error as MillraceError where error.code == .invalidJSON {
            throw MillraceError(
                .corruptedResponse, "\(client.service.name) answered with something else than JSON: check its endpoint's URL", cause: error)
        }
    }

    private func request(
        _ kind: String, _ identifier: String, _ operation: String, _ body: JSONValue
    ) throws(MillraceError) -> AWSRequest {
        var request = try request(kind, identifier, operation)
        request.headers.set("Content-Type", "application/json")
        request.body = .bytes(Array(body.text.utf8))
        return request
    }

    /// A request without its body.
    /// - Parameter kind: what `identifier` names, `model` or `guardrail`.
    func request(_ kind: String, _ identifier: String, _ operation: String) throws(MillraceError) -> AWSRequest {
        var request = AWSRequest("POST", "/\(kind)/\(try Self.segment(identifier, "a \(kind)'s id"))/\(operation)")
        request.isRepeatable = true
        return request
    }

    /// A value as one segment of a path.
    private static func segment(_ value: String, _ name: String) throws(MillraceError) -> String {
        guard !value.isEmpty, value.utf8.count <= 2048, value != ".", value != ".." else {
            throw MillraceError(.invalidInput, "'\(value.prefix(100))' is not \(name): one has 1 to 2048 bytes")
        }
        return URIEncoding.encode(value)
    }
}
