import FoundationEssentials
import Millrace
import MillraceCore

/// Attachments as the API's `image` and `document` blocks.
enum MessagesAttachment {
    /// The API bounds titles without saying where; a citation gets the whole one back from us.
    private static let titleLimit = 255

    /// A document block: what it is made of, and what the model is told about it.
    static func documentBlock(source: JSONValue, title: String?, context: String? = nil, cites: Bool) -> [String: JSONValue] {
        var members: [String: JSONValue] = ["type": "document", "source": source]
        if let title, !MessagesConversation.isBlank(title) { members["title"] = .string(String(title.prefix(titleLimit))) }
        if let context { members["context"] = .string(context) }
        if cites { members["citations"] = ["enabled": true] }
        return members
    }

    /// A text as a document's source.
    static func textSource(_ text: String) -> JSONValue { ["type": "text", "media_type": "text/plain", "data": .string(text)] }

    /// A text or PDF as a block; `nil` for anything else, and for what came without its bytes.
    static func document(_ attachment: Attachment, cites: Bool) -> JSONValue? {
        let source: JSONValue
        if let data = attachment.data, data.starts(with: Array("%PDF-".utf8)) {
            source = ["type": "base64", "media_type": "application/pdf", "data": .string(Data(data).base64EncodedString())]
        } else if let text = attachment.text, !MessagesConversation.isBlank(text) {
            source = textSource(text)
        } else {
            return nil
        }
        return .object(documentBlock(source: source, title: attachment.title, cites: cites))
    }

    /// A picture as a block; a note in its place where it came without bytes or in a format that the API does not take.
    static func image(_ attachment: Attachment) -> JSONValue {
        guard let data = attachment.data, let type = imageType(data) else { return note(attachment) }
        return [
            "type": "image", "source": ["type": "base64", "media_type": .string(type), "data": .string(Data(data).base64EncodedString())],
        ]
    }

    /// A text that names what the model does not get to see, so that it can say so.
    static func note(_ attachment: Attachment) -> JSONValue {
        let name = attachment.title ?? attachment.pointer ?? "without a name"
        let type = attachment.mimeType.map { " (\($0))" } ?? ""
        return ["type": "text", "text": .string("[Attachment \(name)\(type): its content is not included.]")]
    }

    /// The format by the file's first bytes. The declared type is not asked: the API compares it with the bytes and refuses a wrong one.
    static func imageType(_ data: [UInt8]) -> String? {
        func has(_ signature: String, at offset: Int = 0) -> Bool { data.dropFirst(offset).starts(with: Array(signature.utf8)) }
        if data.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        if data.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if has("GIF87a") || has("GIF89a") { return "image/gif" }
        if has("RIFF"), has("WEBP", at: 8) { return "image/webp" }
        return nil
    }
}
