import Glibc
import MillraceCore

/// What the chunks of a stream that hold a piece of text have in common: all but the text, as a rule.
///
/// A chunk that is byte for byte the last one, but for a text without escapes, says the same but for that text, so that nothing else of it
/// has to be read. Chunks that differ in more (a time, padding) are scanned, and become what the next one is compared with.
struct TextDeltaFrame: Sendable {
    /// All up to the text's opening quote.
    private var before: [UInt8] = []
    /// All from the text's closing quote on.
    private var after: [UInt8] = []

    /// The text of a chunk that differs from the one before in nothing else; `nil` where it must be scanned.
    func text(in bytes: UnsafeRawBufferPointer) -> String? {
        let end = bytes.count - after.count
        guard !before.isEmpty, end >= before.count, let start = bytes.baseAddress,
            before.withUnsafeBytes({ memcmp(start, $0.baseAddress!, $0.count) }) == 0,
            after.withUnsafeBytes({ memcmp(start + end, $0.baseAddress!, $0.count) }) == 0
        else { return nil }
        let text = UnsafeRawBufferPointer(rebasing: bytes[before.count..<end])
        // A quote would end the text before what is compared does.
        guard JSONEscaping.firstEscape(in: text) == text.count else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    /// Remembers a chunk whose text stands there, between quotes and without escapes.
    mutating func learn(_ bytes: UnsafeRawBufferPointer, text: Range<Int>) {
        before.removeAll(keepingCapacity: true)
        before.append(contentsOf: bytes[..<text.lowerBound])
        after.removeAll(keepingCapacity: true)
        after.append(contentsOf: bytes[text.upperBound...])
    }

    /// Forgets all.
    mutating func forget() {
        before.removeAll(keepingCapacity: true)
        after.removeAll(keepingCapacity: true)
    }
}
