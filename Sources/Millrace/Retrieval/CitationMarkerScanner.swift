/// Finds citation markers in a model's text as it streams: `<cite ref="2">words of the source</cite>`.
///
/// However the text is cut into pieces, the result is the same. What may still become a marker is held back: an opening tag of at most 64
/// bytes and a quote of at most ``longestQuote`` bytes, everything else goes on at once. A pure value.
///
/// - The tag's name may be in capitals; the number may stand without quotation marks, in single ones, or in brackets.
/// - A quote ends with its closing tag. One that the text's end or another marker cuts off is a marker without a quote. One that a blank
///   line
///   follows, or that is too long, was never meant as one: it is text, without its tag.
/// - A closing tag alone is left out, and so is a marker that the text's end cuts off.
package struct CitationMarkerScanner: Sendable {
    /// What stands in the text.
    package enum Piece: Equatable, Sendable {
        /// Text.
        case text(String)
        /// A marker: the number of its source, where it names one, and its quote, where it has one.
        case marker(reference: Int?, quote: String?)
    }

    private enum State: Sendable {
        case text
        /// In what may be a tag; it is in `held`.
        case tag
        /// Behind an opening tag; the quote so far is in `held`.
        case quote(reference: Int?)
    }

    /// The longest quote, in bytes of UTF-8.
    package static let longestQuote = 4096
    private static let longestTag = 64
    private static let opening = Array("<cite".utf8)
    private static let closing = Array("</cite".utf8)

    private var state = State.text
    private var held: [UInt8] = []
    private var plain: [UInt8] = []
    private var pieces: [Piece] = []

    package init() {}

    /// Takes the next piece of the text.
    package mutating func receive(_ text: String) -> [Piece] {
        if case .text = state, !text.utf8.contains(UInt8(ascii: "<")) { return text.isEmpty ? [] : [.text(text)] }
        for byte in text.utf8 { receive(byte) }
        return take()
    }

    /// The text has ended.
    package mutating func finish() -> [Piece] {
        switch state {
        case .text: break
        case .tag: if held.count < 3 { plain += held }
        case .quote(let reference): add(.marker(reference: reference, quote: nil))
        }
        held = []
        state = .text
        return take()
    }

    private mutating func take() -> [Piece] {
        flush()
        defer { pieces = [] }
        return pieces
    }

    private mutating func flush() {
        if !plain.isEmpty { pieces.append(.text(String(decoding: plain, as: UTF8.self))) }
        plain = []
    }

    private mutating func add(_ marker: Piece) {
        flush()
        pieces.append(marker)
    }

    private mutating func receive(_ byte: UInt8) {
        switch state {
        case .text:
            if byte == UInt8(ascii: "<") {
                held = [byte]
                state = .tag
            } else {
                plain.append(byte)
            }
        case .tag:
            held.append(byte)
            judgeTag()
        case .quote(let reference):
            held.append(byte)
            judgeQuote(reference)
        }
    }

    // MARK: Tags

    private mutating func judgeTag() {
        for name in [Self.opening, Self.closing] where Self.isPrefix(held, of: name) || Self.isPrefix(name, of: held) {
            guard held.count > name.count, let last = held.last else { return }
            if held.count == name.count + 1, !Self.isSpace(last), last != UInt8(ascii: ">"), last != UInt8(ascii: "/") { break }
            if last == UInt8(ascii: ">") {
                endTag(isOpening: name == Self.opening)
                return
            }
            guard held.count <= Self.longestTag, last != UInt8(ascii: "<") else { break }
            return
        }
        // No tag of ours: it is text, but for its last byte, which may begin one.
        let last = held.removeLast()
        plain += held
        held = []
        state = .text
        receive(last)
    }

    private mutating func endTag(isOpening: Bool) {
        let tag = held
        held = []
        state = .text
        guard isOpening else { return }
        let reference = Self.reference(in: tag)
        if tag[tag.count - 2] == UInt8(ascii: "/") {
            add(.marker(reference: reference, quote: nil))
        } else {
            state = .quote(reference: reference)
        }
    }

    /// The number behind `ref=`.
    private static func reference(in tag: [UInt8]) -> Int? {
        guard let name = SubsequenceSearch(Array("ref".utf8)).first(in: tag.map { $0 | 0x20 }, where: { isSpace(tag[$0.lowerBound - 1]) })
        else { return nil }
        let value = tag[name.upperBound...].drop { isSpace($0) }
        guard value.first == UInt8(ascii: "=") else { return nil }
        let digits = value.dropFirst().drop { isSpace($0) || "\"'[".utf8.contains($0) }.prefix { (0x30...0x39).contains($0) }
        return digits.count <= 6 ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }

    // MARK: Quotes

    private mutating func judgeQuote(_ reference: Int?) {
        guard let last = held.last else { return }
        if last == UInt8(ascii: ">"), let end = endOfQuote() {
            let quote = String(decoding: held[..<end], as: UTF8.self)
            held = []
            state = .text
            add(.marker(reference: reference, quote: quote))
        } else if Self.isSpace(last) || last == UInt8(ascii: ">") || last == UInt8(ascii: "/"),
            Self.isPrefix(Self.opening, of: held.suffix(Self.opening.count + 1))
        {
            // Another marker begins before this one has ended.
            let begun = Array(held.suffix(Self.opening.count + 1).dropLast())
            add(.marker(reference: reference, quote: nil))
            held = begun
            state = .tag
            receive(last)
        } else if held.count > Self.longestQuote || (last == UInt8(ascii: "\n") && isBehindBlankLine) {
            let text = held
            held = []
            state = .text
            // A closing tag may have begun in it.
            for byte in text { receive(byte) }
        }
    }

    /// Where the quote ends, if what is held ends with a closing tag.
    private func endOfQuote() -> Int? {
        var end = held.count - 1
        while end > 0, Self.isSpace(held[end - 1]) { end -= 1 }
        let start = end - Self.closing.count
        return start >= 0 && Self.isPrefix(Self.closing, of: held[start..<end]) ? start : nil
    }

    /// Whether only white space stands between the last line feed and the one before it.
    private var isBehindBlankLine: Bool {
        let line = held.dropLast().reversed().drop { Self.isSpace($0) && $0 != UInt8(ascii: "\n") }
        return line.first == UInt8(ascii: "\n")
    }

    // MARK: Bytes

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Whether `whole` begins with `part`, whatever the case of ASCII letters.
    private static func isPrefix(_ part: some Collection<UInt8>, of whole: some Collection<UInt8>) -> Bool {
        part.count <= whole.count && zip(part, whole).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
