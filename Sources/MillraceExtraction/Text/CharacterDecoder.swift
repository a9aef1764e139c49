/// Turns the bytes of a text, in pieces, into UTF-8. A value without I/O.
///
/// A byte order mark decides (UTF-8, UTF-16); else bytes that are no UTF-8 are taken for Windows-1252, which holds Latin-1's letters (WHATWG
/// Encoding Standard, "windows-1252"). Damage becomes U+FFFD.
struct CharacterDecoder {
    enum Encoding: String, Equatable, Sendable {
        case utf8 = "UTF-8"
        case utf16LittleEndian = "UTF-16LE"
        case utf16BigEndian = "UTF-16BE"
        case windows1252 = "Windows-1252"
    }

    /// `nil` as long as all bytes were ASCII.
    private(set) var encoding: Encoding?
    /// Whether something could not be decoded.
    private(set) var isDamaged = false
    private var isAtStart = true
    /// The beginning of a character whose rest has to come.
    private var pending: [UInt8] = []

    /// - Parameter encoding: what the document says it is in; a byte order mark says otherwise.
    init(_ encoding: Encoding? = nil) { self.encoding = encoding }

    /// The encoding that a byte order mark at the beginning names, and its length.
    static func mark(_ head: [UInt8]) -> (encoding: Encoding, count: Int)? {
        if head.starts(with: [0xEF, 0xBB, 0xBF]) { return (.utf8, 3) }
        if head.starts(with: [0xFF, 0xFE]) { return (.utf16LittleEndian, 2) }
        if head.starts(with: [0xFE, 0xFF]) { return (.utf16BigEndian, 2) }
        return nil
    }

    /// Decodes the next bytes.
    mutating func decode(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = pending + bytes
        pending = []
        if isAtStart {
            // A mark may come a byte at a time.
            guard bytes.count >= 3 else {
                pending = bytes
                return []
            }
            begin(&bytes)
        }
        return decode(bytes, isLast: false)
    }

    /// The rest.
    mutating func finish() -> [UInt8] {
        var bytes = pending
        pending = []
        if isAtStart { begin(&bytes) }
        return decode(bytes, isLast: true)
    }

    private mutating func begin(_ bytes: inout [UInt8]) {
        isAtStart = false
        guard let mark = Self.mark(bytes) else { return }
        encoding = mark.encoding
        bytes.removeFirst(mark.count)
    }

    private mutating func decode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        switch encoding {
        case .utf16LittleEndian, .utf16BigEndian: return decodeUTF16(bytes, isLast: isLast)
        case .windows1252: return Self.windows1252(bytes)
        case .utf8: return decodeUTF8(bytes, isLast: isLast)
        case nil:
            guard let first = bytes.firstIndex(where: { $0 >= 0x80 }) else { return bytes }
            // What follows decides: whether its sequences are whole, rather than not. It is always looked at as far, however it comes.
            let end = min(first + Self.decidingBytes, bytes.count)
            guard isLast || end - first == Self.decidingBytes else {
                pending = Array(bytes[first...])
                return Array(bytes[..<first])
            }
            let (whole, broken) = Self.sequences(bytes, first..<end)
            encoding = whole > broken ? .utf8 : .windows1252
            return decode(bytes, isLast: isLast)
        }
    }

    /// How much text behind the first character beyond ASCII is looked at.
    private static let decidingBytes = 4096

    /// How many sequences beyond ASCII are whole and how many are not; one that is cut off by the end is neither.
    private static func sequences(_ bytes: [UInt8], _ range: Range<Int>) -> (whole: Int, broken: Int) {
        var (whole, broken, position) = (0, 0, range.lowerBound)
        while position < range.upperBound {
            let length = length(bytes[position])
            guard bytes[position] >= 0x80 else {
                position += 1
                continue
            }
            guard length > 1 else {
                broken += 1
                position += 1
                continue
            }
            let end = min(position + length, range.upperBound)
            if let wrong = bytes[(position + 1)..<end].firstIndex(where: { $0 & 0xC0 != 0x80 }) {
                broken += 1
                position = wrong
            } else {
                if end == position + length { whole += 1 }
                position = end
            }
        }
        return (whole, broken)
    }

    /// How many bytes the sequence has that begins with this one; 0: none does.
    private static func length(_ byte: UInt8) -> Int {
        switch byte {
        case 0x00...0x7F: 1
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    private mutating func decodeUTF8(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var end = bytes.count
        if !isLast {
            // A sequence that begins in the last three bytes may go on.
            for back in 1...3 where back <= bytes.count {
                let byte = bytes[bytes.count - back]
                if byte & 0xC0 == 0x80 { continue }
                if Self.length(byte) > back { end = bytes.count - back }
                break
            }
        }
        let whole = Array(bytes[..<end])
        pending = Array(bytes[end...])
        if String(validating: whole, as: UTF8.self) != nil { return whole }
        isDamaged = true
        return Array(String(decoding: whole, as: UTF8.self).utf8)
    }

    private mutating func decodeUTF16(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        let (high, low) = encoding == .utf16BigEndian ? (0, 1) : (1, 0)
        var count = bytes.count / 2
        func unit(_ index: Int) -> UInt16 { UInt16(bytes[2 * index + high]) << 8 | UInt16(bytes[2 * index + low]) }
        // The first half of a pair waits for the second.
        if !isLast, count > 0, unit(count - 1) & 0xFC00 == 0xD800 { count -= 1 }
        pending = Array(bytes[(2 * count)...])
        if isLast, !pending.isEmpty {
            isDamaged = true
            pending = []
        }
        let units = (0..<count).map(unit)
        if String(validating: units, as: UTF16.self) == nil { isDamaged = true }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    /// What 0x80 to 0x9F are; those that are nothing stay the control characters that they are in Latin-1.
    private static let specials: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    private static func windows1252(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 8)
        for byte in bytes {
            let scalar = byte < 0x80 || byte > 0x9F ? UInt16(byte) : specials[Int(byte) - 0x80]
            switch scalar {
            case ..<0x80: out.append(byte)
            case ..<0x800: out += [0xC0 | UInt8(scalar >> 6), 0x80 | UInt8(scalar & 0x3F)]
            default: out += [0xE0 | UInt8(scalar >> 12), 0x80 | UInt8(scalar >> 6 & 0x3F), 0x80 | UInt8(scalar & 0x3F)]
            }
        }
        return out
    }
}
