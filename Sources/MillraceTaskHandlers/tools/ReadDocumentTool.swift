import Millrace
import MillraceCore

/// The tool `read_document`: pages, or a stretch of the text, of a document that belongs to the user.
struct ReadDocumentTool: Sendable {
    static let name = "read_document"
    /// How much of a document comes before the stretch that is asked for, in characters; more takes too long.
    private static let furthest = 200_000_000

    let content: ContentStore?
    let extractor: any DocumentExtractor

    func make() throws(MillraceError) -> Tool {
        try Tool(
            name: Self.name,
            description:
                "Reads a document that is attached to the conversation or was uploaded: some pages, or the text from a place on. "
                + "Use it when you need more of a document than you have.",
            arguments: [
                "type": "object", "additionalProperties": false, "required": ["document"],
                "properties": [
                    "document": [
                        "type": "string", "minLength": 1, "maxLength": 1100,
                        "description": "The document's title, or its pointer (content://…)",
                    ],
                    "first_page": [
                        "type": "integer", "minimum": 1, "description": "The first page, or slide of a presentation (default: the first)",
                    ],
                    "last_page": ["type": "integer", "minimum": 1, "description": "The last page (default: as far as there is room)"],
                    "offset": [
                        "type": "integer", "minimum": 0, "maximum": .integer(Self.furthest),
                        "description":
                            "How many characters of these pages to leave out first: next_offset of the result before (default: 0)",
                    ],
                ],
            ]
        ) { arguments, call in try await read(arguments, call) }
    }

    private func read(_ arguments: JSONValue, _ call: ToolInvocation) async throws -> JSONValue {
        let (first, last) = (arguments["first_page"]?.integer, arguments["last_page"]?.integer)
        if let first, let last, last < first {
            throw MillraceError(.invalidInput, "last_page is before first_page")
        }
        let attachment = try await document(arguments["document"]?.string ?? "", call)
        let stretch = DocumentStretch(
            pages: first == nil && last == nil ? nil : (first ?? 1)...max(last ?? .max, first ?? 1),
            offset: arguments["offset"]?.integer ?? 0,
            // What the result says besides has room, too.
            limit: max(call.resultCharacters - 500, 100))
        if let data = attachment.data {
            var bytes: [UInt8]? = data
            return try await extract(attachment, stretch) { bytes.take() }
        }
        guard let content, let pointer = attachment.pointer else {
            throw MillraceError(.notFound, "the content of '\(attachment.title ?? "this document")' did not come along")
        }
        return try await content.read(pointer, principal: call.principal) { object in
            try await extract(attachment, stretch) { try await object.next() }
        }
    }

    private func extract(
        _ attachment: Attachment, _ stretch: DocumentStretch, from next: @escaping () async throws -> [UInt8]?
    ) async throws -> JSONValue {
        let description = DocumentDescription(title: attachment.title, mimeType: attachment.mimeType)
        return try await extractor.extract(description, from: next) { document in
            var stretch = stretch
            // Whatever is left of the document when there is enough is not read.
            while !stretch.isFull, let piece = try await document.next() { stretch.receive(piece) }
            return try stretch.result(title: attachment.title ?? attachment.pointer ?? "", document.summary)
        }
    }

    /// The document that a model means: one of the conversation by its title, the newest first, or one of the user's own by its pointer.
    private func document(_ name: String, _ call: ToolInvocation) async throws -> Attachment {
        let attachments = Self.attachments(of: call.request)
        if let known = attachments.first(where: { $0.pointer == name || $0.title == name }) { return try await described(known, call) }
        if let record = try await content?.record(name, principal: call.principal) {
            return Attachment(pointer: record.pointer, mimeType: record.mimeType, title: record.title)
        }
        // An upload that the message names without a title has that of its record.
        var titles: [String] = []
        for attachment in attachments.prefix(50) {
            let known = try await described(attachment, call)
            if known.title == name { return known }
            if let title = known.title ?? known.pointer { titles.append(title) }
        }
        let others = titles.isEmpty ? "there is none in this conversation" : "there are \(titles.joined(separator: ", "))"
        throw MillraceError(.notFound, "there is no document '\(name.prefix(200))': \(others)")
    }

    /// An attachment with what is known of its upload.
    private func described(_ attachment: Attachment, _ call: ToolInvocation) async throws -> Attachment {
        guard attachment.data == nil, let pointer = attachment.pointer,
            let record = try await content?.record(pointer, principal: call.principal)
        else { return attachment }
        var attachment = attachment
        attachment.title = attachment.title ?? record.title
        attachment.mimeType = attachment.mimeType ?? record.mimeType
        return attachment
    }

    /// What users have attached, the newest first.
    static func attachments(of request: TaskRequest) -> [Attachment] {
        func documents(_ message: Message) -> [Attachment] {
            message.parts.compactMap { if case .document(let attachment) = $0 { attachment } else { nil } }
        }
        return documents(request.message) + request.context.compactMap(\.attachment)
            + request.history.reversed().filter { $0.role == .user }.flatMap(documents)
    }
}
