import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// Answers that no Bedrock gives, but something in its place may.
@Suite(.ownThreads) struct BedrockResponseTests {
    /// Answers every request with the same response.
    private struct CannedTransport: HTTPTransport {
        var status = 200
        var type = "application/vnd.amazon.eventstream"
        var body: [UInt8]

        func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
            try await body(Response(status: status, headers: ["Content-Type": type], rest: self.body))
        }

        private final class Response: HTTPResponseStream {
            let status: Int
            let headers: HTTPClientHeaders
            private var rest: [UInt8]

            init(status: Int, headers: HTTPClientHeaders, rest: [UInt8]) {
                self.status = status
                self.headers = headers
                self.rest = rest
            }

            func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
                guard !rest.isEmpty else { return false }
                defer { rest = [] }
                try rest.withUnsafeBytes(take)
                return true
            }
        }
    }

    private func client(_ transport: CannedTransport) -> BedrockRuntimeClient {
        BedrockRuntimeClient(
            AWSServiceClient(
                .bedrockRuntime, endpoint: AWSEndpointSettings(region: "us-east-1", url: "http://127.0.0.1:1"), authentication: .none,
                transport: transport))
    }

    private func message(_ headers: [String: String], _ payload: String = "{}") -> [UInt8] {
        EventStreamEncoder.encode(
            EventStreamMessage(
                headers: headers.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }, payload: Array(payload.utf8)))
    }

    private func failure(_ transport: CannedTransport) async -> MillraceError? {
        await #expect(throws: MillraceError.self) {
            try await client(transport).converseStream(modelID: "m", [:]) { _ in }
        }
    }

    @Test(arguments: ["text/html", "application/json", "", "application/vnd.amazon.eventstream-of-another-kind"])
    func streamOfAnotherMediaType_isRefusedByName(type: String) async throws {
        let error = await failure(CannedTransport(type: type, body: Array("<html>".utf8)))
        #expect(error?.code == .corruptedResponse)
        #expect(error?.message == "Bedrock answered with '\(type)' instead of an event stream: check its endpoint's URL")
    }

    @Test(arguments: ["application/vnd.amazon.eventstream", "Application/vnd.amazon.EventStream; v=1"])
    func emptyStream_ends(type: String) async throws {
        try await client(CannedTransport(type: type, body: [])).converseStream(modelID: "m", [:]) { _ in Issue.record("an event") }
    }

    @Test(arguments: [
        ([":message-type": "event"], "{}"), ([":message-type": "exception"], "{}"), ([":message-type": "greeting"], "{}"), ([:], "{}"),
        ([":message-type": "event", ":event-type": "messageStop"], "{\"stop"),
    ])
    func messageThatCannotBeUnderstood_isAnError(headers: [String: String], payload: String) async throws {
        let error = await failure(CannedTransport(body: message(headers, payload)))
        #expect(error?.code == .corruptedResponse)
        #expect(error?.isRetryable == false)
    }

    @Test func exceptionWithoutAPayload_isThrownAllTheSame() async throws {
        let body = message([":message-type": "exception", ":exception-type": "throttlingException"], "")
        let error = await #expect(throws: AWSServiceError.self) {
            try await client(CannedTransport(body: body)).converseStream(modelID: "m", [:]) { _ in }
        }
        #expect(error == AWSServiceError(service: "Bedrock", code: "ThrottlingException", message: "", status: 200))
    }

    @Test func messageCutOff_saysWhere() async throws {
        let whole = message([":message-type": "event", ":event-type": "messageStart"])
        var count = 0
        let error = await #expect(throws: MillraceError.self) {
            try await client(CannedTransport(body: whole + whole.prefix(20))).converseStream(modelID: "m", [:]) { _ in count += 1 }
        }
        #expect(count == 1)
        #expect(error?.code == .connectionLost)
        #expect(error?.isRetryable == true)
        #expect(error?.message == "the stream of Bedrock was cut off 20 bytes into a message: try again")
    }

    @Test(arguments: ["{}", "{\"bytes\":\"no base64!\"}", "{\"bytes\":5}"])
    func chunkWithoutBytes_isAnError(payload: String) async throws {
        let body = message([":message-type": "event", ":event-type": "chunk"], payload)
        let error = await #expect(throws: MillraceError.self) {
            try await client(CannedTransport(body: body)).invokeModelStream(modelID: "m", body: []) { _ in }
        }
        #expect(error?.code == .corruptedResponse)
    }

    @Test func answerThatIsNotJSON_isAnErrorThatSaysSo() async throws {
        let client = client(CannedTransport(type: "text/html", body: Array("<html>".utf8)))
        let error = await #expect(throws: MillraceError.self) { try await client.converse(modelID: "m", [:]) }
        #expect(error?.code == .corruptedResponse)
        let counted = await #expect(throws: MillraceError.self) {
            try await self.client(CannedTransport(body: Array("{}".utf8))).countTokens(modelID: "m", [:])
        }
        #expect(counted?.message == "Bedrock answered without the number of tokens")
    }
}
