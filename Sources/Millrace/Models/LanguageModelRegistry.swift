public import MillraceCore

/// The models that a server offers, by id.
public struct LanguageModelRegistry: Sendable {
    private let models: [String: any LanguageModel]
    private let tasks: [String: String]
    /// Why models that are configured cannot be used, by id.
    public let unavailable: [String: String]
    /// The model for requests and handlers that name none.
    public let defaultModel: any LanguageModel

    /// A registry of the default model and others.
    /// - Parameters:
    ///   - tasks: the ids of the models for requests that name none, by the name of the task (default: none; the handler's own choice, then
    ///     the default model).
    ///   - unavailable: the ids of models that are configured and cannot be used, each with the reason (default: none).
    /// - Throws: ``ErrorCode/conflict`` when two have one id, ``ErrorCode/configuration`` for a task whose model is not among them.
    public init(
        default defaultModel: any LanguageModel, others: [any LanguageModel] = [], tasks: [String: String] = [:],
        unavailable: [String: String] = [:]
    ) throws(MillraceError) {
        var models = [defaultModel.id: defaultModel]
        for model in others {
            guard models.updateValue(model, forKey: model.id) == nil else {
                throw MillraceError(.conflict, "two models are called '\(model.id)'")
            }
        }
        for (task, id) in tasks.sorted(by: { $0.key < $1.key }) where models[id] == nil && unavailable[id] == nil {
            let meant = Suggestion.phrase(for: id, among: models.keys.sorted())
            throw MillraceError(
                .configuration,
                "the task '\(task)' is to use the model '\(id)', which there is not\(meant.isEmpty ? "; " : meant + " ")"
                    + "there are: \(models.keys.sorted().joined(separator: ", "))")
        }
        self.models = models
        self.tasks = tasks
        self.unavailable = unavailable
        self.defaultModel = defaultModel
    }

    /// The same models with another default.
    /// - Throws: ``ErrorCode/invalidInput`` for an id that no model has.
    public func with(default id: String) throws(MillraceError) -> LanguageModelRegistry {
        let chosen = try model(id)
        return try LanguageModelRegistry(
            default: chosen, others: models.values.filter { $0.id != id }, tasks: tasks, unavailable: unavailable)
    }

    /// The ids, sorted.
    public var ids: [String] { models.keys.sorted() }

    /// The model of that id; the default for `nil`.
    /// - Throws: ``ErrorCode/invalidInput`` for an id that no model has, listing those there are; ``ErrorCode/modelUnavailable`` for one that
    ///   is configured and cannot be used.
    public func model(_ id: String?) throws(MillraceError) -> any LanguageModel {
        guard let id else { return defaultModel }
        guard let model = models[id] else {
            if let reason = unavailable[id] {
                throw MillraceError(.modelUnavailable, "the model '\(id)' is not available: \(reason)", details: ["field": "model_id"])
            }
            throw MillraceError(
                .invalidInput, "no model is called '\(id)'; there are: \(ids.joined(separator: ", "))", details: ["field": "model_id"])
        }
        return model
    }

    /// The model for a task: the one that the request names, else the one configured for the task, else the handler's choice, else the
    /// default.
    /// - Parameters:
    ///   - id: the id that the request names.
    ///   - task: the task's name.
    ///   - preferred: the id that the handler's options name (default: none).
    /// - Throws: as ``model(_:)``.
    public func model(_ id: String?, task: String, preferred: String? = nil) throws(MillraceError) -> any LanguageModel {
        try model(id ?? tasks[task] ?? preferred)
    }

    /// The model for a request: the one that it names, else the one configured for its task, else the default.
    /// - Throws: as ``model(_:)``.
    public func model(for request: TaskRequest) throws(MillraceError) -> any LanguageModel {
        try model(request.modelID, task: request.task)
    }
}
