import Millrace
import MillraceCore

/// Reads documents passage by passage, through the extractor, within the limits of configuration.
struct DocumentReading {
    let content: ContentStore?
    let extractor: any DocumentExtractor
    let settings: DocumentAnalysisSettings
    let context: RunContext

    /// Whether an error says what is wrong with a document, so that the others can still be read.
    static func isOfDocument(_ error: MillraceError) -> Bool {
        [
            .unsupportedDocument, .documentTooLarge, .documentDamaged, .documentEncrypted, .extractionTimeout, .extractionFailed, .notFound,
        ].contains(error.code)
    }

    /// Reads a document; its passages are handed on as they come, so that it is never whole in memory.
    /// - Parameter number: its number in the request, from 1, which is its id.
    /// - Returns: what is known of it.
    func read(
        _ attachment: Attachment, number: Int, _ receive: (CollectionPassage) async throws -> Void
    ) async throws -> DocumentReference {
        if let data = attachment.data {
            try check(data.count)
            var rest: [UInt8]? = data
            return try await extract(attachment, number, length: data.count, from: { rest.take() }, receive)
        }
        guard let content, let pointer = attachment.pointer else {
            throw MillraceError(.notFound, "its content did not come with the request")
        }
        guard let record = try await content.record(pointer, principal: context.principal) else {
            throw MillraceError(.notFound, "it was deleted, or never uploaded")
        }
        try check(record.length)
        var attachment = attachment
        attachment.title = attachment.title ?? record.title
        attachment.mimeType = attachment.mimeType ?? record.mimeType
        return try await content.read(pointer, principal: context.principal) { object in
            try await extract(attachment, number, length: record.length, from: { try await object.next() }, receive)
        }
    }

    private func check(_ length: Int) throws(MillraceError) {
        guard length <= settings.maxDocumentSizeMb << 20 else {
            throw MillraceError(
                .documentTooLarge,
                "it is \(length) bytes long, more than the \(settings.maxDocumentSizeMb) MiB of documentAnalysisConfig.maxDocumentSizeMb")
        }
    }

    private func extract(
        _ attachment: Attachment, _ number: Int, length: Int, from next: @escaping () async throws -> [UInt8]?,
        _ receive: (CollectionPassage) async throws -> Void
    ) async throws -> DocumentReference {
        var limits = extractor.limits
        limits.documentBytes = min(limits.documentBytes, settings.maxDocumentSizeMb << 20)
        limits.seconds = settings.extractionTimeoutSeconds
        let description = DocumentDescription(title: attachment.title, mimeType: attachment.mimeType)
        let id = "doc_\(number)"
        return try await extractor.extract(description, limits: limits, from: next) { document in
            guard settings.supportedFormats.contains(document.type.rawValue) else {
                throw MillraceError(
                    .unsupportedDocument, "it is \(document.type), which documentAnalysisConfig.supportedFormats does not name")
            }
            let title = attachment.title ?? attachment.pointer ?? "document \(number)"
            var chunker = PassageChunker()
            var place = 0
            func hand(_ passages: [PassageChunker.Passage]) async throws {
                for passage in passages {
                    try await receive(
                        CollectionPassage(
                            documentID: id, place: place, text: passage.text, title: title, position: passage.position,
                            sections: passage.sections,
                            source: attachment.pointer ?? title, mimeType: attachment.mimeType ?? "text/plain"))
                    place += 1
                }
            }
            while let piece = try await document.next() { try await hand(chunker.receive(piece)) }
            try await hand(chunker.finish())
            return DocumentReference(
                documentID: id, title: title, pointer: attachment.pointer, mimeType: attachment.mimeType,
                pageCount: document.summary?.pageCount, wordCount: document.summary?.wordCount)
        }
    }
}
