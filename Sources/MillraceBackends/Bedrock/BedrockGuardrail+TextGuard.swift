public import Millrace
import MillraceCore

extension BedrockGuardrail: TextGuard {
    /// Judges a text by `ApplyGuardrail`. Where the guardrail only masked, the masked text goes on; where it blocked, or it cannot be told which,
    /// nothing does.
    public func check(_ text: String, side: GuardrailRule.Side) async throws -> TextGuardVerdict {
        let verdict = try await check([text], source: side == .input ? .input : .output)
        guard verdict.intervened else { return .pass }
        if verdict.isMaskedOnly, verdict.outputs.count == 1 { return .replace(verdict.outputs[0]) }
        return .block(message: verdict.outputs.first ?? "The text was blocked by a guardrail.")
    }
}

extension GuardrailVerdict {
    /// Whether all that was found is masked in ``outputs``, and nothing is blocked.
    public var isMaskedOnly: Bool {
        let actions = assessments.flatMap(Self.actions)
        return intervened && actions.contains("ANONYMIZED") && actions.allSatisfy { $0 == "ANONYMIZED" || $0 == "NONE" }
    }

    /// The `action` of each finding, at any depth.
    private static func actions(_ value: JSONValue) -> [String] {
        switch value {
        case .array(let elements): elements.flatMap(actions)
        case .object(let members): (members["action"]?.string.map { [$0] } ?? []) + members.values.flatMap(actions)
        default: []
        }
    }
}
