import MillraceCore

// The names that the seam `DocumentExtractor` has for them.
extension ErrorCode {
    static let unsupportedDocument = ErrorCode(rawValue: "unsupported_document")
    static let documentTooLarge = ErrorCode(rawValue: "document_too_large")
    static let documentDamaged = ErrorCode(rawValue: "document_damaged")
    static let documentEncrypted = ErrorCode(rawValue: "document_encrypted")
    static let extractionTimeout = ErrorCode(rawValue: "extraction_timeout")
    static let extractionFailed = ErrorCode(rawValue: "extraction_failed")
}
