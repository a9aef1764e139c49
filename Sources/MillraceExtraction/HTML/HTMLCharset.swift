/// The encoding that a page says it is in.
enum HTMLCharset {
    /// What stands behind `charset=` in the first 1,024 bytes (HTML Living Standard, section 13.2.3.2), or in an XML declaration.
    static func declared(in head: [UInt8]) -> String? {
        let text = String(decoding: head.prefix(1024).map { $0 < 0x80 ? $0 : 0x3F }, as: UTF8.self).lowercased()
        for name in ["charset", "encoding"] {
            var rest = Substring(text)
            while let found = rest.firstRange(of: name) {
                rest = rest[found.upperBound...].drop { $0.isWhitespace }
                guard rest.first == "=" else { continue }
                let value = rest.dropFirst().drop { $0.isWhitespace || $0 == "\"" || $0 == "'" }
                    .prefix { $0.isLetter || $0.isNumber || "-_:.".contains($0) }
                if !value.isEmpty { return String(value.prefix(40)) }
            }
        }
        return nil
    }

    /// The encoding of that label (Encoding Standard, section 4.2), if it is read.
    static func encoding(_ label: String) -> CharacterDecoder.Encoding? {
        switch label {
        case "utf-8", "utf8", "unicode-1-1-utf-8": .utf8
        // A page that could say so in ASCII is not in UTF-16.
        case "utf-16", "utf-16le", "utf-16be": .utf8
        case "windows-1252", "cp1252", "x-cp1252", "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1", "us-ascii", "ascii":
            .windows1252
        default: nil
        }
    }
}
