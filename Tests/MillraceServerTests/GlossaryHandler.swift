import Millrace
import MillraceServer

// The handler that README shows; `ReadmeTests` holds the two to each other.
struct GlossaryHandler: TaskHandler {
    let name = "glossary"
    let description = "Explains the terms of a text"
    let models: LanguageModelRegistry

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        try await context.emit(.status("reading", message: "Looking for terms"))
        let prompt = ModelRequest(
            system: "List the technical terms of the text, each with one sentence of explanation.",
            turns: [.init(role: .user, parts: request.message.parts)])
        let answer = try await context.generate(prompt, with: try models.model(request.modelID))
        try await context.emit(.metadata(["characters": .integer(answer.text.count)]))
    }
}

func readmeServer() throws -> Server {
    let server = try Server(settings: ServerSettings()) { registry, clients in
        try registry.register(GlossaryHandler(models: clients.models))
    }
    return server
}
