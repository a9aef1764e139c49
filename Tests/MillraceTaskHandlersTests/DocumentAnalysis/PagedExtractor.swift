import Millrace
import MillraceCore

/// Gives a document's text as pages, cut where it has a form feed. A text that begins with `!` is damaged behind its first page.
struct PagedExtractor: DocumentExtractor {
    private final class Pages: ExtractedDocument {
        let type: DocumentType
        var summary: DocumentSummary?
        private var pages: [String]
        private let isDamaged: Bool
        private var number = 0

        init(_ text: String, type: DocumentType) {
            isDamaged = text.hasPrefix("!")
            pages = text.split(separator: "\u{C}", omittingEmptySubsequences: false).map { String($0) }
            self.type = type
        }

        func next() async throws -> DocumentPiece? {
            if isDamaged, number == 1 { throw MillraceError(.documentDamaged, "its second page cannot be read") }
            guard number < pages.count else {
                summary = DocumentSummary(type: type, pageCount: pages.count, wordCount: 7)
                return nil
            }
            number += 1
            return DocumentPiece(text: pages[number - 1], position: DocumentPosition(page: number))
        }
    }

    func extract<R>(
        _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
        _ read: (any ExtractedDocument) async throws -> R
    ) async throws -> R {
        var bytes: [UInt8] = []
        while let more = try await next() { bytes += more }
        guard bytes.count <= limits.documentBytes else { throw MillraceError(.documentTooLarge, "too large") }
        let ending = description.title?.split(separator: ".").last.map { String($0) } ?? "pdf"
        return try await read(
            Pages(String(decoding: bytes, as: UTF8.self), type: DocumentType(rawValue: ending == "md" ? "markdown" : ending)))
    }
}
