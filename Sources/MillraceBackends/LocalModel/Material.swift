import Millrace
import MillraceCore

/// What a request gives to answer from: its documents, the texts attached to its turns, and what the user said in the conversation.
///
/// The assistant's own turns are no source: a model that quotes itself proves nothing.
struct Material: Sendable {
    struct Source: Equatable, Sendable {
        enum Kind: Equatable, Sendable {
            case document
            /// Words of the user's; `isCurrent` for the message that is to be answered.
            case message(isCurrent: Bool)
        }

        var id: String
        var title: String
        var text: String
        var kind: Kind
        /// Where the text stands in a larger one.
        var place: String?
    }

    /// Something attached that is not text.
    struct Unreadable: Equatable, Sendable {
        var title: String
        var mimeType: String?
    }

    /// In the order of the request: documents, then the turns' attachments and messages.
    private(set) var sources: [Source] = []
    private(set) var unreadable: [Unreadable] = []
    /// What is to be answered.
    private(set) var message = ""
    /// What the user said before, oldest first.
    private(set) var earlierMessages: [String] = []
    /// All that the request says, in bytes of UTF-8.
    private(set) var promptBytes = 0
    /// What was left out because it is above the limit, in bytes.
    private(set) var skippedBytes = 0

    private var room: Int

    /// - Parameter limit: the most bytes of text to look at; what is above it is counted in ``skippedBytes``.
    init(_ request: ModelRequest, limit: Int) {
        room = limit
        promptBytes = request.system?.utf8.count ?? 0
        for document in request.documents { add(document) }
        let last = request.turns.lastIndex { $0.role == .user }
        var number = 0
        for (position, turn) in request.turns.enumerated() {
            guard turn.role == .user else {
                promptBytes += turn.text.utf8.count
                continue
            }
            number += 1
            addAttachments(of: turn, number: number, documents: request.documents)
            let text = turn.text
            let isCurrent = position == last
            if isCurrent { message = text } else if !text.isEmpty { earlierMessages.append(text) }
            if !text.isEmpty {
                add(id: "turn_\(number)", title: "your message \(number)", text: text, kind: .message(isCurrent: isCurrent))
            }
        }
    }

    /// About how many bytes a request holds; cheap, for deciding where to work on it.
    static func roughBytes(of request: ModelRequest) -> Int {
        var bytes = request.documents.reduce(0) { $0 + $1.text.utf8.count }
        for turn in request.turns {
            for part in turn.parts {
                switch part {
                case .text(let text): bytes += text.utf8.count
                case .image(let attachment), .document(let attachment): bytes += attachment.data?.count ?? 0
                default: break
                }
            }
        }
        return bytes
    }

    private mutating func addAttachments(of turn: ModelRequest.Turn, number: Int, documents: [ModelDocument]) {
        var ordinal = 0
        for part in turn.parts {
            let attachment: Attachment
            switch part {
            case .image(let value), .document(let value): attachment = value
            default: continue
            }
            ordinal += 1
            let title = attachment.title ?? "attachment \(ordinal) of your message \(number)"
            guard let text = attachment.text else {
                let one = Unreadable(title: title, mimeType: attachment.mimeType)
                if !unreadable.contains(one) { unreadable.append(one) }
                continue
            }
            // A handler may give a text as a document and leave it in its turn; it counts once.
            if documents.contains(where: { $0.text.utf8.count == text.utf8.count && $0.text == text }) { continue }
            add(id: "turn_\(number)_attachment_\(ordinal)", title: title, text: text, kind: .document)
        }
    }

    private mutating func add(_ document: ModelDocument) {
        add(id: document.id, title: document.title, text: document.text, kind: .document, place: document.place)
    }

    private mutating func add(id: String, title: String, text: String, kind: Source.Kind, place: String? = nil) {
        let bytes = text.utf8.count
        promptBytes += bytes
        var kept = text
        if bytes > room {
            var end = text.utf8.index(text.startIndex, offsetBy: room)
            while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
            kept = String(text[..<end])
            skippedBytes += bytes - kept.utf8.count
        }
        room -= kept.utf8.count
        sources.append(Source(id: id, title: title, text: kept, kind: kind, place: place))
    }
}
