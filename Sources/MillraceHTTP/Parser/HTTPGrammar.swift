/// The byte classes of RFC 9110 and RFC 3986 that the parser and the serialiser share.
enum HTTPGrammar {
    static let carriageReturn: UInt8 = 0x0D
    static let lineFeed: UInt8 = 0x0A
    static let tab: UInt8 = 0x09
    static let space: UInt8 = 0x20

    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }
    static func isWhitespace(_ byte: UInt8) -> Bool { byte == space || byte == tab }
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }

    /// `tchar` of RFC 9110, section 5.6.2. Two words of bits, because a table would cost a lazy initialisation and a bounds check a byte.
    static func isToken(_ byte: UInt8) -> Bool {
        // ! # $ % & ' * + - . 0-9  |  A-Z ^ _ ` a-z | ~
        let word: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 128 && (word >> UInt64(byte & 63)) & 1 == 1
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- UInt8(ascii: "0") }
        let letter = (byte | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : nil
    }

    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }

    static func equalsIgnoringCase(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }

    /// Whether `bytes[range]` is `lowercase`, a literal in lower case, in any case.
    static func matches(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ lowercase: StaticString) -> Bool {
        guard range.count == lowercase.utf8CodeUnitCount else { return false }
        let literal = lowercase.utf8Start  // A static string's memory lives as long as the program.
        var i = 0
        while i < range.count {
            if lowercased(bytes[range.lowerBound &+ i]) != literal[i] { return false }
            i &+= 1
        }
        return true
    }

    /// `bytes[range]` without the spaces and tabs at its ends.
    static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isWhitespace(bytes[start]) { start &+= 1 }
        while start < end, isWhitespace(bytes[end &- 1]) { end &-= 1 }
        return start..<end
    }

    /// The index of the first control character in `start..<end`, or `end`.
    static func firstControl(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
        var i = start
        // Eight bytes at a time: the borrow of a subtraction marks a byte below 0x20, and 0x7F after it was turned to zero.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while i &+ 8 <= end {
            let word = bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            let low = (word &- (ones &* 0x20)) & ~word
            let deleted = word ^ (ones &* 0x7F)
            let delete = (deleted &- ones) & ~deleted
            if (low | delete) & highs != 0 { break }
            i &+= 8
        }
        while i < end, !isControl(bytes[i]) { i &+= 1 }
        return i
    }

    /// Calls `body` with each element of a comma-separated list, trimmed; elements may be empty.
    static func forEachElement<E: Error>(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ body: (Range<Int>) throws(E) -> Void
    ) throws(E) {
        var start = range.lowerBound
        for i in range where bytes[i] == UInt8(ascii: ",") {
            try body(trimmed(bytes, start..<i))
            start = i + 1
        }
        try body(trimmed(bytes, start..<range.upperBound))
    }
}
