import Millrace
import MillraceCore

/// Fetches what a request's pointers name: files that fit whole, and of longer texts the passages that the message is about. What is no
/// plain text, such as PDF, goes through an extractor.
struct AttachmentReader {
    let content: ContentStore?
    let passages: ContentPassages?
    let documents: (any DocumentExtractor)?
    let question: String
    let seesImages: Bool
    let context: RunContext

    /// How long a text may be to be read whole, in bytes.
    static let wholeBytes = 256 << 10
    /// How long a picture may be, in bytes: what models take at most.
    static let imageBytes = 5 << 20
    /// How many bytes all files of a request may have together.
    static let totalBytes = 24 << 20
    /// How many passages of one long text are given to the model.
    static let passageCount = 12

    var room = totalBytes
    /// What is left out, for the user.
    private(set) var skipped: [String] = []

    init(
        content: ContentStore?, passages: ContentPassages?, documents: (any DocumentExtractor)?, question: String, seesImages: Bool,
        context: RunContext
    ) {
        self.content = content
        self.passages = passages
        self.documents = documents
        self.question = question
        self.seesImages = seesImages
        self.context = context
    }

    /// The request with its files in it. The newest come first where there is not room for all.
    mutating func read(_ request: TaskRequest) async throws -> TaskRequest {
        var request = request
        request.message = try await read(request.message, isCurrent: true)
        for place in request.context.indices {
            guard let attachment = request.context[place].attachment else { continue }
            request.context[place].attachment = try await read(attachment, isImage: false, isCurrent: true)
        }
        // Documents of answers are a record of what those drew on.
        for place in request.history.indices.reversed() where request.history[place].role == .user {
            request.history[place] = try await read(request.history[place], isCurrent: false)
        }
        return request
    }

    private mutating func read(_ message: Message, isCurrent: Bool) async throws -> Message {
        var message = message
        for place in message.parts.indices {
            switch message.parts[place] {
            case .image(let attachment):
                message.parts[place] = .image(try await read(attachment, isImage: true, isCurrent: isCurrent))
            case .document(let attachment):
                message.parts[place] = .document(try await read(attachment, isImage: false, isCurrent: isCurrent))
            default: break
            }
        }
        return message
    }

    private mutating func read(_ attachment: Attachment, isImage: Bool, isCurrent: Bool) async throws -> Attachment {
        if let data = attachment.data {
            guard !isImage, let documents, AttachmentForm(mimeType: attachment.mimeType).isExtracted else { return attachment }
            var bytes: [UInt8]? = data
            if let read = try await extract(attachment, with: documents, isCurrent, from: { bytes.take() }) { return read }
            return skip(attachment, "it has too much text to be read whole: upload it, and name its pointer", isCurrent)
        }
        guard let content, let pointer = attachment.pointer else { return attachment }
        guard let record = try await content.record(pointer, principal: context.principal) else {
            // It was there when the message was sent.
            return skip(attachment, "it was deleted", isCurrent)
        }
        var read = attachment
        read.mimeType = attachment.mimeType ?? record.mimeType
        read.title = attachment.title ?? record.title
        if isImage, !seesImages { return read }
        let form = AttachmentForm(mimeType: read.mimeType)
        if form == .text || form == .markup && documents == nil, record.length > Self.wholeBytes {
            return try await passages(of: record, read, isCurrent)
        }
        if !isImage, form.isExtracted, let documents { return try await extract(record, read, content, documents, isCurrent) }
        // What is neither text nor a picture says so itself.
        guard form == .text || form == .markup || isImage else { return read }
        let limit = isImage ? Self.imageBytes : Self.wholeBytes
        guard record.length <= min(limit, room) else {
            return skip(read, "it is too long", isCurrent)
        }
        do {
            read.data = try await content.bytes(pointer, limit: limit, principal: context.principal)
        } catch let error as MillraceError where error.code == .notFound {
            // Deleted meanwhile, or by somebody behind the server's back.
            return skip(read, "it was deleted", isCurrent)
        }
        if !isImage, read.text == nil, let documents {
            // Text in another encoding than UTF-8, or none at all: the extractor knows.
            var bytes = read.data.take()
            if let found = try await extract(read, with: documents, isCurrent, from: { bytes.take() }) { return found }
            return skip(read, "it is too long", isCurrent)
        }
        room -= record.length
        return read
    }

    /// A long text as the passages that the message is about.
    mutating func passages(of record: ContentRecord, _ attachment: Attachment, _ isCurrent: Bool) async throws -> Attachment {
        guard let passages else {
            return skip(attachment, "it is too long to be read whole, and no search index is configured", isCurrent)
        }
        if isCurrent { try await context.emit(.status("searching", message: "Searching \(attachment.title ?? "a long document")")) }
        let found: [ContentPassages.Passage]
        do {
            found = try await passages.find(
                question, in: [record], limit: Self.passageCount, principal: context.principal, report: { context.report($0) })
        } catch let error as MillraceError where error.code == .invalidInput || Self.isOfDocument(error) {
            return skip(attachment, error.message, isCurrent)
        } catch let error as MillraceError where error.code == .notFound {
            return skip(attachment, "it was deleted", isCurrent)
        }
        guard !found.isEmpty else {
            return skip(attachment, "nothing in it fits the message", isCurrent)
        }
        var read = attachment
        read.extractedText = found.map { passage in (passage.position.map { "[\($0)]\n" } ?? "") + passage.text }.joined(separator: "\n\n")
        return read
    }

    /// Leaves an attachment out, and tells the user if it came with this request.
    @discardableResult
    mutating func skip(_ attachment: Attachment, _ reason: String, _ isCurrent: Bool) -> Attachment {
        var attachment = attachment
        attachment.isReportedSkipped = true
        guard isCurrent else { return attachment }
        skipped.append("\(attachment.title ?? attachment.pointer ?? "An attachment") is left out: \(reason)")
        return attachment
    }
}
