import Millrace
import MillraceCore
import MillraceServer

// The handler that `Docs/handlers.md` shows; `DocumentTests` holds the two to each other.
struct NotesHandler: TaskHandler {
    let name = "notes"
    let description = "Keeps the texts that are attached, and answers from those that a message is about"
    let content: ContentStore
    let search: any SearchEngine
    let models: LanguageModelRegistry

    static let notes = SearchIndexDefinition(
        name: "notes", textFields: [.init("title", boost: 2), .init("text")], filterFields: ["owner": .keyword])

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let owner = JSONValue.string(context.principal.id)
        let index = try await search.index(Self.notes)

        var notes: [SearchDocument] = []
        for case .document(let attachment) in request.message.parts {
            guard let pointer = attachment.pointer else { continue }
            let bytes = try await content.bytes(pointer, limit: 1 << 20, principal: context.principal)
            let text = JSONValue.string(String(decoding: bytes, as: UTF8.self))
            notes.append(
                SearchDocument(id: pointer, fields: ["owner": owner, "title": .string(attachment.title ?? "a note"), "text": text]))
        }
        if let failure = try await index.write(notes).first {
            throw MillraceError(.storageUnavailable, "a note was not kept: \(failure.reason)", isRetryable: failure.isRetryable)
        }
        try await index.refresh()

        let query = SearchQuery(text: .match(request.text), filter: .equals("owner", owner), limit: 3)
        let documents = try await index.search(query).hits.map { hit in
            let fields = hit.document.fields
            return ModelDocument(id: hit.document.id, title: fields["title"]?.string ?? "", text: fields["text"]?.string ?? "")
        }
        let prompt = ModelRequest(turns: [.init(role: .user, parts: [.text(request.text)])], documents: documents)
        try await context.generate(prompt, with: try models.model(request.modelID))
    }
}

extension Server.Clients {
    /// A client that may be missing, with the reason.
    func required<Client>(_ client: Client?, _ name: String) -> Availability<Client> {
        client.map { .available($0) } ?? .missing(name: name, reason: unavailable[name] ?? "it is not configured")
    }
}

func notesServer(_ settings: ServerSettings) throws -> Server {
    let server = try Server(settings: settings) { registry, clients in
        let content = clients.required(clients.content, "objects")
        let search = clients.required(clients.search, "search")
        try registry.register("notes", requiring: content, search) { content, search in
            NotesHandler(content: content, search: search, models: clients.models)
        }
    }
    return server
}
