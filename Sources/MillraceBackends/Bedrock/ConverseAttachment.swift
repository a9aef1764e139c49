import FoundationEssentials
import Millrace
import MillraceCore

/// Attachments as the API's `image` and `document` blocks.
///
/// Source: `ImageBlock` and `DocumentBlock`, Amazon Bedrock API Reference.
enum ConverseAttachment {
    /// A picture as a block; `nil` where it came without bytes or in a format that the API does not take.
    static func image(_ attachment: Attachment) -> JSONValue? {
        guard let data = attachment.data, let type = MessagesAttachment.imageType(data) else { return nil }
        return [
            "format": .string(String(type.dropFirst("image/".count))), "source": ["bytes": .string(Data(data).base64EncodedString())],
        ]
    }

    /// A document block's members.
    /// - Parameters:
    ///   - context: what the model is told about the document, beside its name; it is never cited.
    static func documentBlock(format: String, bytes: [UInt8], name: String, context: String?, cites: Bool) -> JSONValue {
        var members: [String: JSONValue] = [
            "format": .string(format), "name": .string(name), "source": ["bytes": .string(Data(bytes).base64EncodedString())],
        ]
        if let context { members["context"] = .string(context) }
        if cites { members["citations"] = ["enabled": true] }
        return .object(members)
    }

    /// The formats by their media types.
    private static let formats: [String: String] = [
        "application/pdf": "pdf", "text/csv": "csv", "application/csv": "csv", "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx", "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx", "text/html": "html", "application/xhtml+xml": "html",
        "text/markdown": "md", "text/x-markdown": "md", "text/plain": "txt",
    ]
    private static let endings: [String: String] = [
        "pdf": "pdf", "csv": "csv", "doc": "doc", "docx": "docx", "xls": "xls", "xlsx": "xlsx", "html": "html", "htm": "html", "txt": "txt",
        "md": "md", "markdown": "md",
    ]

    /// A file's format: by its first bytes, and within what these allow by its media type and its name. `nil`: the API takes no such file.
    static func format(of attachment: Attachment) -> String? {
        guard let data = attachment.data, !data.isEmpty else { return nil }
        if data.starts(with: Array("%PDF-".utf8)) { return "pdf" }
        let type = attachment.mimeType?.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        let said = type.flatMap { formats[$0] } ?? ending(of: attachment.title).flatMap { endings[$0] }
        // The containers of Office's formats, which say little of what is in them.
        if data.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return ["docx", "xlsx"].contains(said) ? said : nil }
        if data.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) { return ["doc", "xls"].contains(said) ? said : nil }
        guard let text = attachment.text, !MessagesConversation.isBlank(text) else { return nil }
        guard let said, ["csv", "html", "md"].contains(said) else { return "txt" }
        return said
    }

    private static func ending(of title: String?) -> String? {
        guard let title, let dot = title.lastIndex(of: "."), dot != title.startIndex else { return nil }
        return title[title.index(after: dot)...].lowercased()
    }

    /// A title as the API takes names: ASCII letters and digits, single spaces, hyphens, parentheses and square brackets, at most 200
    /// characters. The ending goes, since a block has its format.
    static func name(for title: String?) -> String {
        var title = title ?? ""
        if let ending = ending(of: title), endings[ending] != nil { title.removeLast(ending.count + 1) }
        var name: [UInt8] = []
        var hasWord = false
        for scalar in title.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9":
                hasWord = true
                name.append(UInt8(scalar.value))
            case "(", ")", "[", "]": name.append(UInt8(scalar.value))
            case _ where scalar.properties.isWhitespace: if let last = name.last, last != 0x20 { name.append(0x20) }
            default: if name.last != UInt8(ascii: "-") { name.append(UInt8(ascii: "-")) }
            }
            if name.count >= Self.nameLimit { break }
        }
        while name.last == 0x20 { name.removeLast() }
        return hasWord ? String(decoding: name, as: UTF8.self) : "document"
    }

    /// How long a name is, in bytes: the API's 200 with room for a number that makes it the only one.
    private static let nameLimit = 160
}
