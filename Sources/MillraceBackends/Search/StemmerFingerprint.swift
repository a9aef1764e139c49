import Millrace
import MillraceCore

/// Tells whether words lose the endings today that they lost when an index was made.
///
/// An index holds stems, and a document is taken out of it by the stems that its text has: with a libstemmer that cuts otherwise words would not
/// be found, and the stems of changed documents would stay behind.
enum StemmerFingerprint {
    /// Endings of all of the languages, which every stop word is tried with: a stemmer that was changed does something else with some of them.
    private static let endings = """
         e en er es em s st t n ung heit keit lich isch ig ing ed et het else ne er a ar or ra orna ade are aste ene heten tion ions ment ments ité euse
        emment issement ava ato azione mente ità ando ar ado ación mente idad ando ción ções idade ista ul lor ului ește ând ele ban val nak
        ért ként ssä lla lle ksi nsa ttä aan ов ами ость ешь ого ая ть ить
        """.split { $0 == " " || $0 == "\n" }.map(String.init)

    private static let known = Locked<[SearchIndexDefinition.TextField.Analysis: String]>([:])

    /// A text for the stemmers of an index's fields; `nil`: none of its fields has one. It takes milliseconds the first time.
    static func of(_ definition: SearchIndexDefinition) throws(MillraceError) -> String? {
        let analyses = Set(definition.textFields.map(\.analysis).filter(LanguageAnalysis.serves)).sorted { $0.rawValue < $1.rawValue }
        guard !analyses.isEmpty else { return nil }
        var parts: [String] = []
        for analysis in analyses { parts.append("\(analysis.rawValue):\(try of(analysis))") }
        return parts.joined(separator: " ")
    }

    private static func of(_ analysis: SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> String {
        if let found = known.withLock({ $0[analysis] }) { return found }
        let stemmer = try Stemmer(analysis)
        var stems: [UInt8] = []
        // Some thousand words are enough, and take no longer than a few milliseconds.
        for (number, word) in analysis.stopWords.sorted().enumerated() where number % 4 == 0 {
            for ending in [""] + endings {
                stemmer.withStem(of: Array((word + ending).utf8)) { stems.append(contentsOf: $0) }
                stems.append(0x0A)
            }
        }
        let made = String(WordHash.of(stems), radix: 16)
        known.withLock { $0[analysis] = made }
        return made
    }
}
