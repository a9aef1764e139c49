public import MillraceCore

extension ErrorCode {
    /// The content is none that the extractor reads, such as a picture or a program.
    public static let unsupportedDocument = ErrorCode(rawValue: "unsupported_document")
    /// The document, its text, or what its reading takes is beyond a limit.
    public static let documentTooLarge = ErrorCode(rawValue: "document_too_large")
    /// The content is cut off or not what its type asks for.
    public static let documentDamaged = ErrorCode(rawValue: "document_damaged")
    /// The document asks for a password, or forbids that its text is taken out.
    public static let documentEncrypted = ErrorCode(rawValue: "document_encrypted")
    /// The document takes longer to read than it may.
    public static let extractionTimeout = ErrorCode(rawValue: "extraction_timeout")
    /// The extractor failed at the document, or could not be started.
    public static let extractionFailed = ErrorCode(rawValue: "extraction_failed")
}
