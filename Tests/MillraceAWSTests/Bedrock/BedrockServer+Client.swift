import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

extension BedrockServer {
    static let model = "anthropic.claude-3-haiku-20240307-v1:0"

    static func signature(
        _ key: String = "AKIATEST", _ secret: String = "sekrit", token: String? = nil
    ) -> AWSServiceClient.Authentication {
        .signature(
            StaticAWSCredentialProvider(AWSCredentials(accessKeyID: key, secretAccessKey: secret, sessionToken: token, origin: "the test")))
    }

    func client(
        _ authentication: AWSServiceClient.Authentication = signature(), transport: any HTTPTransport = HTTPClient(),
        firstByte: Duration? = .seconds(60)
    ) -> BedrockRuntimeClient {
        var endpoint = AWSEndpointSettings(region: "us-east-1", url: url)
        endpoint.timeouts.firstByte = firstByte
        endpoint.timeouts.idle = .seconds(60)
        return BedrockRuntimeClient(
            AWSServiceClient(.bedrockRuntime, endpoint: endpoint, authentication: authentication, transport: transport))
    }

    /// What the server has seen of a tag; waits until `count` of them have ended so.
    func observations(tag: String, outcome: String? = nil, count: Int = 0) async throws -> [JSONValue] {
        let query = "?tag=\(tag)&count=\(count)&timeout=60" + (outcome.map { "&outcome=\($0)" } ?? "")
        let bytes = try await HTTPClient().exchange(HTTPClientRequest(url: url + "/_observations" + query)) { try await $0.collect() }
        return try JSONValue(parsing: bytes).array ?? []
    }

    /// The body of a request with one user message.
    static func prompt(_ text: String, _ members: [String: JSONValue] = [:]) -> JSONValue {
        .object(members.merging(["messages": [["role": "user", "content": [["text": .string(text)]]]]]) { _, new in new })
    }
}

extension BedrockRuntimeClient {
    /// The events of a stream, and what ended it.
    func events(_ text: String, modelID: String = BedrockServer.model) async -> (events: [BedrockStreamEvent], error: (any Error)?) {
        var events: [BedrockStreamEvent] = []
        do {
            try await converseStream(modelID: modelID, BedrockServer.prompt(text)) { events.append($0) }
            return (events, nil)
        } catch { return (events, error) }
    }
}

extension [BedrockStreamEvent] {
    var text: String { compactMap { $0.payload["delta"]?["text"]?.string }.joined() }
    /// Without the member that hides lengths.
    var plain: [BedrockStreamEvent] {
        map { event in
            var members = event.payload.object ?? [:]
            members["p"] = nil
            return BedrockStreamEvent(type: event.type, payload: .object(members))
        }
    }
}
