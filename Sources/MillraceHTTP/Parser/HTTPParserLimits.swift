/// What a request may cost before it is refused. Every limit is inclusive: exactly the limit passes, one more fails.
package struct HTTPParserLimits: Sendable, Equatable {
    /// Bytes of the request line without its CRLF (414).
    package var requestLineBytes = 8192
    /// Header and trailer lines of one request together (431).
    package var headerCount = 100
    /// Bytes of all header and trailer lines of one request with their CRLFs (431).
    package var headerBytes = 32768
    /// Bytes of a body where the route sets no limit of its own (413).
    package var bodyBytes = 1 << 20
    /// Bytes of one chunk-size line with its extensions, without its CRLF (400).
    package var chunkLineBytes = 256
    /// Bytes of chunk extensions in one request: nobody uses them, and without a bound they let a body cost far more than its size (400).
    package var chunkExtensionBytes = 4096
    /// Empty lines skipped before a request line (400): RFC 9112, section 2.2, asks for at least one.
    package var leadingEmptyLines = 4

    package init() {}

    /// The head's offsets are 32 bits wide, so its parts are kept far below that.
    var bounded: HTTPParserLimits {
        var limits = self
        limits.requestLineBytes = min(max(requestLineBytes, 0), 1 << 30)
        limits.headerBytes = min(max(headerBytes, 0), 1 << 30)
        limits.chunkLineBytes = min(max(chunkLineBytes, 1), 1 << 30)
        return limits
    }
}
