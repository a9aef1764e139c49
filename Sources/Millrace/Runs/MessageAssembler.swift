package import MillraceCore

/// Reads a run's events and builds the assistant's message that is stored when the run ends.
package struct MessageAssembler: Sendable {
    /// The block that further pieces are added to; its text is kept apart from `parts` so that it grows in place.
    private enum Open: Sendable {
        case none
        case text(block: Int?)
        case reasoning(block: Int?)
    }

    private var parts: [MessagePart] = []
    private var open = Open.none
    private var openText = ""
    private var openCitations: [MessagePart] = []
    private var openReasoning = Reasoning()
    /// What `metadata` events said, later ones over earlier ones.
    package private(set) var metadata: [String: JSONValue] = [:]

    package init() {}

    /// Takes the next event.
    package mutating func receive(_ event: Event) {
        guard event.isPersisted else { return }
        switch event.body {
        case .content(let text):
            if case .text(event.contentBlockIndex) = open {
                openText += text
            } else {
                closeOpen()
                open = .text(block: event.contentBlockIndex)
                openText = text
            }
        case .reasoning(let piece):
            if case .reasoning(event.contentBlockIndex) = open {
                openReasoning.text += piece.text
                openReasoning.signature = piece.signature ?? openReasoning.signature
                openReasoning.redactedContent = piece.redactedContent ?? openReasoning.redactedContent
            } else {
                closeOpen()
                open = .reasoning(block: event.contentBlockIndex)
                openReasoning = piece
            }
        case .toolCall(let call): add(.toolCall(call))
        case .toolReturn(let result): add(.toolReturn(result))
        case .citation(let citation):
            // A citation backs the text before it and does not cut that text in two.
            if case .text = open { openCitations.append(.citation(citation)) } else { add(.citation(citation)) }
        case .document(let document):
            add(.document(Attachment(pointer: document.pointer, mimeType: document.mimeType, title: document.title)))
        case .metadata(let facts): metadata.merge(facts) { _, new in new }
        case .responseStart, .status, .failure, .responseEnd, .custom: break
        }
    }

    /// The message's parts so far.
    package mutating func finish() -> [MessagePart] {
        closeOpen()
        return parts
    }

    private mutating func add(_ part: MessagePart) {
        closeOpen()
        parts.append(part)
    }

    private mutating func closeOpen() {
        switch open {
        case .none: break
        case .text:
            parts.append(.text(openText))
            parts += openCitations
            openCitations = []
        case .reasoning: parts.append(.reasoning(openReasoning))
        }
        open = .none
        openText = ""
        openReasoning = Reasoning()
    }
}
