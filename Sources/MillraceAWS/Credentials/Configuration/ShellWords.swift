import MillraceCore

/// Splits a command line into words by the quoting rules of a POSIX shell (Shell Command Language, section 2.2), and does nothing else that
/// a shell would: no variables, no wildcards, no pipes.
enum ShellWords {
    /// - Throws: ``MillraceError`` for a quote that is not closed or a backslash at the end.
    static func split(_ text: String) throws(MillraceError) -> [String] {
        var words: [String] = []
        var word: String.UnicodeScalarView?
        var quote: Unicode.Scalar?
        var isEscaped = false
        // Not by characters: a quote and a combining mark behind it are one.
        for character in text.unicodeScalars {
            if isEscaped {
                // Within double quotes a backslash stands for itself, except before these.
                if quote != nil, character != "\"", character != "\\" { word = (word ?? .init()) + ["\\"] }
                word = (word ?? .init()) + [character]
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? .init()) + [character] }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? .init()
            } else if character.isASCII, character.properties.isWhitespace {
                if let whole = word { words.append(String(whole)) }
                word = nil
            } else {
                word = (word ?? .init()) + [character]
            }
        }
        guard quote == nil else { throw MillraceError(.invalidInput, "a quote is not closed") }
        guard !isEscaped else { throw MillraceError(.invalidInput, "a backslash stands at the end") }
        if let word { words.append(String(word)) }
        return words
    }
}
