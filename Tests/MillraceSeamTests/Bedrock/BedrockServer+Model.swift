import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient

extension BedrockServer {
    static let modelID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"

    /// - Parameter key: the access key's id; the server knows its secret.
    func client(key: String = "AKIATEST", secret: String = "sekrit", transport: any HTTPTransport = HTTPClient()) -> BedrockRuntimeClient {
        var endpoint = AWSEndpointSettings(region: "us-east-1", url: url)
        endpoint.timeouts.firstByte = .seconds(20)
        endpoint.timeouts.idle = .seconds(20)
        let credentials = AWSCredentials(accessKeyID: key, secretAccessKey: secret, origin: "the test")
        return BedrockRuntimeClient(
            AWSServiceClient(
                .bedrockRuntime, endpoint: endpoint, authentication: .signature(StaticAWSCredentialProvider(credentials)),
                transport: transport))
    }

    func model(
        _ modelID: String = modelID, client: BedrockRuntimeClient? = nil, _ change: (inout BedrockOptions) -> Void = { _ in }
    ) -> BedrockLanguageModel {
        var options = BedrockOptions()
        change(&options)
        return BedrockLanguageModel(id: "bedrock", model: modelID, client: client ?? self.client(), region: "us-east-1", options: options)
    }

    /// What the server has seen of a tag; waits until `count` of them have ended so.
    func observations(tag: String, outcome: String? = nil, count: Int = 0) async throws -> [JSONValue] {
        let query = "?tag=\(tag)&count=\(count)&timeout=10" + (outcome.map { "&outcome=\($0)" } ?? "")
        let bytes = try await HTTPClient().exchange(HTTPClientRequest(url: url + "/_observations" + query)) { try await $0.collect() }
        return try JSONValue(parsing: bytes).array ?? []
    }
}

extension ModelRequest {
    static func ask(_ text: String) -> ModelRequest { ModelRequest(turns: [.init(role: .user, parts: [.text(text)])]) }
}

/// A model's answer, as far as it came.
struct GeneratedEvents: Sendable {
    var events: [ModelEvent] = []
    var response: ModelResponse?
    var error: (any Error)?

    var failure: MillraceError? { error as? MillraceError }
    var text: String { events.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined() }
    var usages: [Usage] { events.compactMap { if case .usage(let usage) = $0 { usage } else { nil } } }
    /// Everything but text and usage.
    var others: [ModelEvent] {
        events.filter { event in
            switch event {
            case .text, .usage: false
            default: true
            }
        }
    }

    init(_ model: BedrockLanguageModel, _ request: ModelRequest) async {
        var events: [ModelEvent] = []
        do { response = try await model.generate(request) { events.append($0) } } catch { self.error = error }
        self.events = events
    }
}
