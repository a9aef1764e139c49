/// Reads text with positions out of documents: the seam between a handler and whatever knows PDF, Word and the like.
///
/// A document's bytes are pulled as the extractor takes them and its text comes in pieces, so that neither is ever whole in memory:
/// ```swift
/// try await content.read(pointer, principal: context.principal) { object in
///     try await extractor.extract(.init(title: "lease.pdf"), from: { try await object.next() }) { document in
///         while let piece = try await document.next() { print(piece.position.page ?? 0, piece.text) }
///     }
/// }
/// ```
/// Methods throw ``ErrorCode/unsupportedDocument``, ``ErrorCode/documentTooLarge``, ``ErrorCode/documentDamaged``,
/// ``ErrorCode/documentEncrypted``, ``ErrorCode/extractionTimeout`` and ``ErrorCode/extractionFailed`` for what the document is;
/// ``ErrorCode/limitExceeded`` (retryable) when too many wait; what the source throws; `CancellationError` when the task is cancelled.
public protocol DocumentExtractor: Sendable {
    /// How much a document may be and may cost where a caller does not say (default: those of ``DocumentLimits``).
    var limits: DocumentLimits { get }

    /// Lends a document's text while it is read. What `read` leaves is not extracted.
    /// - Parameters:
    ///   - description: what is known of the document beforehand.
    ///   - limits: how much it may be and may cost.
    ///   - next: the next bytes of the document, `nil` at its end; called by the task that calls this method.
    ///   - read: pulls the pieces; called once the document's type is known.
    /// - Returns: what `read` returns.
    func extract<R>(
        _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
        _ read: (any ExtractedDocument) async throws -> R
    ) async throws -> R
}

extension DocumentExtractor {
    /// The defaults.
    public var limits: DocumentLimits { DocumentLimits() }

    /// As ``extract(_:limits:from:_:)``, with the extractor's own ``limits``.
    public func extract<R>(
        _ description: DocumentDescription, from next: @escaping () async throws -> [UInt8]?,
        _ read: (any ExtractedDocument) async throws -> R
    ) async throws -> R {
        try await extract(description, limits: limits, from: next, read)
    }
}

/// A document's text while it is lent; used by one task at a time.
public protocol ExtractedDocument: AnyObject {
    /// What the document's content says it is.
    var type: DocumentType { get }
    /// What is known of the whole document; `nil` until ``next()`` has returned `nil`.
    var summary: DocumentSummary? { get }
    /// The next piece, of some kilobytes; `nil` at the end.
    func next() async throws -> DocumentPiece?
}
