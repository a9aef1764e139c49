import Millrace
import MillraceCore
import MillraceDatabase
import Testing

@testable import MillraceBackends

@Suite struct SearchAnalysisTests {
    private func withAnalysis(_ body: (SearchAnalysis) throws -> Void) throws {
        let session = try SQLiteSession(.open(path: ":memory:", access: .readWrite))
        try body(SearchAnalysis(fullText: try session.fullText()))
    }

    /// The English stems are those of Lucene's filter, with the departures that Snowball's `porter` lacks (analog, possibl, is).
    @Test(
        arguments: [
            (.standard, "The Mühlen ran", "the muhlen ran"), (.english, "The analogies' tenant's possibly us", "analog tenant possibl us"),
            (.german, "Die VERTRÄGE fu\u{308}r Häuser & Straßen", "vertrag haus strass"), (.german, "1.5 Millionen", "1 5 million"),
            (.french, "l’élève étaient à l'hôpital", "elev hopital"), (.russian, "Зелёная ёлка и договоры", "зелен елк договор"),
            (.romanian, "Şi și s\u{326}i naționale / naţionale / nat\u{326}ionale", "national national national"),
            (.danish, "smørrebrødet på æbler", "smorrebrod aebl"), (.spanish, "CANCIÓN cancio\u{301}n", "cancion cancion"),
            (.hungarian, "a \u{301}b q\u{308}x", "b qx"), (.swedish, "", ""), (.dutch, "de een het", ""),
        ] as [(SearchIndexDefinition.TextField.Analysis, String, String)])
    func terms_areStemsWithoutAccents(analysis: SearchIndexDefinition.TextField.Analysis, text: String, terms: String) throws {
        try withAnalysis { (found) throws in #expect(try found.terms(text, analysis) == terms) }
    }

    /// A query's words are compared place by place in fields of different analyses.
    @Test func words_standInTheSamePlaces_underEveryAnalysis() throws {
        let text = "Die \u{301} Vertra\u{308}ge, d'été (x_y) ș \u{327}\u{301}Ångström don't STRASSE 3.14 и\u{306}"
        try withAnalysis { (analysis) throws in
            let places = try analysis.words(text, .standard).map(\.place)
            for other in SearchIndexDefinition.TextField.Analysis.allCases {
                #expect(try analysis.words(text, other).map(\.place) == places, "\(other)")
            }
        }
    }

    /// Nothing of a word stays behind for the next one, whatever language it was in.
    @Test func analysis_servesLanguagesByTurns() throws {
        try withAnalysis { (analysis) throws in
            for _ in 0..<3 {
                #expect(try analysis.terms("Verträge", .german) == "vertrag")
                #expect(try analysis.terms("contratti", .italian) == "contratt")
                #expect(try analysis.terms("contracts", .english) == "contract")
            }
            let long = String(repeating: "ä", count: 100_000)
            #expect(try analysis.terms(long, .german) == String(repeating: "a", count: 100_000))
        }
    }

    @Test func everyLanguage_hasAStemmerAndStopWords() throws {
        for analysis in SearchIndexDefinition.TextField.Analysis.allCases where analysis != .standard {
            #expect(analysis.stopWords.count > 30, "\(analysis)")
            #expect(analysis.stopWords.allSatisfy { $0 == $0.lowercased() && $0.unicodeScalars.allSatisfy(\.properties.isAlphabetic) })
            if LanguageAnalysis.serves(analysis) { _ = try Stemmer(analysis) }
        }
        #expect(throws: MillraceError.self) { _ = try Stemmer(.standard) }
    }

    @Test func letters_areComposedWhereThereIsOne() {
        let composed = { (text: String) in
            String(decoding: ComposedLetters.compose(Array(text.utf8)), as: UTF8.self).unicodeScalars.map(\.value)
        }
        #expect(composed("e\u{301}te\u{301}") == [0xE9, 0x74, 0xE9])
        #expect(composed("q\u{301}x\u{327}\u{301}") == [0x71, 0x301, 0x78, 0x327, 0x301])
        #expect(composed("o\u{30B}u\u{302}и\u{306}е\u{308}") == [0x151, 0xFB, 0x439, 0x451])
        #expect(composed("") == [] && composed("plain") == "plain".unicodeScalars.map(\.value))
        #expect(
            ComposedLetters.parts.count > 150
                && Set(ComposedLetters.parts.map { Array($0.parts.utf8) }).count == ComposedLetters.parts.count)
    }
}
