/// Decides whether a full stop ends a sentence.
///
/// The rules look at the word before and the character after, after the manner of rule-based splitters (Mikheev, "Periods, Capitalized
/// Words, etc.", Computational Linguistics 28(3), 2002, names the cases); the lists are short on purpose: an unknown abbreviation before a
/// lower-case word is recognised without one.
enum SentenceBoundary {
    /// Never end a sentence.
    private static let titles: Set<String> = [
        "dr", "mr", "mrs", "ms", "prof", "rev", "hon", "st", "sr", "mt", "vs", "cf", "viz", "ca", "approx", "resp", "incl", "excl", "bzw",
        "hr", "fr", "mme", "mlle", "sra", "dipl", "ing", "gen", "col", "capt", "sgt", "lt", "gov", "sen", "rep", "e.g", "i.e", "z.b", "d.h",
        "u.a", "p.ex",
    ]
    /// Do not end one before a number.
    private static let numbered: Set<String> = [
        "no", "nos", "nr", "art", "arts", "sec", "fig", "figs", "p", "pp", "vol", "ch", "par", "para", "abs", "eq", "ed", "tab", "app", "s",
    ]
    /// Abbreviations with inner stops that often end a sentence.
    private static let mayEnd: Set<String> = ["a.m", "p.m", "u.s", "u.k", "e.u", "b.c", "a.d", "u.s.a", "ph.d"]
    private static let germanMonths: Set<String> = [
        "januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember",
    ]

    static func isTerminator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ".", "!", "?", "…", "؟", "।", "‽": true
        default: false
        }
    }

    /// Full stops that end a sentence with no space after them.
    static func isWideTerminator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "。", "！", "？", "｡": true
        default: false
        }
    }

    static func isCloser(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\"", "'", ")", "]", "}", "”", "’", "»", "›", "」", "』", "）", "】", "》": true
        default: false
        }
    }

    /// Whether a stop that follows `word` (its letters, digits and inner stops) and stands before `next` ends the sentence.
    /// - Parameters:
    ///   - word: the word before the stop, as written.
    ///   - isFirst: whether that word is all there is of the sentence so far, as in `3. Rent`.
    ///   - next: the word after the stop, as written; empty at the end of the text.
    static func ends(after word: String, isFirst: Bool, before next: String) -> Bool {
        guard let following = next.unicodeScalars.first else { return true }
        if following.properties.isLowercase { return false }
        let lower = word.lowercased()
        let isNumber = !word.isEmpty && word.utf8.allSatisfy { (48...57).contains($0) }
        if isFirst, isNumber || word.utf8.count == 1 { return false }
        if isNumber { return !(word.utf8.count <= 2 && germanMonths.contains(next.lowercased())) }
        if titles.contains(lower) { return false }
        if numbered.contains(lower), following.properties.numericType != nil { return false }
        let letters = lower.split(separator: ".", omittingEmptySubsequences: false)
        if letters.count > 1, letters.allSatisfy({ $0.count == 1 }) { return mayEnd.contains(lower) }
        // An initial: `J. Smith`. The pronoun ends sentences more often than it abbreviates.
        if letters.count == 1, lower.count == 1, word != lower, word != "I" { return false }
        return true
    }
}
