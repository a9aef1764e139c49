/// Folds English inflections together, lightly: plurals, -ed, -ing, -ion, -ment and a few irregular verbs.
///
/// Much less than a stemmer: it has to make question and source meet, and a wrong meeting costs more than a missed one.
enum WordFolding {
    private static let irregular: [String: String] = [
        "paid": "pay", "bought": "buy", "sold": "sell", "held": "hold", "kept": "keep", "made": "make", "began": "begin", "begun": "begin",
        "beginning": "begin", "wrote": "write", "written": "write", "gave": "give", "given": "give", "took": "take", "taken": "take",
        "left": "leave", "sent": "send", "met": "meet", "lost": "lose", "won": "win", "built": "build", "children": "child",
        "people": "person",
        "men": "man", "women": "woman", "feet": "foot", "chose": "choose", "chosen": "choose", "grew": "grow", "grown": "grow",
    ]

    /// The folded form of a lower-case word; words that are not ASCII letters stay as they are.
    static func fold(_ word: String) -> String {
        if let base = irregular[word] { return withoutFinalE(base) }
        guard word.utf8.count > 3, word.utf8.allSatisfy({ (97...122).contains($0) }) else { return word }
        var stem = Substring(word)
        if stem.hasSuffix("ies"), stem.utf8.count > 4 {
            stem = stem.dropLast(3) + "y"
        } else if ["sses", "shes", "ches", "xes"].contains(where: { stem.hasSuffix($0) }) {
            stem = stem.dropLast(2)
        } else if stem.hasSuffix("s"), !["ss", "us", "is"].contains(where: { stem.hasSuffix($0) }) {
            stem = stem.dropLast()
        }
        if stem.hasSuffix("ied"), stem.utf8.count > 4 {
            stem = stem.dropLast(3) + "y"
        } else if stem.hasSuffix("ing"), hasVowel(stem.dropLast(3)), stem.utf8.count > 5 {
            stem = withoutDoubling(stem.dropLast(3))
        } else if stem.hasSuffix("ed"), !stem.hasSuffix("eed"), hasVowel(stem.dropLast(2)), stem.utf8.count > 4 {
            stem = withoutDoubling(stem.dropLast(2))
        } else if stem.hasSuffix("tion") || stem.hasSuffix("sion"), stem.utf8.count > 7 {
            stem = stem.dropLast(3)
        } else if stem.hasSuffix("ment"), stem.utf8.count > 6 {
            stem = stem.dropLast(4)
        }
        return withoutFinalE(String(stem))
    }

    private static func hasVowel(_ text: Substring) -> Bool { text.utf8.contains { "aeiouy".utf8.contains($0) } }

    private static func withoutDoubling(_ stem: Substring) -> Substring {
        let last = Array(stem.utf8.suffix(2))
        guard last.count == 2, last[0] == last[1], !"lsz".utf8.contains(last[0]) else { return stem }
        return stem.dropLast()
    }

    private static func withoutFinalE(_ stem: String) -> String {
        stem.utf8.count > 3 && stem.hasSuffix("e") ? String(stem.dropLast()) : stem
    }
}
