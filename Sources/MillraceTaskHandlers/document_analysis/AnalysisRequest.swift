import Millrace
import MillraceCore

/// The documents of a request, and what is wanted of them.
struct AnalysisRequest: Sendable {
    /// The documents, the conversation's first.
    let documents: [Attachment]
    /// How many of the conversation's older documents there is no room for.
    let omittedDocuments: Int
    let kind: AnalysisKind
    /// What the user says.
    let text: String
    /// The conversation before, as far as it fits.
    let history: [ModelRequest.Turn]

    /// The longest message, in characters: it goes into the prompt of each part.
    private static let mostCharacters = 20_000

    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a request without documents, with too many, or of a kind that there is not.
    init(_ request: TaskRequest, _ settings: DocumentAnalysisSettings) throws(MillraceError) {
        var documents: [Attachment] = []
        var count = 0
        func add(_ attachment: Attachment, isNew: Bool = true) {
            guard attachment.data != nil || attachment.pointer != nil else { return }
            // One that is named again is as new as the message that names it.
            if let pointer = attachment.pointer, let place = documents.firstIndex(where: { $0.pointer == pointer }) {
                guard isNew, place < documents.count - count else { return }
                documents.remove(at: place)
            }
            documents.append(attachment)
            if isNew { count += 1 }
        }
        // Documents of answers are a record of what those drew on.
        for message in request.history where message.role == .user {
            for case .document(let attachment) in message.parts { add(attachment, isNew: false) }
        }
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
        guard count <= settings.maxDocuments else {
            throw MillraceError(
                .invalidInput, "there are \(count) documents, and \(settings.maxDocuments) at most are read at once",
                details: ["field": "parts"])
        }
        // The conversation's documents give way to the newer ones.
        self.documents = Array(documents.suffix(settings.maxDocuments))
        omittedDocuments = documents.count - self.documents.count
        guard request.text.unicodeScalars.count <= Self.mostCharacters else {
            throw MillraceError(
                .invalidInput, "the message is longer than \(Self.mostCharacters) characters: send long texts as documents",
                details: ["field": "parts"])
        }
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
        // A conversation begins with the user.
        return Array(turns.reversed().drop { $0.role == .assistant })
    }
}
