package import MillraceCore

/// The Swift file that has a folder of prompts in it.
package struct EmbeddedPromptsFile {
    /// The name of the type that it declares.
    package let typeName: String
    /// The texts by name.
    package let texts: [String: String]

    /// - Parameter typeName: such as `ChatPrompts`.
    package init(typeName: String, texts: [String: String]) {
        self.typeName = typeName
        self.texts = texts
    }

    /// The file's text: the same for the same prompts, so that it can be checked in.
    /// - Throws: ``ErrorCode/invalidInput`` for what cannot stand in a literal as it is.
    package func source() throws(MillraceError) -> String {
        var lines = [
            "// Made by `millrace prompts embed` of the templates in prompts/. Change those, and make it anew.",
            "// swift-format-ignore-file",
            "/// The templates of prompts/ by their names there.",
            "enum \(typeName) {",
            "    static let files: [String: String] = [",
        ]
        for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
            if let scalar = text.unicodeScalars.first(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7F }) {
                throw MillraceError(
                    .invalidInput,
                    "\(name) has the character U+\(String(scalar.value, radix: 16, uppercase: true)), which a Swift literal would change: "
                        + (scalar == "\r" ? "save it with line breaks of one character (LF)" : "leave it out"))
            }
            let pounds = Self.pounds(for: text)
            // The literal's own last line break does not count, so one that the text ends in leaves an empty line.
            lines += ["        \"\(name)\": \(pounds)\"\"\"", text, "\"\"\"\(pounds),"]
        }
        lines += texts.isEmpty ? ["        :", "    ]", "}"] : ["    ]", "}"]
        return lines.joined(separator: "\n") + "\n"
    }

    /// So many `#` that nothing in the text ends the literal or is an escape.
    private static func pounds(for text: String) -> String {
        var (longest, run) = (0, 0)
        for byte in text.utf8 {
            run = byte == UInt8(ascii: "#") ? run + 1 : 0
            longest = max(longest, run)
        }
        return String(repeating: "#", count: longest + 1)
    }
}
