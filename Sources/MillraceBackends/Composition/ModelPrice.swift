public import Millrace
public import MillraceCore

/// What a model's tokens cost, in US dollars per million.
public struct ModelPrice: Equatable, Sendable {
    /// A million prompt tokens.
    public let prompt: Double
    /// A million prompt tokens that the provider served from its cache.
    public let cachedPrompt: Double
    /// A million tokens of the answer.
    public let completion: Double

    /// Creates a price.
    /// - Parameter cachedPrompt: `nil`: the same as `prompt`.
    /// - Throws: ``ErrorCode/configuration`` for a price that is negative or no number.
    public init(prompt: Double, cachedPrompt: Double? = nil, completion: Double) throws(MillraceError) {
        for (name, price) in [("prompt", prompt), ("cached prompt", cachedPrompt ?? prompt), ("completion", completion)] {
            guard price.isFinite, price >= 0 else {
                throw MillraceError(.configuration, "the price of \(name) tokens is \(price): it must be 0 or more US dollars per million")
            }
        }
        self.prompt = prompt
        self.cachedPrompt = cachedPrompt ?? prompt
        self.completion = completion
    }

    /// The cost of that usage in US dollars; `nil` where the tokens of the prompt or of the answer are not known.
    public func cost(of usage: Usage) -> Double? {
        guard let promptTokens = usage.promptTokens, let completionTokens = usage.completionTokens else { return nil }
        let cached = min(max(usage.cachedPromptTokens ?? 0, 0), promptTokens)
        let millionths =
            Double(promptTokens - cached) * prompt + Double(cached) * cachedPrompt + Double(completionTokens) * completion
        return millionths / 1_000_000
    }
}
