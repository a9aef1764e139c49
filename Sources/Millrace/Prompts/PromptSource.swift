import MillraceTemplates

/// The text of a prompt, and where it came from.
package struct PromptSource: Equatable, Sendable {
    package let text: String
    package let reference: PromptReference

    /// - Parameters:
    ///   - name: the handler's name and the name in its folder: `chat/system.xml.j2`.
    ///   - version: `nil` for what is not stored.
    package init(name: String, text: String, version: Int? = nil, origin: PromptReference.Origin) {
        self.text = text
        reference = PromptReference(name: name, version: version, hash: PromptHash.of(text), origin: origin)
    }
}

/// What is wrong with the text of a prompt, and where.
package struct PromptProblem: Equatable, Sendable {
    package let line: Int
    package let column: Int
    package let message: String
}

/// The rules of prompts: their names, and what can be read as one.
package enum PromptRules {
    /// The most bytes of a prompt's text.
    package static let mostBytes = 256 << 10
    /// The most bytes of a persona's text.
    package static let mostPersonaBytes = 64 << 10
    /// What the names of templates end in.
    package static let suffix = ".j2"

    /// Why a name within a handler's folder is refused, or `nil`.
    package static func problem(ofName name: String) -> String? {
        guard name.hasSuffix(suffix) else { return "a prompt's name ends in .j2, such as system.xml.j2 or analysis/user.xml.j2" }
        guard name.utf8.count <= 200 else { return "a prompt's name has at most 200 bytes" }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return "a prompt's name has at most 8 parts" }
        let isPlain = parts.allSatisfy { part in
            part.utf8.first.map { $0 != UInt8(ascii: ".") } ?? false
                && part.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "._-".utf8.contains($0)
                }
        }
        return isPlain ? nil : "a prompt's name has letters, digits, . _ and - in parts with / between them, and no part begins with a dot"
    }

    /// What keeps a text from being read as a template, or `nil`.
    /// - Parameter name: its name; what it ends in says whether what is printed is escaped.
    package static func problem(in text: String, name: String) -> PromptProblem? {
        do throws(TemplateError) {
            _ = try Template(text, name: name)
            return nil
        } catch {
            return PromptProblem(line: error.line, column: error.column, message: error.message)
        }
    }

    /// SHA-256 of a text, in hexadecimal.
    package static func hash(_ text: String) -> String { PromptHash.of(text) }
}
