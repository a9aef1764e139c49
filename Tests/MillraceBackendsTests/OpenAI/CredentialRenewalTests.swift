import Millrace
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

/// Keys that are rotated while a server runs.
@Suite struct CredentialRenewalTests {
    /// A store's key, which was read once and is read anew after it was forgotten.
    private final class Key: Sendable {
        private let state: Locked<(kept: String, stored: String, forgotten: Int)>
        init(kept: String, stored: String) { state = Locked((kept, stored, 0)) }
        var timesForgotten: Int { state.withLock { $0.forgotten } }
        var credential: Credential {
            Credential(
                refused: { [state] in
                    state.withLock {
                        $0.kept = $0.stored
                        $0.forgotten += 1
                    }
                }, resolve: { [state] in state.withLock { $0.kept } })
        }
    }

    private static let refused = OpenAIScriptedTransport.Answer(status: 401, chunks: [Array(#"{"error":{"message":"no old-key"}}"#.utf8)])

    private func model(_ transport: OpenAIScriptedTransport, _ credential: Credential) -> OpenAILanguageModel {
        OpenAILanguageModel(
            model: "m", endpoint: ModelEndpoint(url: "http://models.test/v1", credential: credential, transport: transport))
    }

    @Test func refusedKey_isReadAnewAndTriedOnce() async throws {
        let key = Key(kept: "old-key", stored: "new-key")
        let transport = OpenAIScriptedTransport(Self.refused, .stream(OpenAIRecordedStream.openAI.text))
        _ = try await model(transport, key.credential).generate(ask("Hello")) { _ in }
        #expect(transport.requests.map { $0.headers["Authorization"] } == ["Bearer old-key", "Bearer new-key"])
    }

    @Test func refusedKey_thatHasNotChanged_isNotTriedAgain() async throws {
        let key = Key(kept: "old-key", stored: "old-key")
        let transport = OpenAIScriptedTransport(Self.refused, .stream(OpenAIRecordedStream.openAI.text))
        let error = await #expect(throws: MillraceError.self) {
            _ = try await model(transport, key.credential).generate(ask("Hello")) { _ in }
        }
        #expect(transport.requests.count == 1 && key.timesForgotten == 1)
        #expect(error?.code == .modelError && error?.message.contains("old-key") == false, "\(String(describing: error))")
    }

    @Test func newKey_thatIsRefusedToo_endsTheCall_andFixedOnesAtOnce() async throws {
        let key = Key(kept: "old-key", stored: "new-key")
        let transport = OpenAIScriptedTransport(Self.refused, Self.refused, .stream(OpenAIRecordedStream.openAI.text))
        await #expect(throws: MillraceError.self) { _ = try await model(transport, key.credential).generate(ask("Hello")) { _ in } }
        #expect(transport.requests.count == 2)
        let fixed = OpenAIScriptedTransport(Self.refused, .stream(OpenAIRecordedStream.openAI.text))
        await #expect(throws: MillraceError.self) { _ = try await model(fixed, Credential("old-key")).generate(ask("Hello")) { _ in } }
        #expect(fixed.requests.count == 1)
    }
}
