/// A part of a document's text, as it goes to whoever asked for it.
struct Piece: Equatable, Sendable {
    /// What a piece is; the names are those of the output.
    enum Kind: String, Sendable {
        case text, heading, table, note
    }

    /// Valid UTF-8 without control characters but tabs and line feeds.
    var text: [UInt8]
    var kind: Kind
    var place: Place
    /// The rows, or the lines, that it has text of.
    var numbers: ClosedRange<Int>?

    var string: String { String(decoding: text, as: UTF8.self) }
}

/// Where text stands, but for the number of its row or line.
struct Place: Equatable, Sendable {
    var page: Int?
    var slide: Int?
    var sheet: String?
    var section: [String] = []

    /// How much of a heading is kept to name its section, in characters.
    private static let headingLength = 200

    /// Makes a heading the innermost of the section.
    /// - Parameter level: from 1; those of its own level and below end.
    mutating func enter(_ heading: String, level: Int) {
        let kept = min(max(level, 1) - 1, section.count)
        section.removeSubrange(kept...)
        section.append(String(heading.prefix(Self.headingLength)))
    }
}
