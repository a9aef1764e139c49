import Millrace
import MillraceCore
import MillraceDatabase

/// What makes terms out of the words of a language that Snowball stems. One thread at a time.
final class LanguageAnalysis {
    private let analysis: SearchIndexDefinition.TextField.Analysis
    private let stemmer: Stemmer
    private let stopWords: Set<[UInt8]>
    private let longestStopWord: Int
    private var word: [UInt8] = []
    private var term: [UInt8] = []

    /// The longest word whose ending is cut, in bytes.
    private static let longestStemmed = 255

    /// The lists as they are compared, made once.
    private static let stopWords = Dictionary(
        uniqueKeysWithValues: SearchIndexDefinition.TextField.Analysis.allCases.map { analysis in
            (analysis, Set(analysis.stopWords.map { Array($0.utf8) }))
        })

    /// - Throws: ``ErrorCode/storageUnavailable`` when there is no stemmer for the language.
    init(_ analysis: SearchIndexDefinition.TextField.Analysis) throws(MillraceError) {
        self.analysis = analysis
        stemmer = try Stemmer(analysis)
        stopWords = Self.stopWords[analysis] ?? []
        longestStopWord = stopWords.map(\.count).max() ?? 0
    }

    /// Whether an analysis works this way: the English one is SQLite's own, which is Lucene's. Snowball's `porter` is the published algorithm
    /// without the departures of its author's programs, and its `english` another one.
    static func serves(_ analysis: SearchIndexDefinition.TextField.Analysis) -> Bool { analysis != .standard && analysis != .english }

    /// The term of a word, valid until the next call; `nil`: the word is left out.
    /// - Parameter token: in lower case, with its accents.
    func term(_ token: UnsafeRawBufferPointer, _ fullText: FullText) throws(MillraceError) -> [UInt8]? {
        word.removeAll(keepingCapacity: true)
        word.append(contentsOf: token)
        let isASCII = word.allSatisfy { $0 < 0x80 }
        if !isASCII {
            if hasAccents { word = ComposedLetters.compose(word) }
            if analysis == .romanian { useCedillas() }
        }
        if word.count <= longestStopWord, stopWords.contains(word) { return nil }
        term.removeAll(keepingCapacity: true)
        // Longer than any word is: some stemmers take time by the square of it.
        if word.count > Self.longestStemmed {
            term.append(contentsOf: word)
        } else {
            stemmer.withStem(of: word) { term.append(contentsOf: $0) }
        }
        if !isASCII, term.contains(where: { $0 >= 0x80 }) { try fold(fullText) }
        return term.isEmpty ? nil : term
    }

    /// Whether accents may stand apart from their letters: U+0300 to U+036F begin with these bytes.
    private var hasAccents: Bool { word.contains { $0 == 0xCC || $0 == 0xCD } }

    /// The stemmer and the stop words have ş and ţ with the cedilla, today's texts with the comma below: U+0219 and U+021B.
    private func useCedillas() {
        for place in word.indices.dropLast() where word[place] == 0xC8 {
            switch word[place + 1] {
            case 0x99: (word[place], word[place + 1]) = (0xC5, 0x9F)
            case 0x9B: (word[place], word[place + 1]) = (0xC5, 0xA3)
            default: break
            }
        }
    }

    /// Letters that are no letter with an accent, and what they are without: as Lucene's ASCIIFoldingFilter.
    private static let letters: [Unicode.Scalar: String] = [
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i",
    ]

    /// Takes the accents off the term.
    private func fold(_ fullText: FullText) throws(MillraceError) {
        var text = ""
        for scalar in String(decoding: term, as: UTF8.self).unicodeScalars {
            if let plain = Self.letters[scalar] { text += plain } else { text.unicodeScalars.append(scalar) }
        }
        var folded: [UInt8] = []
        var failure: MillraceError?
        text.withUTF8 { bytes in
            do throws(MillraceError) {
                // A stem is one word still.
                try fullText.tokenize(bytes, into: .words) { _, part in folded.append(contentsOf: part) }
            } catch { failure = error }
        }
        if let failure { throw failure }
        term = folded
    }
}
