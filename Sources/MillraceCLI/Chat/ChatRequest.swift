import FoundationEssentials
import MillraceCore

/// What `millrace chat` asks of a server.
struct ChatRequest: Equatable {
    var text: String
    var attachments: [Attachment] = []
    var chatID: String?
    var task: String?
    var model: String?
    var persona: String?

    /// The body of `POST /api/v1/generate/stream`.
    var body: [UInt8] {
        var parts: [JSONValue] = []
        for file in attachments {
            parts.append([
                "part_kind": "document", "data": .string(Data(file.bytes).base64EncodedString()), "mime_type": .string(file.mimeType),
                "title": .string(file.title),
            ])
        }
        parts.append(["part_kind": "text", "content": .string(text)])
        var members: [String: JSONValue] = ["parts": .array(parts)]
        if let chatID { members["chat_id"] = .string(chatID) }
        if let task { members["task"] = .string(task) }
        if let model { members["model_id"] = .string(model) }
        if let persona { members["persona"] = .string(persona) }
        return Array(JSONValue.object(members).text.utf8)
    }
}

/// A file that goes with a message.
struct Attachment: Equatable {
    /// The most bytes of all files of one message: in base64 they fit the server's default body limit of 10 MiB.
    static let byteLimit = 7 << 20

    var title: String
    var mimeType: String
    var bytes: [UInt8]

    /// Reads files.
    /// - Throws: ``MillraceError`` that names the file when one cannot be read, or all together are too large.
    static func read(_ paths: [String], limit: Int = byteLimit) throws(MillraceError) -> [Attachment] {
        var left = limit
        var files: [Attachment] = []
        for path in paths {
            do throws(MillraceError) {
                let bytes = try BoundedFile.read(path, limit: left)
                left -= bytes.count
                files.append(Attachment(title: title(path), mimeType: mimeType(path), bytes: bytes))
            } catch {
                guard error.code == .limitExceeded else { throw error }
                throw MillraceError(.limitExceeded, "\(path) is too large: the files of one message may have \(limit) bytes together")
            }
        }
        return files
    }

    static func title(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    static func mimeType(_ path: String) -> String {
        let name = title(path)
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "application/octet-stream" }
        return mimeTypes[name[name.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }

    private static let mimeTypes = [
        "txt": "text/plain", "text": "text/plain", "log": "text/plain", "md": "text/markdown", "markdown": "text/markdown",
        "csv": "text/csv",
        "tsv": "text/tab-separated-values", "html": "text/html", "htm": "text/html", "xml": "application/xml", "json": "application/json",
        "jsonl": "application/x-ndjson", "yaml": "application/yaml", "yml": "application/yaml", "pdf": "application/pdf",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation", "swift": "text/plain", "py": "text/plain",
        "c": "text/plain", "h": "text/plain", "js": "text/javascript", "css": "text/css", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    ]
}
