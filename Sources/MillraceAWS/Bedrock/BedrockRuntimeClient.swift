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
    private let client: AWSServiceClient

    /// - Parameter client: of ``AWSService/bedrockRuntime``, with a signature or a bearer token for authentication.
    package init(_ client: AWSServiceClient) { self.client = client }

    /// Asks a model for an answer (`Converse`).
    /// - Parameters:
    ///   - modelID: a model's id, or the ARN or id of an inference profile, a prompt, a provisioned or an imported model.
    ///   - body: the request's members, such as `messages`, `system`, `inferenceConfig` and `toolConfig`.
    /// - Returns: the response's members: `output`, `stopReason`, `usage`, `metrics` and others.
    /// - Throws: as the type says. An answer may have 16 MiB.
    public func converse(modelID: String, _ body: JSONValue) async throws -> JSONValue {
        try await client.json(try request(modelID, "converse", body))
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
        try await stream(try request(modelID, "converse-stream", body), receive)
    }

    /// Sends a request that is answered by a stream of events.
    private func stream(_ request: AWSRequest, _ receive: (BedrockStreamEvent) async throws -> Void) async throws {
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

    private func request(_ modelID: String, _ operation: String, _ body: JSONValue) throws(MillraceError) -> AWSRequest {
        var request = AWSRequest.json("POST", "/model/\(try Self.segment(modelID, "a model's id"))/\(operation)", body)
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
