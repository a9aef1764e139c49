import MillraceCore

/// Splits a command line into words by the quoting rules of a POSIX shell (Shell Command Language, section 2.2), and does nothing else that
/// a shell would: no variables, no wildcards, no pipes.
enum ShellWords {
    /// - Throws: ``MillraceError`` for a quote that is not closed or a backslash at the end.
    static func split(_ text: String) throws(MillraceError) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                // Within double quotes a backslash stands for itself, except before these.
                if quote != nil, character != "\"", character != "\\" { word = (word ?? "") + "\\" }
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isASCII, character.isWhitespace {
                if let whole = word { words.append(whole) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { throw MillraceError(.invalidInput, "a quote is not closed") }
        guard !isEscaped else { throw MillraceError(.invalidInput, "a backslash stands at the end") }
        if let word { words.append(word) }
        return words
    }
}
