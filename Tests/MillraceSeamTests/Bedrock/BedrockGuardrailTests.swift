import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct BedrockGuardrailTests {
    private func check(
        _ texts: [String], source: BedrockGuardrail.Source = .input, identifier: String = "g1", key: String = "AKIATEST"
    ) async throws -> Result<GuardrailVerdict, any Error>? {
        guard let server = try BedrockServer.shared() else { return nil }
        return try await onLoop {
            let guardrail = BedrockGuardrail(identifier: identifier, version: "1", client: server.client(key: key), region: "us-east-1")
            do { return .success(try await guardrail.check(texts, source: source, scope: .full)) } catch { return .failure(error) }
        }
    }

    @Test func harmlessTexts_pass() async throws {
        guard let verdict = try await check(["Hello", " "])?.get() else { return }
        #expect(!verdict.intervened && verdict.action == .none && verdict.outputs.isEmpty && verdict.reason == "No action.")
        #expect(verdict.usage["wordPolicyUnits"] == 1 && verdict.assessments.count == 1)
        #expect(verdict.coverage == ["textCharacters": ["guarded": 5, "total": 5]])
    }

    @Test(arguments: [
        (BedrockGuardrail.Source.input, "Sorry, the model cannot answer this question."),
        (.output, "Sorry, the model's answer was blocked."),
    ])
    func blockedTexts_areReplacedByTheMessage(source: BedrockGuardrail.Source, message: String) async throws {
        guard let verdict = try await check(["a forbidden word"], source: source)?.get() else { return }
        #expect(verdict.action == .intervened && verdict.intervened && verdict.outputs == [message])
        #expect(verdict.assessments.first?["wordPolicy"]?["customWords"]?[0]?["match"] == "forbidden")
    }

    @Test func maskedTexts_areGivenWithoutWhatIsSecret() async throws {
        guard let verdict = try await check(["Write to a@b.org", "Hello"])?.get() else { return }
        #expect(verdict.intervened && verdict.outputs == ["Write to {EMAIL}", "Hello"])
    }

    @Test(arguments: [("gmissing", "AKIATEST", "the guardrail's id 'gmissing'"), ("g1", "AKIADENIED", "bedrock:ApplyGuardrail")])
    func refusedCheck_isAnError(identifier: String, key: String, says: String) async throws {
        guard let outcome = try await check(["Hello"], identifier: identifier, key: key) else { return }
        let error = #expect(throws: MillraceError.self) { try outcome.get() }
        #expect(error?.code == .modelError && error?.message.contains(says) == true, "\(String(describing: error))")
    }

    @Test func nothingToCheck_needsNoCall() async throws {
        let verdict = try await check([], identifier: "gmissing")?.get()
        #expect(verdict ?? GuardrailVerdict(action: .none) == GuardrailVerdict(action: .none))
        #expect(BedrockGuardrail.body([" "], source: .input, query: "q") == nil)
    }

    @Test func grounding_qualifiesEachText() {
        #expect(
            BedrockGuardrail.body(["Blue."], source: .output, groundingSources: ["The sky is blue.", ""], query: "Which colour?")
                == [
                    "source": "OUTPUT", "outputScope": "INTERVENTIONS",
                    "content": [
                        ["text": ["text": "The sky is blue.", "qualifiers": ["grounding_source"]]],
                        ["text": ["text": "Which colour?", "qualifiers": ["query"]]],
                        ["text": ["text": "Blue.", "qualifiers": ["guard_content"]]],
                    ],
                ])
    }

    @Test func unknownAction_isHeldForAnIntervention() throws {
        let verdict = try #require(GuardrailVerdict(json: ["action": "SOMETHING_NEW"]))
        #expect(verdict.intervened && verdict.action.rawValue == "SOMETHING_NEW")
        #expect(GuardrailVerdict(json: [:]) == nil)
    }
}
