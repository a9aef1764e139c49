import FoundationEssentials

/// Text in a header: as it stands where it is ASCII, and as encoded-words where it is not.
///
/// S3 keeps headers as US-ASCII and shows other text in this form (RFC 2047; "Working with object metadata", Amazon S3 User Guide), which
/// AWS's console and SDK for Java read as well.
enum S3MetadataText {
    /// The header's value for a text, of printable ASCII only.
    static func encode(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && text.utf8.first != 0x20 && text.utf8.last != 0x20
            && !text.contains("=?") && !text.contains("  ")
        if isPlain { return text }
        var words: [String] = []
        var piece: [UInt8] = []
        // A word has 75 characters at most (section 2), and holds whole characters (section 5).
        for character in text.unicodeScalars {
            let bytes = Array(String(character).utf8)
            if piece.count + bytes.count > 45 {
                words.append(word(piece))
                piece = []
            }
            piece += bytes
        }
        words.append(word(piece))
        return words.joined(separator: " ")
    }

    private static func word(_ bytes: [UInt8]) -> String { "=?UTF-8?B?" + Data(bytes).base64EncodedString() + "?=" }

    /// The text of a header's value. What is no encoded-word stands for itself.
    static func decode(_ value: String) -> String {
        var out = ""
        var rest = value[...]
        // White space between two words belongs to the encoding (section 6.2).
        var pendingSpace = ""
        var isBehindWord = false
        while !rest.isEmpty {
            let space = rest.prefix { $0 == " " || $0 == "\t" }
            rest = rest.dropFirst(space.count)
            let token = rest.prefix { $0 != " " && $0 != "\t" }
            rest = rest.dropFirst(token.count)
            pendingSpace = String(space)
            if let text = decodedWord(token) {
                if !isBehindWord { out += pendingSpace }
                out += text
                isBehindWord = true
            } else {
                out += pendingSpace + token
                isBehindWord = false
            }
        }
        return out
    }

    private static func decodedWord(_ token: Substring) -> String? {
        let parts = token.split(separator: "?", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "=", parts[4] == "=", ["utf-8", "us-ascii"].contains(parts[1].lowercased()) else { return nil }
        switch parts[2].lowercased() {
        case "b": return Data(base64Encoded: String(parts[3])).flatMap { String(validating: $0, as: UTF8.self) }
        case "q":
            var bytes: [UInt8] = []
            var text = parts[3].utf8[...]
            while let byte = text.popFirst() {
                switch byte {
                case UInt8(ascii: "_"): bytes.append(0x20)
                case UInt8(ascii: "="):
                    guard text.count >= 2, let value = UInt8(String(decoding: text.prefix(2), as: UTF8.self), radix: 16) else { return nil }
                    bytes.append(value)
                    text = text.dropFirst(2)
                default: bytes.append(byte)
                }
            }
            return String(validating: bytes, as: UTF8.self)
        default: return nil
        }
    }
}
