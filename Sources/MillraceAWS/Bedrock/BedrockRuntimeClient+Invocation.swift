import FoundationEssentials
import MillraceCore
import MillraceHTTPClient

extension BedrockRuntimeClient {
    /// The most bytes of an answer to `InvokeModel`, somewhat more than the API's 25,000,000.
    private static let invocationByteLimit = 26 << 20

    /// Sends a model a request in the model's own format (`InvokeModel`), as for embeddings.
    /// - Parameters:
    ///   - modelID: as for ``converse(modelID:_:)``.
    ///   - body: at most 25,000,000 bytes.
    ///   - contentType: the media type of `body`.
    ///   - accept: the media type of the answer.
    ///   - options: a guardrail and more (default: nothing).
    /// - Throws: as the type says.
    public func invokeModel(
        modelID: String, body: [UInt8], contentType: String = "application/json", accept: String = "application/json",
        options: BedrockInvocationOptions = BedrockInvocationOptions()
    ) async throws -> BedrockInvocation {
        var request = try invocation(modelID, "invoke", body, contentType, options)
        request.headers.add("Accept", accept)
        return try await client.exchange(request) { response in
            let headers = response.headers
            var result = BedrockInvocation(
                body: try await response.collect(limit: Self.invocationByteLimit), contentType: headers["Content-Type"] ?? "")
            result.inputTokens = headers["X-Amzn-Bedrock-Input-Token-Count"].flatMap { Int($0) }
            result.outputTokens = headers["X-Amzn-Bedrock-Output-Token-Count"].flatMap { Int($0) }
            result.cacheReadInputTokens = headers["X-Amzn-Bedrock-Cache-Read-Input-Token-Count"].flatMap { Int($0) }
            result.cacheWriteInputTokens = headers["X-Amzn-Bedrock-Cache-Write-Input-Token-Count"].flatMap { Int($0) }
            result.latencyMilliseconds = headers["X-Amzn-Bedrock-Invocation-Latency"].flatMap { Int($0) }
            result.performanceConfigLatency = headers["X-Amzn-Bedrock-PerformanceConfig-Latency"]
            result.serviceTier = headers["X-Amzn-Bedrock-Service-Tier"]
            return result
        }
    }

    /// Sends a model a request in the model's own format and hands on the pieces of its answer as they arrive
    /// (`InvokeModelWithResponseStream`).
    /// - Parameters:
    ///   - modelID: as for ``converse(modelID:_:)``.
    ///   - body: at most 25,000,000 bytes.
    ///   - contentType: the media type of `body`.
    ///   - accept: the media type of the pieces.
    ///   - options: a guardrail and more (default: nothing).
    ///   - receive: takes the bytes of each piece, in order, which is one of the model's own events; what it throws ends the call.
    /// - Throws: as ``converseStream(modelID:_:_:)``.
    public func invokeModelStream(
        modelID: String, body: [UInt8], contentType: String = "application/json", accept: String = "application/json",
        options: BedrockInvocationOptions = BedrockInvocationOptions(), receive: ([UInt8]) async throws -> Void
    ) async throws {
        var request = try invocation(modelID, "invoke-with-response-stream", body, contentType, options)
        request.headers.add("X-Amzn-Bedrock-Accept", accept)
        try await stream(request) { event in
            // Kinds of events that are added later are none of this operation's answers yet.
            guard event.type == "chunk" else { return }
            guard let text = event.payload["bytes"]?.string, let bytes = Data(base64Encoded: text) else {
                throw MillraceError(.corruptedResponse, "Bedrock's stream holds a chunk without bytes")
            }
            try await receive([UInt8](bytes))
        }
    }

    private func invocation(
        _ modelID: String, _ operation: String, _ body: [UInt8], _ contentType: String, _ options: BedrockInvocationOptions
    ) throws(MillraceError) -> AWSRequest {
        var request = try request("model", modelID, operation)
        request.body = .bytes(body)
        request.headers.set("Content-Type", contentType)
        let fields = [
            ("X-Amzn-Bedrock-GuardrailIdentifier", options.guardrailIdentifier),
            ("X-Amzn-Bedrock-GuardrailVersion", options.guardrailVersion), ("X-Amzn-Bedrock-Trace", options.trace?.rawValue),
            ("X-Amzn-Bedrock-PerformanceConfig-Latency", options.performanceConfigLatency),
            ("X-Amzn-Bedrock-Service-Tier", options.serviceTier),
        ]
        for (name, value) in fields {
            if let value { request.headers.add(name, value) }
        }
        return request
    }
}
