import Millrace

/// The text of a whole document, with a line such as `[page 3]` wherever another page, slide or sheet begins, so that what is quoted keeps
/// its place. A value without I/O.
struct DocumentText {
    /// How long it may get, in bytes.
    let limit: Int
    private(set) var text = ""
    private var place = DocumentPosition()

    init(limit: Int) { self.limit = limit }

    /// Takes the next piece.
    /// - Returns: false for what does not fit.
    mutating func append(_ piece: DocumentPiece) -> Bool {
        let position = piece.position
        let place = DocumentPosition(page: position.page, slide: position.slide, sheet: position.sheet)
        if place != self.place {
            self.place = place
            // A page's text may end without a line feed.
            if !text.isEmpty { text += text.utf8.last == 0x0A ? "\n" : "\n\n" }
            text += "[\(place)]\n\n"
        }
        text += piece.text
        return text.utf8.count <= limit
    }

    /// Reads a document; `nil`: it has more text than fits.
    static func read(
        _ description: DocumentDescription, limit: Int, with extractor: any DocumentExtractor,
        from next: @escaping () async throws -> [UInt8]?
    ) async throws -> (text: String, hasText: Bool)? {
        try await extractor.extract(description, from: next) { document in
            var whole = DocumentText(limit: limit)
            while let piece = try await document.next() {
                guard whole.append(piece) else { return nil }
            }
            return (whole.text, document.summary.map { $0.wordCount > 0 } ?? true)
        }
    }
}
