/// The bytes of a string, for code that must say where things stand: offsets are cheap, comparable and exact.
struct UTF8Text: Sendable {
    let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    /// The scalar that starts at `offset`, and its length in bytes. The bytes come from a `String`, so they are valid.
    func scalar(at offset: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let first = UInt32(bytes[offset])
        let (length, initial): (Int, UInt32) =
            switch first {
            case 0xF0...: (4, first & 0x07)
            case 0xE0...: (3, first & 0x0F)
            case 0xC0...: (2, first & 0x1F)
            default: (1, first)
            }
        var value = initial
        for i in 1..<max(length, 1) where offset + i < bytes.count { value = value << 6 | UInt32(bytes[offset + i] & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// Where the scalar before `offset` starts.
    func offsetBefore(_ offset: Int) -> Int {
        var start = offset - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// `range` without white space at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let (scalar, length) = scalar(at: low)
            guard scalar.properties.isWhitespace else { break }
            low += length
        }
        while high > low {
            let previous = offsetBefore(high)
            guard previous >= low, scalar(at: previous).scalar.properties.isWhitespace else { break }
            high = previous
        }
        return low..<high
    }

    /// Whether there is a letter or digit in `range`.
    func hasWord(_ range: Range<Int>) -> Bool {
        var offset = range.lowerBound
        while offset < range.upperBound {
            if (97...122).contains(bytes[offset] | 0x20) { return true }
            let (scalar, length) = scalar(at: offset)
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil { return true }
            offset += length
        }
        return false
    }
}
