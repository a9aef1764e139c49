/// A part of a document's text and where it stands.
public struct DocumentPiece: Equatable, Sendable {
    /// What a piece is in its document.
    public enum Kind: String, Equatable, Sendable, CaseIterable {
        /// Running text.
        case text
        /// A heading; its position names it already.
        case heading
        /// Rows of a table, a line each, their cells separated by tabs.
        case table
        /// A footnote, an endnote, or a speaker's notes.
        case note
    }

    /// The text, lines ended by a line feed. All pieces' texts, one behind the other, are the document's text: a block that is too long for one
    /// piece goes on in the next.
    public var text: String
    /// What it is.
    public var kind: Kind
    /// Where it stands.
    public var position: DocumentPosition

    /// Creates a piece.
    public init(text: String, kind: Kind = .text, position: DocumentPosition = DocumentPosition()) {
        self.text = text
        self.kind = kind
        self.position = position
    }
}

/// Where a piece of text stands, as a reader would look for it. Which members there are depends on the document's type.
public struct DocumentPosition: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// The page of a PDF, from 1.
    public var page: Int?
    /// The slide of a presentation, from 1.
    public var slide: Int?
    /// The headings above the text, the outermost first (docx, html, markdown, the title of a slide).
    public var section: [String]
    /// The sheet of a workbook.
    public var sheet: String?
    /// The rows of a sheet or a CSV, from 1.
    public var rows: ClosedRange<Int>?
    /// The lines of a text, from 1.
    public var lines: ClosedRange<Int>?

    /// Creates a position.
    public init(
        page: Int? = nil, slide: Int? = nil, section: [String] = [], sheet: String? = nil, rows: ClosedRange<Int>? = nil,
        lines: ClosedRange<Int>? = nil
    ) {
        self.page = page
        self.slide = slide
        self.section = section
        self.sheet = sheet
        self.rows = rows
        self.lines = lines
    }

    /// The position in words, such as `page 3` or `sheet 'Costs', rows 2–40`; empty where nothing is known.
    public var description: String {
        var parts: [String] = []
        if let page { parts.append("page \(page)") }
        if let slide { parts.append("slide \(slide)") }
        if let sheet { parts.append("sheet '\(sheet)'") }
        if !section.isEmpty { parts.append("section '\(section.joined(separator: " › "))'") }
        if let rows { parts.append(Self.range("row", rows)) }
        if let lines { parts.append(Self.range("line", lines)) }
        return parts.joined(separator: ", ")
    }

    private static func range(_ name: String, _ range: ClosedRange<Int>) -> String {
        range.count == 1 ? "\(name) \(range.lowerBound)" : "\(name)s \(range.lowerBound)–\(range.upperBound)"
    }
}

/// What is known of a document once all of it is read.
public struct DocumentSummary: Equatable, Sendable {
    /// What its content says it is.
    public var type: DocumentType
    /// The title that the document gives itself.
    public var title: String?
    /// How many pages a PDF has, how many slides a presentation, how many sheets a workbook; `nil` for what has none.
    public var pageCount: Int?
    /// How many words its text has, separated by white space.
    public var wordCount: Int
    /// How many characters (Unicode scalars) its text has.
    public var characterCount: Int
    /// What a reader should know, a sentence each: another type than declared, pages without text, a sandbox that is not whole.
    public var warnings: [String]

    /// Creates a summary.
    public init(
        type: DocumentType, title: String? = nil, pageCount: Int? = nil, wordCount: Int = 0, characterCount: Int = 0,
        warnings: [String] = []
    ) {
        self.type = type
        self.title = title
        self.pageCount = pageCount
        self.wordCount = wordCount
        self.characterCount = characterCount
        self.warnings = warnings
    }
}
