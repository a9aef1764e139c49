import MillraceCore

/// What reads a document from its bytes as they come: text, markdown, CSV, HTML.
protocol ByteReader {
    /// The title that the document gives itself.
    var title: String? { get }
    /// Takes the next bytes.
    mutating func receive(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError)
    /// Takes the end.
    mutating func finish(_ writer: PieceWriter) throws(MillraceError)
    /// What a reader should know.
    var warnings: [String] { get }
}

extension CharacterDecoder {
    var warnings: [String] {
        var warnings: [String] = []
        if isDamaged { warnings.append("some characters are damaged and were replaced") }
        if encoding == .windows1252 { warnings.append("the text is not UTF-8 and was read as Windows-1252") }
        return warnings
    }
}

/// Reads plain text: it stays as it is, with the numbers of its lines.
struct TextReader: ByteReader {
    private var decoder = CharacterDecoder()

    var title: String? { nil }
    var warnings: [String] { decoder.warnings }

    mutating func receive(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        try writer.append(raw: decoder.decode(bytes), at: Place())
    }

    mutating func finish(_ writer: PieceWriter) throws(MillraceError) {
        try writer.append(raw: decoder.finish(), at: Place())
        try writer.flush()
    }
}
