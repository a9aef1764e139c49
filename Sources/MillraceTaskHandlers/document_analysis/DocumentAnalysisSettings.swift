public import Millrace

/// What configuration may set of ``DocumentAnalysisHandler``.
public struct DocumentAnalysisSettings: HandlerSettings, Equatable {
    /// How long a document may be, in MiB (default: 20).
    public var maxDocumentSizeMb = 20
    /// How many documents a request may have (default: 20).
    public var maxDocuments = 20
    /// The types that are read (default: all that the extractor knows).
    public var supportedFormats = ["pdf", "docx", "xlsx", "pptx", "html", "markdown", "text", "csv"]
    /// How long the extractor may work on a document, in seconds (default: 120).
    public var extractionTimeoutSeconds = 120
    /// How long an analysis may take, in seconds (default: 600).
    public var analysisTimeoutSeconds = 600
    /// How many characters of all documents a model is given at once (default: 48,000). What is longer is read in parts.
    public var wholeCharacters = 48_000
    /// How many characters a part of a long document has (default: 16,000).
    public var partCharacters = 16_000
    /// How many parts are read at once (default: 4).
    public var concurrentParts = 4
    /// How many parts a request may have (default: 500): with as many calls of the model it ends.
    public var maxParts = 500
    /// How much text of long documents may be on the disk, of all analyses that go on at once, in MiB (default: 1024).
    public var maxSpoolMb = 1024
    /// How many quotes are kept of a part (default: 8).
    public var quotesPerPart = 8
    /// How many characters of the conversation before a question a model is given (default: 20,000).
    public var historyCharacters = 20_000

    /// `documentAnalysisConfig`.
    public static let group = "documentAnalysisConfig"
    /// All of them.
    public static let fields: [SettingField<Self>] = [
        .integer("maxDocumentSizeMb", \.maxDocumentSizeMb, in: 1...4096, "how long a document may be, in MiB"),
        .integer("maxDocuments", \.maxDocuments, in: 1...100, "how many documents a request may have"),
        .list(
            "supportedFormats", \.supportedFormats, of: ["pdf", "docx", "xlsx", "pptx", "html", "markdown", "text", "csv"],
            "the types that are read"),
        .integer(
            "extractionTimeoutSeconds", \.extractionTimeoutSeconds, in: 1...3600,
            "how long the extractor may work on a document, in seconds"),
        .integer("analysisTimeoutSeconds", \.analysisTimeoutSeconds, in: 1...86_400, "how long an analysis may take, in seconds"),
        .integer("wholeCharacters", \.wholeCharacters, in: 2000...10_000_000, "characters of all documents that a model is given at once"),
        .integer("partCharacters", \.partCharacters, in: 2000...1_000_000, "characters of a part of a long document"),
        .integer("concurrentParts", \.concurrentParts, in: 1...64, "how many parts are read at once"),
        .integer("maxParts", \.maxParts, in: 1...100_000, "how many parts a request may have"),
        .integer(
            "maxSpoolMb", \.maxSpoolMb, in: 1...1_048_576, "text of long documents on the disk, of all analyses at once, in MiB"),
        .integer("quotesPerPart", \.quotesPerPart, in: 1...50, "how many quotes are kept of a part"),
        .integer(
            "historyCharacters", \.historyCharacters, in: 0...10_000_000, "characters of the conversation before that a model is given"),
    ]

    /// Settings with their defaults.
    public init() {}
}
