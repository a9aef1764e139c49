import Millrace

/// A handler made of a closure that asks models.
struct ModelTask: Sendable {
    let name: String
    var options = TaskHandlerOptions()
    let body: @Sendable (TaskRequest, RunContext, any LanguageModel) async throws -> Void

    init(
        _ name: String, options: TaskHandlerOptions = TaskHandlerOptions(),
        _ body: @escaping @Sendable (TaskRequest, RunContext, any LanguageModel) async throws -> Void
    ) {
        self.name = name
        self.options = options
        self.body = body
    }

    /// Asks the model with the text of the message, and what `change` makes of that request; tells how the answer ended as metadata.
    init(
        asking name: String, options: TaskHandlerOptions = TaskHandlerOptions(),
        _ change: @escaping @Sendable (inout ModelRequest) -> Void = { _ in }
    ) {
        self.init(name, options: options) { request, context, model in
            var asked = ModelRequest(turns: [.init(role: .user, parts: request.message.parts)])
            change(&asked)
            let response = try await context.generate(asked, with: model).response
            try await context.emit(.metadata(["stop_reason": .string(response?.stopReason.rawValue ?? "")]))
        }
    }

    /// The handler, with the models that the server has.
    func handler(_ models: LanguageModelRegistry) -> ScriptedTask {
        let body = body
        return ScriptedTask(name, options: options) { request, context in
            try await body(request, context, try models.model(for: request))
        }
    }
}
