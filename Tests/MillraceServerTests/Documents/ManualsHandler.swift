import Millrace
import MillraceCore
import MillraceServer

// The handler that `Docs/rag.md` shows; `DocumentTests` holds the two to each other.

struct ManualsHandler: TaskHandler {
    let name = "manuals"
    let description = "Answers questions about a product from its manuals"
    let retriever: Retriever
    let models: LanguageModelRegistry

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        var search = RetrievalRequest(keywordQueries: [request.text], limit: 5)
        if let product = request.context.first(where: { $0.type == "product" })?.fields["name"]?.string {
            search.metadata = ["product": product]
        }
        let sources = RetrievedSources(try await retriever.retrieve(search, report: context.report))
        guard !sources.all.isEmpty else {
            try await context.emit(.content("The manuals say nothing about this."))
            return
        }
        for document in sources.references { try await context.emit(.document(document)) }

        let prompt = ModelRequest(
            system: "Answer from the documents alone. \(CitingLanguageModel.instructions)",
            turns: [.init(role: .user, parts: [.text(request.text)])], documents: sources.documents)
        let model = CitingLanguageModel(try models.model(request.modelID), sources: sources)
        try await context.generate(prompt, with: model)
        if model.tally.verified == 0 { try await context.emit(.status("unsupported", message: "No quote backs this answer")) }
    }
}

func manualsServer(_ settings: ServerSettings) throws -> Server {
    let server = try Server(settings: settings) { registry, clients in
        let search = clients.required(clients.search, "search")
        try registry.register("manuals", requiring: search) { search in
            let embedder = try settings.search.embedder.map { try clients.embedders.embedder($0) }
            let retriever = Retriever(search: search, collection: "manuals", embedder: embedder)
            return ManualsHandler(retriever: retriever, models: clients.models)
        }
    }
    return server
}
