/// Character references (HTML Living Standard, section 13.2.5.72).
enum HTMLReference {
    /// Resolves the reference that begins at `start`, an ampersand, and gives the place behind it; what is none stays as it is.
    static func resolve(_ bytes: [UInt8], from start: Int, to end: Int, into out: inout [UInt8]) -> Int {
        if start + 1 < end, bytes[start + 1] == UInt8(ascii: "#"), let behind = number(bytes, start + 2, end, &out) { return behind }
        var stop = start + 1
        while stop < end, stop - start <= HTMLEntities.longest, isNamePart(bytes[stop]) { stop += 1 }
        if stop < end, bytes[stop] == UInt8(ascii: ";"),
            let text = HTMLEntities.named[String(decoding: bytes[(start + 1)..<stop], as: UTF8.self)]
        {
            out += text.utf8
            return stop + 1
        }
        // Old names count without a semicolon, and even before other letters.
        let longest = min(stop, start + 1 + HTMLEntities.longestWithoutSemicolon)
        for place in stride(from: longest, to: start + 1, by: -1) {
            let name = String(decoding: bytes[(start + 1)..<place], as: UTF8.self)
            if HTMLEntities.withoutSemicolon.contains(name), let text = HTMLEntities.named[name] {
                out += text.utf8
                return place
            }
        }
        out.append(bytes[start])
        return start + 1
    }

    private static func isNamePart(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || HTMLTokenizer.isLetter(byte) }

    private static let mostDigits = 16

    private static func number(_ bytes: [UInt8], _ start: Int, _ end: Int, _ out: inout [UInt8]) -> Int? {
        var place = start
        let isHexadecimal = place < end && bytes[place] | 0x20 == UInt8(ascii: "x")
        if isHexadecimal { place += 1 }
        let first = place
        var value: UInt32 = 0
        // More digits than the longest name has letters would make a reference wait for ever.
        while place < end, place - first < mostDigits, let digit = digit(bytes[place], isHexadecimal) {
            value = min(value * (isHexadecimal ? 16 : 10) + digit, 0x110000)
            place += 1
        }
        guard place > first else { return nil }
        // Numbers of Windows-1252 are in use for its characters.
        var decoder = CharacterDecoder(.windows1252)
        if (0x80...0x9F).contains(value) {
            _ = decoder.decode([0x20, 0x20, 0x20])
            out += decoder.decode([UInt8(value)])
        } else {
            out += String(Unicode.Scalar(value).flatMap { $0.value == 0 ? nil : $0 } ?? "\u{FFFD}").utf8
        }
        return place < end && bytes[place] == UInt8(ascii: ";") ? place + 1 : place
    }

    private static func digit(_ byte: UInt8, _ isHexadecimal: Bool) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x41...0x46 where isHexadecimal: UInt32(byte) - 0x37
        case 0x61...0x66 where isHexadecimal: UInt32(byte) - 0x57
        default: nil
        }
    }
}
