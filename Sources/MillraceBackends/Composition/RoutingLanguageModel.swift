public import Millrace

/// Several models as one: rules on the request choose which is asked.
///
/// ```swift
/// let model = RoutingLanguageModel(
///     id: "auto", rules: [ModelRule(when: [.hasImages], use: vision), ModelRule(when: [.estimatedTokens(over: 30_000)], use: long)],
///     otherwise: small)
/// ```
public struct RoutingLanguageModel: LanguageModel {
    /// The id by which requests choose it.
    public let id: String
    private let rules: [ModelRule]
    private let otherwise: any LanguageModel
    private let counter: any TokenCounter

    /// Creates a router.
    /// - Parameters:
    ///   - id: the id by which requests choose it.
    ///   - rules: the first that matches a request chooses its model.
    ///   - otherwise: the model for requests that no rule matches.
    ///   - counter: counts tokens for the rules (default: about four characters a token).
    public init(
        id: String, rules: [ModelRule], otherwise: any LanguageModel, counter: any TokenCounter = CharacterTokenCounter()
    ) {
        self.id = id
        self.rules = rules
        self.otherwise = otherwise
        self.counter = counter
    }

    /// Whether every model that a request with images may go to sees them.
    public var seesImages: Bool {
        for rule in rules {
            if !rule.model.seesImages { return false }
            // From here on no request with images goes further.
            if rule.conditions.isSubset(of: [.hasImages]) { return true }
        }
        return otherwise.seesImages
    }

    /// What the model can do to which requests go that no rule matches.
    public var capabilities: ModelCapabilities { otherwise.capabilities }

    /// The model that a request goes to.
    public func model(for request: ModelRequest) -> any LanguageModel {
        rules.first { $0.matches(request, counter: counter) }?.model ?? otherwise
    }

    /// Asks the model that the rules choose.
    /// - Returns: its answer; the attempts name the model.
    /// - Throws: what the model throws.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        let model = model(for: request)
        let start = ContinuousClock.now
        var response = try await model.generate(request, receive: receive)
        if response.attempts.isEmpty {
            response.attempts = [
                ModelAttempt(modelID: model.id, outcome: .answered, usage: response.usage, duration: .now - start)
            ]
        }
        return response
    }
}
