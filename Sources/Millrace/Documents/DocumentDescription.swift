/// What is known of a document before it is read. Nothing of it is trusted: the content says what the document is.
public struct DocumentDescription: Equatable, Sendable {
    /// Its name, such as `lease.pdf`; the ending tells kinds of text apart, which look alike.
    public var title: String?
    /// What the client says it is, such as `application/pdf`. Another content is a warning.
    public var mimeType: String?
    /// Creates a description.
    public init(title: String? = nil, mimeType: String? = nil) {
        self.title = title
        self.mimeType = mimeType
    }
}

/// What a document is. An open set: an extractor may know more.
public struct DocumentType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name, such as `pdf`.
    public let rawValue: String
    /// A type of that name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name.
    public var description: String { rawValue }

    /// Portable Document Format (ISO 32000).
    public static let pdf = DocumentType(rawValue: "pdf")
    /// A text document of Office Open XML (ISO/IEC 29500).
    public static let docx = DocumentType(rawValue: "docx")
    /// A workbook of Office Open XML.
    public static let xlsx = DocumentType(rawValue: "xlsx")
    /// A presentation of Office Open XML.
    public static let pptx = DocumentType(rawValue: "pptx")
    /// A web page.
    public static let html = DocumentType(rawValue: "html")
    /// Text in Markdown.
    public static let markdown = DocumentType(rawValue: "markdown")
    /// Rows of fields (RFC 4180, also with other delimiters).
    public static let csv = DocumentType(rawValue: "csv")
    /// Any other text.
    public static let text = DocumentType(rawValue: "text")
}

/// How much a document may be, and may cost.
public struct DocumentLimits: Equatable, Sendable {
    /// The longest document, in bytes (default: 256 MiB).
    public var documentBytes: Int
    /// The most text that comes out of it, in characters (default: 200 million). What came before the error is right.
    public var textCharacters: Int
    /// The most pages of a PDF (default: 10,000).
    public var pages: Int
    /// How many parts a packed document (docx, xlsx, pptx) may have (default: 10,000).
    public var parts: Int
    /// How many bytes its parts may unpack to (default: 1 GiB).
    public var unpackedBytes: Int
    /// How many times its packed length a part may unpack to, once it is longer than 16 MiB (default: 250).
    public var compressionRatio: Int
    /// How long the extractor may be waited for, in seconds; a source or a reader that is slow does not count (default: 120).
    public var seconds: Int
    /// Processor time, in seconds (default: 60).
    public var processorSeconds: Int
    /// Address space of the process that reads the document, in bytes (default: 1 GiB).
    public var memoryBytes: Int

    /// The defaults.
    public init() {
        documentBytes = 256 << 20
        textCharacters = 200_000_000
        pages = 10_000
        parts = 10_000
        unpackedBytes = 1 << 30
        compressionRatio = 250
        seconds = 120
        processorSeconds = 60
        memoryBytes = 1 << 30
    }
}
