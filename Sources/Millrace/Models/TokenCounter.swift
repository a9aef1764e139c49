/// How many tokens a text has.
public struct TokenCount: Sendable, Equatable {
    /// The number.
    public var tokens: Int
    /// Whether it is a guess and not a count by the model's vocabulary.
    public var isEstimate: Bool
    /// Creates a count.
    public init(tokens: Int, isEstimate: Bool) {
        self.tokens = tokens
        self.isEstimate = isEstimate
    }
}

/// Counts the tokens that a text will have for a model: for budgets and choices before a call, never in place of a provider's own figures.
public protocol TokenCounter: Sendable {
    /// Counts a text's tokens.
    func count(_ text: String) -> TokenCount
}

/// About four characters a token, rounded up: the rule of thumb for English where no vocabulary is configured.
public struct CharacterTokenCounter: TokenCounter {
    /// Creates the counter.
    public init() {}
    /// A quarter of the text's Unicode scalars, marked as an estimate.
    public func count(_ text: String) -> TokenCount {
        TokenCount(tokens: (text.unicodeScalars.count + 3) / 4, isEstimate: true)
    }
}
