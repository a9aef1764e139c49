import Millrace
import MillraceCore

/// The documents of a request, and what is wanted of them.
struct AnalysisRequest: Sendable {
    /// The documents, the conversation's first.
    let documents: [Attachment]
    let kind: AnalysisKind
    /// What the user says.
    let text: String
    /// The conversation before, as far as it fits.
    let history: [ModelRequest.Turn]

    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a request without documents, with too many, or of a kind that there is not.
    init(_ request: TaskRequest, _ settings: DocumentAnalysisSettings) throws(MillraceError) {
        var documents: [Attachment] = []
        var pointers: Set<String> = []
        func add(_ attachment: Attachment) {
            guard attachment.data != nil || attachment.pointer != nil else { return }
            if let pointer = attachment.pointer, !pointers.insert(pointer).inserted { return }
            documents.append(attachment)
        }
        for message in request.history { for case .document(let attachment) in message.parts { add(attachment) } }
        // The conversation's documents give way to the newer ones.
        let earlier = documents.count
        for item in request.context where item.type == "document" || item.type == "text" {
            if let attachment = item.attachment {
                var attachment = attachment
                attachment.title = attachment.title ?? item.fields["title"]?.string
                add(attachment)
            } else if let text = item.fields["content"]?.string, !text.isEmpty {
                add(Attachment(data: Array(text.utf8), mimeType: item.fields["mime_type"]?.string, title: item.fields["title"]?.string))
            }
        }
        for case .document(let attachment) in request.message.parts { add(attachment) }
        guard !documents.isEmpty else {
            throw MillraceError(
                .invalidInput, "there is no document: attach one, or name the pointer of an upload", details: ["field": "parts"])
        }
        guard documents.count - earlier <= settings.maxDocuments else {
            throw MillraceError(
                .invalidInput, "there are \(documents.count - earlier) documents, and \(settings.maxDocuments) at most are read at once",
                details: ["field": "parts"])
        }
        self.documents = Array(documents.suffix(settings.maxDocuments))
        kind = try AnalysisKind(request, documents: self.documents.count)
        text = request.text
        guard kind != .question || !text.isEmpty else {
            throw MillraceError(.invalidInput, "there is no question: send a text part", details: ["field": "parts"])
        }
        history = Self.turns(request.history, characters: settings.historyCharacters)
    }

    /// The newest messages that fit, their text alone.
    private static func turns(_ history: [Message], characters: Int) -> [ModelRequest.Turn] {
        var room = characters
        var turns: [ModelRequest.Turn] = []
        for message in history.reversed() {
            let text = message.text
            room -= text.unicodeScalars.count
            guard room >= 0 else { break }
            if !text.isEmpty { turns.append(.init(role: message.role, parts: [.text(text)])) }
        }
        return turns.reversed()
    }
}
