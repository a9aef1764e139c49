import CLinux

/// The extractor lies beside the tests and is built as they are. With a sanitizer in it, which needs more address space than there is memory, it
/// cannot limit its memory, and says so.
enum BuildWithSanitizer {
    static let isThis = cl_is_sanitized() != 0

    /// What the extractor warns of in any case.
    static let warnings = isThis ? ["memory is not limited, since the extractor was built with a sanitizer"] : []
}
