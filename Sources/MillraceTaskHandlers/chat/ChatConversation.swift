import Millrace
import MillraceCore

/// A request's conversation in the form that a model takes: turns, and the texts that came with them as documents.
struct ChatConversation {
    /// Something attached that the model will not get.
    struct Skipped: Equatable {
        var message: String
    }

    /// The conversation, oldest first; attached texts have moved to `documents`.
    private(set) var turns: [ModelRequest.Turn] = []
    /// Every text to answer from, the history's first: what is attached to messages keeps its id as the conversation goes on.
    private(set) var documents: [ModelDocument] = []
    /// Those that came with this request.
    private(set) var newDocuments: [DocumentReference] = []
    /// What came with this request and cannot be read.
    private(set) var skipped: [Skipped] = []
    /// How many of the oldest messages do not fit.
    private(set) var omittedMessages = 0

    private let seesImages: Bool
    private let areFetched: Bool

    /// - Parameter areFetched: whether somebody has read what pointers name.
    init(_ request: TaskRequest, historyCharacters: Int, seesImages: Bool, areFetched: Bool = false) {
        self.seesImages = seesImages
        self.areFetched = areFetched
        let history = request.history.filter { !Self.isEmpty($0) }
        var room = historyCharacters - Self.characters(request.message)
        var kept = history.count
        while kept > 0 {
            room -= Self.characters(history[kept - 1])
            guard room >= 0 else { break }
            kept -= 1
        }
        omittedMessages = kept

        for message in history[..<kept] { _ = parts(of: message, isCurrent: false) }
        for message in history[kept...] { addTurn(message, isCurrent: false) }
        for item in request.context { add(item) }
        addTurn(request.message, isCurrent: true)
    }

    /// What the user reads while the model works.
    var thinkingMessage: String {
        switch documents.count {
        case 0: "Thinking about your message"
        case 1: "Reading \(documents[0].title)"
        default: "Reading \(documents.count) documents"
        }
    }

    func modelRequest(system: String?) -> ModelRequest { ModelRequest(system: system, turns: turns, documents: documents) }

    // MARK: Turns

    private mutating func addTurn(_ message: Message, isCurrent: Bool) {
        let parts = parts(of: message, isCurrent: isCurrent)
        // The current message is what to answer, also when all of it is an attachment.
        if isCurrent || !parts.isEmpty { turns.append(ModelRequest.Turn(role: message.role, parts: parts)) }
    }

    /// The parts that stay in the turn. Texts become documents; what the model cannot read leaves its name without its bytes, so that the model
    /// can say what it did not see.
    private mutating func parts(of message: Message, isCurrent: Bool) -> [MessagePart] {
        var kept: [MessagePart] = []
        for part in message.parts {
            switch part {
            case .document(let attachment):
                if let text = attachment.text {
                    addDocument(text, attachment, isCurrent: isCurrent)
                } else {
                    kept.append(.document(skip(attachment, isCurrent: isCurrent)))
                }
            case .image(let attachment):
                kept.append(.image(seesImages && attachment.data != nil ? attachment : skip(attachment, isCurrent: isCurrent)))
            // Citations are for the reader; a model is not handed its own back.
            case .citation: break
            case .text(let text) where text.isEmpty: break
            case .toolReturn(let result): kept.append(.toolReturn(isCurrent ? result : Self.shortened(result)))
            default: kept.append(part)
            }
        }
        return kept
    }

    // MARK: Documents

    private mutating func add(_ item: ContextItem) {
        guard item.type == "document" || item.type == "text" else { return }
        let title = item.fields["title"]?.string
        if let attachment = item.attachment, attachment.data != nil || attachment.pointer != nil {
            var attachment = attachment
            attachment.title = attachment.title ?? title
            if let text = attachment.text { addDocument(text, attachment, isCurrent: true) } else { _ = skip(attachment, isCurrent: true) }
        } else if let text = item.fields["content"]?.string, !text.isEmpty {
            let mimeType = item.fields["mime_type"]?.string ?? "text/plain"
            addDocument(text, Attachment(mimeType: mimeType, title: title), isCurrent: true)
        }
    }

    private mutating func addDocument(_ text: String, _ attachment: Attachment, isCurrent: Bool) {
        let id = "doc_\(documents.count + 1)"
        let title = attachment.title ?? "document \(documents.count + 1)"
        documents.append(ModelDocument(id: id, title: title, text: text))
        guard isCurrent else { return }
        newDocuments.append(
            DocumentReference(
                documentID: id, title: title, pointer: attachment.pointer, mimeType: attachment.mimeType ?? "text/plain",
                wordCount: Self.wordCount(text)))
    }

    private mutating func skip(_ attachment: Attachment, isCurrent: Bool) -> Attachment {
        if isCurrent, !attachment.isReportedSkipped {
            let name = attachment.title ?? attachment.pointer ?? "An attachment"
            let type = attachment.mimeType.map { " (\($0))" } ?? ""
            let reason =
                attachment.data == nil && (attachment.pointer == nil || !areFetched)
                ? "its content did not come with the request" : "the model cannot read it"
            skipped.append(Skipped(message: "\(name)\(type) is left out: \(reason)"))
        }
        return Attachment(mimeType: attachment.mimeType, title: attachment.title)
    }

    // MARK: Measures

    /// What an earlier turn's tool result keeps, in characters: with all of them one turn would leave no room for any other.
    private static let resultCharacters = 1_000

    private static func shortened(_ result: ToolReturn) -> ToolReturn {
        let text = (result.result.string ?? result.result.text).unicodeScalars
        guard text.count > resultCharacters else { return result }
        var result = result
        result.result = .string(
            String(String.UnicodeScalarView(text.prefix(resultCharacters))) + "\n[shortened: call the tool again for more]")
        return result
    }

    private static func isEmpty(_ message: Message) -> Bool {
        message.parts.allSatisfy { if case .text(let text) = $0 { text.isEmpty } else { false } }
    }

    /// Unicode scalars: what people take for a character, or nearly, and far cheaper to count.
    private static func characters(_ message: Message) -> Int {
        message.parts.reduce(0) { sum, part in
            switch part {
            case .text(let text): sum + text.unicodeScalars.count
            case .reasoning(let reasoning): sum + reasoning.text.unicodeScalars.count
            case .toolCall(let call): sum + call.arguments.text.unicodeScalars.count
            case .toolReturn(let result): sum + min(result.result.text.unicodeScalars.count, resultCharacters)
            default: sum
            }
        }
    }

    /// Words by white space. Counted in bytes: this runs on an event loop, over texts of any size.
    private static func wordCount(_ text: String) -> Int {
        var (count, isInside) = (0, false)
        for byte in text.utf8 {
            let isSpace = byte == 32 || (9...13).contains(byte)
            if !isSpace, !isInside { count += 1 }
            isInside = !isSpace
        }
        return count
    }
}
