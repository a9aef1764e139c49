import Millrace
import MillraceCore

@testable import MillraceBackends

/// What a call streamed.
struct Streamed: Equatable {
    var pieces: [String] = []
    var citations: [Citation] = []
    var usages: [Usage] = []
    var events: [ModelEvent] = []
    var response: ModelResponse?
    var text: String { pieces.joined() }

    mutating func add(_ event: ModelEvent) {
        events.append(event)
        switch event {
        case .text(let text): pieces.append(text)
        case .citation(let citation): citations.append(citation)
        case .usage(let usage): usages.append(usage)
        default: break
        }
    }
}

func run(_ request: ModelRequest, _ model: LocalLanguageModel = LocalLanguageModel()) async throws -> Streamed {
    var streamed = Streamed()
    streamed.response = try await model.generate(request) { streamed.add($0) }
    return streamed
}

func ask(_ question: String, documents: [ModelDocument] = [], after turns: [ModelRequest.Turn] = []) -> ModelRequest {
    ModelRequest(turns: turns + [said(question)], documents: documents)
}

func said(_ text: String, _ role: MessageRole = .user) -> ModelRequest.Turn { ModelRequest.Turn(role: role, parts: [.text(text)]) }

let lease = [ModelDocument(id: "doc_1", title: Lease.title, text: Lease.text)]
