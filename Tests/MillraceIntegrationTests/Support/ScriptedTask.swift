import Millrace

/// A handler made of a closure.
struct ScriptedTask: TaskHandler {
    let name: String
    let description = "Does what a test tells it"
    var options = TaskHandlerOptions()
    let body: @Sendable (TaskRequest, RunContext) async throws -> Void

    init(
        _ name: String, options: TaskHandlerOptions = TaskHandlerOptions(),
        _ body: @escaping @Sendable (TaskRequest, RunContext) async throws -> Void
    ) {
        self.name = name
        self.options = options
        self.body = body
    }

    func handle(_ request: TaskRequest, _ context: RunContext) async throws { try await body(request, context) }
}
