public import Millrace

/// A model whose usage says what it cost.
///
/// A cost that the provider reported is kept. Usage that does not give both the prompt's and the answer's tokens has no cost.
public struct PricedLanguageModel: LanguageModel {
    private let model: any LanguageModel
    private let price: ModelPrice

    /// Puts a price on a model's tokens.
    public init(_ model: any LanguageModel, price: ModelPrice) {
        self.model = model
        self.price = price
    }

    /// The model's own id.
    public var id: String { model.id }
    /// As the model.
    public var seesImages: Bool { model.seesImages }
    /// As the model says.
    public var capabilities: ModelCapabilities { model.capabilities }

    /// Asks the model.
    /// - Throws: what the model throws.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        var response = try await model.generate(request) { event in
            if case .usage(let usage) = event {
                try await receive(.usage(priced(usage)))
            } else {
                try await receive(event)
            }
        }
        response.usage = priced(response.usage)
        return response
    }

    private func priced(_ usage: Usage) -> Usage {
        guard usage.estimatedCost == nil else { return usage }
        var usage = usage
        usage.estimatedCost = price.cost(of: usage)
        return usage
    }
}
