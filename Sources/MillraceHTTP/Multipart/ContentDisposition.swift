/// The value of a `Content-Disposition` header (RFC 6266), read and written.
package struct ContentDisposition: Equatable, Sendable {
    /// In lower case: `attachment`, `form-data`.
    package let type: String
    /// Names in lower case. Browsers write `"` in a form's names as `%22` (WHATWG HTML, "Multipart form data"), which is left as it is.
    package let parameters: [String: String]

    /// `nil` where the text is none.
    package init?(parsing text: String) {
        // Its grammar is a media type's without the subtype.
        let semicolon = text.firstIndex(of: ";") ?? text.endIndex
        let type = text[..<semicolon].split(whereSeparator: { $0 == " " || $0 == "\t" }).joined()
        guard !type.isEmpty, let parsed = MediaType(parsing: "x/x" + text[semicolon...]) else { return nil }
        self.type = type.lowercased()
        parameters = parsed.parameters
    }

    /// The file's name: `filename*` (RFC 8187) before `filename`.
    package var filename: String? {
        if let extended = parameters["filename*"], extended.lowercased().hasPrefix("utf-8'") {
            let encoded = extended.dropFirst(6).drop { $0 != "'" }.dropFirst()
            if let name = Self.percentDecoded(encoded) { return name }
        }
        return parameters["filename"]
    }

    /// `attachment`, with a name where there is one that can be written: in ASCII, and in UTF-8 where that differs.
    package static func attachment(named name: String?) -> String {
        guard let name, !name.isEmpty else { return "attachment" }
        let plain = String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { $0.value < 0x20 || $0.value > 0x7E || $0 == "\"" || $0 == "\\" || $0 == "/" ? "_" : $0 }))
        var value = "attachment; filename=\"\(plain)\""
        if plain != name { value += "; filename*=UTF-8''\(percentEncoded(name))" }
        return value
    }

    private static func percentDecoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// All but RFC 8187's `attr-char`.
    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            let isLetter = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            if isLetter || "!#$&+-.^_`|~".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
