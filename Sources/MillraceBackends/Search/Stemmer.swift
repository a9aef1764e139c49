import CStemmer
import Millrace
import MillraceCore

/// One of Snowball's stemmers, in UTF-8. It keeps the last word in itself: one thread at a time.
final class Stemmer {
    private let handle: OpaquePointer

    /// - Parameter analysis: that of a language which Snowball stems.
    /// - Throws: ``ErrorCode/storageUnavailable`` when this libstemmer has no such stemmer, or there is no memory.
    convenience init(_ analysis: SearchIndexDefinition.TextField.Analysis) throws(MillraceError) { try self.init(named: analysis.rawValue) }

    /// - Parameter name: libstemmer's, such as `porter` for M. F. Porter's algorithm as it was published (1980).
    /// - Throws: as the other.
    init(named name: String) throws(MillraceError) {
        guard let handle = sb_stemmer_new(name, nil) else {
            throw MillraceError(
                .storageUnavailable,
                "libstemmer has no stemmer '\(name)': install Debian's libstemmer0d, or one with all languages")
        }
        self.handle = handle
    }

    deinit { sb_stemmer_delete(handle) }

    /// Calls `body` with the stem of a word in lower case; what it is given is valid during the call.
    func withStem<R>(of word: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        word.withUnsafeBufferPointer { word in
            guard let count = Int32(exactly: word.count), let stem = sb_stemmer_stem(handle, word.baseAddress, count) else {
                // No memory for so long a word: it is found as it stands.
                return body(word)
            }
            return body(UnsafeBufferPointer(start: stem, count: Int(sb_stemmer_length(handle))))
        }
    }
}
