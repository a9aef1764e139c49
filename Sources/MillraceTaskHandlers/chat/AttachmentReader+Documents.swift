import Millrace
import MillraceCore

/// Documents whose text an extractor reads.
extension AttachmentReader {
    /// Whether an error says what is wrong with a document, so that the answer can go on without it.
    static func isOfDocument(_ error: MillraceError) -> Bool {
        [
            .unsupportedDocument, .documentTooLarge, .documentDamaged, .documentEncrypted, .extractionTimeout, .extractionFailed,
            .limitExceeded,
        ].contains(error.code)
    }

    /// An uploaded document, whole or as the passages that the message is about.
    mutating func extract(
        _ record: ContentRecord, _ attachment: Attachment, _ content: ContentStore, _ documents: any DocumentExtractor, _ isCurrent: Bool
    ) async throws -> Attachment {
        do {
            var reader = self
            let read = try await content.read(record.pointer, principal: context.principal) { object in
                try await reader.extract(attachment, with: documents, isCurrent, from: { try await object.next() })
            }
            self = reader
            if let read { return read }
        } catch let error as MillraceError where error.code == .notFound {
            return skip(attachment, "it was deleted", isCurrent)
        }
        return try await passages(of: record, attachment, isCurrent)
    }

    /// A document with its text; `nil`: it has too much to be read whole.
    mutating func extract(
        _ attachment: Attachment, with documents: any DocumentExtractor, _ isCurrent: Bool, from next: @escaping () async throws -> [UInt8]?
    ) async throws -> Attachment? {
        let description = DocumentDescription(title: attachment.title, mimeType: attachment.mimeType)
        do {
            guard let found = try await DocumentText.read(description, limit: Self.wholeBytes, with: documents, from: next) else {
                return nil
            }
            guard found.hasText else { return skip(attachment, "it has no text: its pages may be pictures", isCurrent) }
            let length = found.text.utf8.count
            guard length <= room else { return skip(attachment, "it is too long", isCurrent) }
            room -= length
            var read = attachment
            read.extractedText = found.text
            return read
        } catch let error as MillraceError where Self.isOfDocument(error) {
            return skip(attachment, error.message, isCurrent)
        }
    }
}
