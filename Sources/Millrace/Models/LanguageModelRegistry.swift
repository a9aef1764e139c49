public import MillraceCore

/// The models that a server offers, by id.
public struct LanguageModelRegistry: Sendable {
    private let models: [String: any LanguageModel]
    /// The model for requests and handlers that name none.
    public let defaultModel: any LanguageModel

    /// A registry of the default model and others.
    /// - Throws: ``ErrorCode/conflict`` when two have one id.
    public init(default defaultModel: any LanguageModel, others: [any LanguageModel] = []) throws(MillraceError) {
        var models = [defaultModel.id: defaultModel]
        for model in others {
            guard models.updateValue(model, forKey: model.id) == nil else {
                throw MillraceError(.conflict, "two models are called '\(model.id)'")
            }
        }
        self.models = models
        self.defaultModel = defaultModel
    }

    /// The same models with another default.
    /// - Throws: ``ErrorCode/invalidInput`` for an id that no model has.
    public func with(default id: String) throws(MillraceError) -> LanguageModelRegistry {
        let chosen = try model(id)
        return try LanguageModelRegistry(default: chosen, others: models.values.filter { $0.id != id })
    }

    /// The ids, sorted.
    public var ids: [String] { models.keys.sorted() }

    /// The model of that id; the default for `nil`.
    /// - Throws: ``ErrorCode/invalidInput`` for an id that no model has, listing those there are.
    public func model(_ id: String?) throws(MillraceError) -> any LanguageModel {
        guard let id else { return defaultModel }
        guard let model = models[id] else {
            throw MillraceError(
                .invalidInput, "no model is called '\(id)'; there are: \(ids.joined(separator: ", "))", details: ["field": "model_id"])
        }
        return model
    }
}
