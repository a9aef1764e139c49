import Millrace

/// Passes the message on to a model and emits what it streams.
struct RelayHandler: TaskHandler {
    let name = "relay"
    let description = "Relays the tokens of a model"
    let model: any LanguageModel

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        _ = try await context.generate(ModelRequest(turns: [.init(role: .user, parts: request.message.parts)]), with: model)
    }
}
