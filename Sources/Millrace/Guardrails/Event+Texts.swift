import MillraceCore

extension Event {
    /// The event with every text in it that a person or a model reads replaced, but for the pieces of `content` and `reasoning`. Ids, kinds and
    /// the names of members stay as they are.
    func mappingTexts(_ body: (String) -> String) -> Event {
        var event = self
        switch self.body {
        case .status(let status, let message, let discarded):
            event.body = .status(status: status, message: body(message), discardedBlocks: discarded)
        case .toolCall(var call):
            call.arguments = call.arguments.mappingTexts(body)
            event.body = .toolCall(call)
        case .toolReturn(var result):
            result.result = result.result.mappingTexts(body)
            event.body = .toolReturn(result)
        case .document(var document):
            document.title = body(document.title)
            event.body = .document(document)
        case .citation(var citation):
            citation.text = body(citation.text)
            citation.section = citation.section.map(body)
            citation.documentTitle = citation.documentTitle.map(body)
            event.body = .citation(citation)
        case .metadata(let members): event.body = .metadata(members.mapValues { $0.mappingTexts(body) })
        case .custom(let members): event.body = .custom(members.mapValues { $0.mappingTexts(body) })
        case .content, .reasoning, .retracted, .responseStart, .responseEnd, .failure: break
        }
        return event
    }
}

extension JSONValue {
    /// The value with every text in it replaced, at any depth. The names of members stay.
    func mappingTexts(_ body: (String) -> String) -> JSONValue {
        switch self {
        case .string(let text): .string(body(text))
        case .array(let elements): .array(elements.map { $0.mappingTexts(body) })
        case .object(let members): .object(members.mapValues { $0.mappingTexts(body) })
        default: self
        }
    }
}
