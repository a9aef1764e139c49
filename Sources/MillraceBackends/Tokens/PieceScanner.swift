/// Cuts a text into the pieces that a pattern of tiktoken matches, one after the other: by hand instead of a regular expression.
///
/// All takes time linear in the text, without backtracking: where a pattern would give back what it took greedily, the scanner has noted
/// where that ends. Texts are valid UTF-8, and pieces begin and end between scalars.
struct PieceScanner: Sendable {
    private let pattern: PiecePattern
    private let table = ScalarClassTable.shared

    init(_ pattern: PiecePattern) { self.pattern = pattern }

    /// Where the piece ends that begins at `start`.
    func end(of start: Int, in text: Span<UInt8>) -> Int {
        switch pattern {
        case .cl100k: endOfCL100KPiece(start, text)
        case .o200k: endOfO200KPiece(start, text)
        }
    }

    // MARK: Scalars

    /// The class of the scalar at `offset`, and where the next scalar begins.
    @inline(__always)
    private func scalar(at offset: Int, _ text: Span<UInt8>) -> (class: ScalarClass, next: Int) {
        let first = text[offset]
        if first < 0x80 { return (table[ascii: first], offset + 1) }
        return wideScalar(at: offset, first, text)
    }

    private func wideScalar(at offset: Int, _ first: UInt8, _ text: Span<UInt8>) -> (class: ScalarClass, next: Int) {
        var value: UInt32
        var next = offset + 2
        switch first {
        case 0xF0...:
            value = UInt32(first & 0x07) << 18 | UInt32(text[offset + 1] & 0x3F) << 12 | UInt32(text[offset + 2] & 0x3F) << 6
            value |= UInt32(text[offset + 3] & 0x3F)
            next = offset + 4
        case 0xE0...:
            value = UInt32(first & 0x0F) << 12 | UInt32(text[offset + 1] & 0x3F) << 6 | UInt32(text[offset + 2] & 0x3F)
            next = offset + 3
        default:
            value = UInt32(first & 0x1F) << 6 | UInt32(text[offset + 1] & 0x3F)
        }
        // What is not a scalar cannot occur in a string.
        return (Unicode.Scalar(value).map { table[$0] } ?? [], next)
    }

    /// Where the run ends of scalars that are in one of the classes.
    @inline(__always)
    private func endOfRun(_ start: Int, of classes: ScalarClass, _ text: Span<UInt8>) -> Int {
        var offset = start
        while offset < text.count {
            let (found, next) = scalar(at: offset, text)
            if !found.isAny(of: classes) { break }
            offset = next
        }
        return offset
    }

    // MARK: Alternatives that both patterns have

    /// `\p{N}{1,3}`
    private func endOfNumber(_ start: Int, _ text: Span<UInt8>) -> Int {
        var offset = start
        for _ in 0..<3 where offset < text.count {
            let (found, next) = scalar(at: offset, text)
            if !found.isAny(of: .number) { break }
            offset = next
        }
        return offset
    }

    /// ` ?[^\s\p{L}\p{N}]+` followed by any of `\r`, `\n` and, where the pattern has it, `/`; `nil` when it does not match.
    private func endOfSymbols(_ start: Int, orSlashes: Bool, _ text: Span<UInt8>) -> Int? {
        let first = text[start] == UInt8(ascii: " ") ? start + 1 : start
        var offset = first
        while offset < text.count {
            let (found, next) = scalar(at: offset, text)
            if found.isAny(of: [.space, .letter, .number]) { break }
            offset = next
        }
        if offset == first { return nil }
        while offset < text.count {
            let byte = text[offset]
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || orSlashes && byte == UInt8(ascii: "/") else { break }
            offset += 1
        }
        return offset
    }

    /// White space: up to its last line break; else all of it, but for one scalar that is left to what follows.
    private func endOfSpace(_ start: Int, trailingFirst: Bool, _ text: Span<UInt8>) -> Int {
        var (offset, last) = (start, start)
        var afterBreak: Int?
        while offset < text.count {
            let (found, next) = scalar(at: offset, text)
            if !found.isAny(of: .space) { break }
            if found.isAny(of: .newline) { afterBreak = next }
            last = offset
            offset = next
        }
        let endsText = offset == text.count
        if endsText && trailingFirst { return offset }
        if let afterBreak { return afterBreak }
        return endsText || last == start ? offset : last
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`: `nil` when it does not match. Without regard to case, `ſ` is an `s` too.
    private func endOfContraction(_ start: Int, _ text: Span<UInt8>) -> Int? {
        guard start + 1 < text.count, text[start] == UInt8(ascii: "'") else { return nil }
        let second: UInt8 = start + 2 < text.count ? text[start + 2] : 0
        switch text[start + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "S"), UInt8(ascii: "T"), UInt8(ascii: "M"), UInt8(ascii: "D"): return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "R"), UInt8(ascii: "v"), UInt8(ascii: "V"):
            return second | 0x20 == UInt8(ascii: "e") ? start + 3 : nil
        case UInt8(ascii: "l"), UInt8(ascii: "L"): return second | 0x20 == UInt8(ascii: "l") ? start + 3 : nil
        case 0xC5: return second == 0xBF ? start + 3 : nil
        default: return nil
        }
    }

    // MARK: The patterns

    /// `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`
    private func endOfCL100KPiece(_ start: Int, _ text: Span<UInt8>) -> Int {
        if let end = endOfContraction(start, text) { return end }
        let (first, next) = scalar(at: start, text)
        if first.isAny(of: .letter) { return endOfRun(next, of: .letter, text) }
        if first.isAny(of: .number) { return endOfNumber(start, text) }
        if !first.isAny(of: .newline) {
            let end = endOfRun(next, of: .letter, text)
            if end > next { return end }
        }
        return endOfSymbols(start, orSlashes: false, text) ?? endOfSpace(start, trailingFirst: true, text)
    }

    /// Two alternatives for words, where a capital begins a new one, then
    /// `\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    private func endOfO200KPiece(_ start: Int, _ text: Span<UInt8>) -> Int {
        let (first, next) = scalar(at: start, text)
        if first.isAny(of: .number) { return endOfNumber(start, text) }
        if !first.isAny(of: .newline), let end = endOfCasedWord(start, first, next, text) { return endOfContraction(end, text) ?? end }
        return endOfSymbols(start, orSlashes: true, text) ?? endOfSpace(start, trailingFirst: false, text)
    }

    /// `P?U*L+|P?U+L*` with `P` = `[^\r\n\p{L}\p{N}]`, `U` = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and `L` = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`; `nil`
    /// when it does not match.
    private func endOfCasedWord(_ start: Int, _ first: ScalarClass, _ next: Int, _ text: Span<UInt8>) -> Int? {
        // A letter is never the prefix; a mark is the prefix, though it could also be part of the word.
        let wordStart = first.isAny(of: .letter) ? start : next
        var offset = wordStart
        // Behind the last scalar of the run of `U` that is in `L` as well.
        var afterBoth: Int?
        while offset < text.count {
            let (found, after) = scalar(at: offset, text)
            if found.isAny(of: .lower) { return endOfRun(after, of: [.lower, .caseless, .mark], text) }
            if found.isAny(of: [.caseless, .mark]) {
                afterBoth = after
            } else if !found.isAny(of: .upper) {
                break
            }
            offset = after
        }
        // No `L` follows the run: `U*` gives back up to the last one in it, so that `L+` has one.
        if let afterBoth { return afterBoth }
        // There is none either: a mark that was the prefix becomes the word; else capitals alone are one.
        if first.isAny(of: .mark) { return next }
        return offset > wordStart ? offset : nil
    }
}
