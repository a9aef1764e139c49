import Millrace
import MillraceCore
import MillraceDatabase

/// A word of a text, with what an analysis makes of it.
struct AnalysedWord: Equatable, Sendable {
    /// Its place in the text's UTF-8.
    var place: Range<Int>
    /// What is stored and searched for; `nil`: the analysis leaves the word out.
    var term: String?
}

/// Makes words out of text, with SQLite's own tokenizers and Snowball's stemmers. One thread at a time.
///
/// Texts are analysed before they are stored: the full-text table gets terms with spaces between them. So fields of all analyses share one
/// table, stop words take no room and do not count towards a text's length, and phrases read over them.
struct SearchAnalysis {
    /// The languages that were met.
    private final class Languages {
        var known: [SearchIndexDefinition.TextField.Analysis: LanguageAnalysis] = [:]
    }

    private let fullText: FullText
    private let languages = Languages()

    init(fullText: FullText) { self.fullText = fullText }

    /// All words of a text.
    func words(_ text: String, _ analysis: SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> [AnalysedWord] {
        var words: [AnalysedWord] = []
        try visit(text, analysis) { place, term in
            words.append(AnalysedWord(place: place, term: term.map { String(decoding: $0, as: UTF8.self) }))
        }
        return words
    }

    /// The terms of a text with spaces between them.
    func terms(_ text: String, _ analysis: SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> String {
        var terms: [UInt8] = []
        terms.reserveCapacity(text.utf8.count)
        try visit(text, analysis) { _, term in
            guard let term else { return }
            if !terms.isEmpty { terms.append(UInt8(ascii: " ")) }
            terms.append(contentsOf: term)
        }
        return String(decoding: terms, as: UTF8.self)
    }

    private func visit(
        _ text: String, _ analysis: SearchIndexDefinition.TextField.Analysis, _ body: (Range<Int>, UnsafeRawBufferPointer?) -> Void
    ) throws(MillraceError) {
        let language = LanguageAnalysis.serves(analysis) ? try self.language(analysis) : nil
        var text = text
        var failure: MillraceError?
        text.withUTF8 { bytes in
            do throws(MillraceError) {
                if let language {
                    try visit(bytes, language, body)
                } else if analysis == .english {
                    try fullText.tokenize(bytes, into: .stems) { place, term in body(place, Self.isLeftOut(bytes, place) ? nil : term) }
                } else {
                    try fullText.tokenize(bytes, into: .words) { place, term in body(place, term) }
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func visit(
        _ text: UnsafeBufferPointer<UInt8>, _ language: LanguageAnalysis, _ body: (Range<Int>, UnsafeRawBufferPointer?) -> Void
    ) throws(MillraceError) {
        var failure: MillraceError?
        try fullText.tokenize(text, into: .letters) { place, token in
            do throws(MillraceError) {
                if let term = try language.term(token, fullText) {
                    term.withUnsafeBytes { body(place, $0) }
                } else {
                    body(place, nil)
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func language(_ analysis: SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> LanguageAnalysis {
        if let known = languages.known[analysis] { return known }
        let made = try LanguageAnalysis(analysis)
        languages.known[analysis] = made
        return made
    }

    private static let englishWords = SearchIndexDefinition.TextField.Analysis.english.stopWords
    private static let longestStopWord = englishWords.map(\.utf8.count).max() ?? 0
    private static let stopWords = Set(englishWords.map { Array($0.utf8) })

    /// Whether a word is a stop word, or the s of a possessive ("the tenant's").
    private static func isLeftOut(_ text: UnsafeBufferPointer<UInt8>, _ place: Range<Int>) -> Bool {
        guard place.count <= longestStopWord else { return false }
        let word = text[place].map { (65...90).contains($0) ? $0 + 32 : $0 }
        if word == [UInt8(ascii: "s")] {
            let before = text[..<place.lowerBound].suffix(3)
            return before.last == UInt8(ascii: "'") || Array(before) == [0xE2, 0x80, 0x99]
        }
        return stopWords.contains(word)
    }
}
