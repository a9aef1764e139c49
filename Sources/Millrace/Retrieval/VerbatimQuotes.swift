/// Finds the words of sources in an answer as it streams, for models that quote without saying so: of each sentence that has no citation, the
/// longest run of words that stands in a source, one behind the other.
///
/// Words are letters and digits without regard to case; what stands between them makes no difference. A sentence ends with `.`, `!` or `?` before
/// white space, and with its line. The white space behind one that quotes is held back until it is known that no marker follows. Blocks of code and
/// rows of tables are left as they are: a mark would be a part of them.
struct VerbatimQuotes: Sendable {
    /// What goes on.
    enum Piece: Equatable, Sendable {
        /// Text.
        case text(String)
        /// The sentence before it has these words of a source.
        case quote(Quote)
    }

    /// Words of a source.
    struct Quote: Equatable, Sendable {
        /// The source's number.
        var number: Int
        /// The words as they stand there.
        var text: String
        /// Where they begin, in bytes of UTF-8.
        var offset: Int
    }

    /// A sentence's words beyond these are looked for by themselves; more without white space between them are no sentence.
    private static let mostWords = 400
    /// White space beyond this is not held back.
    private static let mostHeld = 64

    private let fewestWords: Int
    private let sources: [SourceWords]
    private var words: [String] = []
    private var word = ""
    /// Whether the sentence may end here.
    private var isAtStop = false
    private var isCited = false
    /// What the line begins with, as far as it tells code and tables.
    private var line = ""
    private var isCode = false
    private var pending: Quote?
    private var held = ""

    /// - Parameter fewestWords: how long a run has to be; 0: nothing is looked for.
    init(_ sources: RetrievedSources, fewestWords: Int) {
        self.fewestWords = fewestWords
        self.sources = fewestWords > 0 ? sources.all.map { SourceWords($0.number, $0.text) } : []
    }

    /// Takes the next piece of the answer's text.
    mutating func receive(_ text: String) -> [Piece] {
        guard !sources.isEmpty else { return [.text(text)] }
        var pieces: [Piece] = []
        var passed = ""
        func pass() {
            if !passed.isEmpty { pieces.append(.text(passed)) }
            passed = ""
        }
        for scalar in text.unicodeScalars {
            let lineEnds = scalar == "\n"
            if !lineEnds { begin(scalar) }
            defer { if lineEnds { line = "" } }
            if scalar.properties.isWhitespace {
                endWord()
                if isAtStop || scalar == "\n" || words.count >= Self.mostWords { endSentence() }
                if pending != nil, held.unicodeScalars.count < Self.mostHeld {
                    held.unicodeScalars.append(scalar)
                    continue
                }
            } else {
                take(scalar)
            }
            if let quote = pending {
                pass()
                pieces.append(.quote(quote))
                pending = nil
                (passed, held) = (held, "")
            }
            passed.unicodeScalars.append(scalar)
        }
        pass()
        return pieces
    }

    /// A citation that the model gave stands here: it is the one of its sentence.
    /// - Returns: the white space that was held back.
    mutating func cite() -> String {
        endWord()
        if !words.isEmpty { isCited = true }
        pending = nil
        defer { held = "" }
        return held
    }

    /// The text has ended.
    mutating func finish() -> [Piece] {
        endWord()
        endSentence()
        var pieces = pending.map { [Piece.quote($0)] } ?? []
        if !held.isEmpty { pieces.append(.text(held)) }
        (pending, held) = (nil, "")
        return pieces
    }

    // MARK: Words and sentences

    private mutating func take(_ scalar: Unicode.Scalar) {
        if SourceWords.isPartOfWord(scalar) {
            word += scalar.properties.lowercaseMapping
            isAtStop = false
            return
        }
        endWord()
        switch scalar {
        case ".", "!", "?": isAtStop = true
        // Behind a stop these belong to the sentence, too.
        case "\"", "'", ")", "]", "*", "_", "\u{201D}", "\u{2019}", "\u{BB}": break
        default: isAtStop = false
        }
    }

    private mutating func endWord() {
        if !word.isEmpty { words.append(word) }
        word = ""
        if words.count > Self.mostWords {
            words = []
            isCited = true
        }
    }

    /// Looks at what a line begins with: a fence of code, four spaces or a tab, a table's bar (CommonMark 0.31, 4.4 and 4.5).
    private mutating func begin(_ scalar: Unicode.Scalar) {
        guard line.unicodeScalars.count < 6 else { return }
        line.unicodeScalars.append(scalar)
        let text = line.drop { $0 == " " }
        if text == "```" || text == "~~~" { isCode.toggle() }
    }

    private var takesMarks: Bool {
        !isCode && !line.hasPrefix("    ") && !line.hasPrefix("\t")
            && !["|", "```", "~~~"].contains { line.drop { $0 == " " }.hasPrefix($0) }
    }

    private mutating func endSentence() {
        if !isCited, pending == nil, words.count >= fewestWords, takesMarks { pending = longestQuote() }
        words = []
        isCited = false
        isAtStop = false
    }

    /// Of equally long ones that of the first source.
    private func longestQuote() -> Quote? {
        var best: (source: SourceWords, range: Range<Int>)?
        for source in sources {
            guard let found = source.longestRun(of: words), found.count >= fewestWords, found.count > best?.range.count ?? 0 else {
                continue
            }
            best = (source, found)
        }
        return best.map { source, range in
            let place = source.place(of: range)
            return Quote(number: source.number, text: source.text(at: place), offset: place.lowerBound)
        }
    }
}
