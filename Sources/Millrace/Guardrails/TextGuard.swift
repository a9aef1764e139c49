/// A guardrail that judges whole texts elsewhere, such as Amazon Bedrock's.
public protocol TextGuard: Sendable {
    /// Judges a text.
    /// - Throws: where it cannot be judged: the run then ends with an error, and the text goes nowhere.
    func check(_ text: String, side: GuardrailRule.Side) async throws -> TextGuardVerdict
}

/// What a ``TextGuard`` made of a text.
public enum TextGuardVerdict: Equatable, Sendable {
    /// It goes on as it is.
    case pass
    /// This goes on instead.
    case replace(String)
    /// It does not go on; readers are told this.
    case block(message: String)
}
