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

/// Makes words out of text, with SQLite's own tokenizers.
///
/// Texts are analysed before they are stored: the full-text table gets terms with spaces between them. So fields of both analyses share one
/// table, stop words take no room and do not count towards a text's length, and phrases read over them.
struct SearchAnalysis {
    let fullText: FullText

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
        var text = text
        var failure: MillraceError?
        text.withUTF8 { bytes in
            do throws(MillraceError) {
                switch analysis {
                case .standard: try fullText.tokenize(bytes, into: .words) { place, term in body(place, term) }
                case .english:
                    try fullText.tokenize(bytes, into: .stems) { place, term in body(place, Self.isLeftOut(bytes, place) ? nil : term) }
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private static let longestStopWord = SearchIndexDefinition.englishStopWords.map(\.utf8.count).max() ?? 0
    private static let stopWords = Set(SearchIndexDefinition.englishStopWords.map { Array($0.utf8) })

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
