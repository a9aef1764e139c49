import Millrace
import MillraceCore

/// The analyses of a definition's fields as settings of an index in OpenSearch, which make the same words as ``SearchAnalysis``.
///
/// OpenSearch's own analyzers of languages differ from one another in what they do besides (articles, light stemmers, compounds); these are
/// the standard tokenizer, the same stop words, and Snowball's stemmers as Lucene has them.
struct OpenSearchAnalysis {
    private typealias Analysis = SearchIndexDefinition.TextField.Analysis

    private let analyses: Set<SearchIndexDefinition.TextField.Analysis>

    init(_ definition: SearchIndexDefinition) { analyses = Set(definition.textFields.map(\.analysis)) }

    /// The name of an analysis.
    static func analyzer(_ analysis: SearchIndexDefinition.TextField.Analysis) -> String { "millrace_\(analysis.rawValue)" }

    /// The member `analysis` of the settings.
    ///
    /// The standard tokenizer (Unicode Standard Annex #29) keeps together what stands around some marks inside of a word ("don't", "3.14",
    /// "a_b"): a character filter takes these marks for separators, and drops the accents that ASCII folding leaves.
    var settings: JSONValue {
        var letters: [String: JSONValue] = [:]
        var filters: [String: JSONValue] = [:]
        var analyzers: [String: JSONValue] = [:]
        func define(_ analysis: Analysis, _ letterFilters: [String], _ chain: [String]) {
            analyzers[Self.analyzer(analysis)] = [
                "type": "custom", "char_filter": .array(letterFilters.map { .string($0) }), "tokenizer": "standard",
                "filter": .array(chain.map { .string($0) }),
            ]
        }
        for analysis in analyses {
            let name = Self.analyzer(analysis)
            if LanguageAnalysis.serves(analysis) {
                // Accents go last: stop words and stemmers know them.
                let stemmer = name + "_stemmer"
                filters[name + "_words"] = Self.stopFilter(analysis.stopWords)
                filters[stemmer] = ["type": "stemmer", "language": .string(analysis.rawValue)]
                letters["millrace_composed"] = ["type": "mapping", "mappings": .array(Self.composedMappings)]
                var letterFilters = ["millrace_composed"]
                if analysis == .romanian {
                    letters["millrace_cedillas"] = ["type": "mapping", "mappings": .array(Self.cedillaMappings)]
                    letterFilters.append("millrace_cedillas")
                }
                define(analysis, letterFilters, ["lowercase", name + "_words", stemmer, "asciifolding"])
            } else {
                letters["millrace_letters"] = ["type": "mapping", "mappings": .array(Self.letterMappings)]
                if analysis == .english {
                    // The s of a possessive is no word.
                    filters["millrace_stop_words"] = Self.stopFilter(analysis.stopWords.union(["s"]))
                    define(analysis, ["millrace_letters"], ["lowercase", "asciifolding", "millrace_stop_words", "porter_stem"])
                } else {
                    define(analysis, ["millrace_letters"], ["lowercase", "asciifolding"])
                }
            }
        }
        var settings: [String: JSONValue] = ["char_filter": .object(letters), "analyzer": .object(analyzers)]
        if !filters.isEmpty { settings["filter"] = .object(filters) }
        return .object(settings)
    }

    private static func stopFilter(_ words: Set<String>) -> JSONValue {
        ["type": "stop", "stopwords": .array(words.sorted().map { .string($0) })]
    }

    /// The same with letters and their accents in one.
    private static let composedMappings: [JSONValue] =
        letterMappings
        + ComposedLetters.parts.map { parts, letter in
            .string(parts.unicodeScalars.map { escaped(Int($0.value)) }.joined() + "=>" + escaped(Int(letter.value)))
        }

    /// The comma below (U+0218 to U+021B) is what texts have, the cedilla what the stemmer has.
    private static let cedillaMappings: [JSONValue] = [(0x218, 0x15E), (0x219, 0x15F), (0x21A, 0x162), (0x21B, 0x163)].map {
        from, through in
        .string(escaped(from) + "=>" + escaped(through))
    }

    private static let letterMappings: [JSONValue] = {
        var mappings: [(from: Int, through: String)] = []
        // The word break property's MidLetter, MidNum, MidNumLet, Single_Quote and ExtendNumLet: a hyphen separates everywhere.
        let joiners: [ClosedRange<Int>] = [
            0x27...0x27, 0x2C...0x2C, 0x2E...0x2E, 0x3A...0x3B, 0x5F...0x5F, 0xB7...0xB7, 0x37E...0x37E, 0x387...0x387, 0x55F...0x55F,
            0x589...0x589, 0x5F4...0x5F4, 0x60C...0x60D, 0x66C...0x66C, 0x7F8...0x7F8, 0x2018...0x2019, 0x2024...0x2024,
            0x2027...0x2027, 0x202F...0x202F, 0x203F...0x2040, 0x2044...0x2044, 0x2054...0x2054, 0xFE10...0xFE10, 0xFE13...0xFE14,
            0xFE33...0xFE34, 0xFE4D...0xFE50, 0xFE52...0xFE52, 0xFE54...0xFE55, 0xFF07...0xFF07, 0xFF0C...0xFF0C, 0xFF0E...0xFF0E,
            0xFF1A...0xFF1B, 0xFF3F...0xFF3F,
        ]
        for mark in joiners.joined() { mappings.append((mark, "-")) }
        for accent in 0x300...0x36F { mappings.append((accent, "")) }
        // Greek letters with an accent or a diaeresis, and the final sigma.
        let greek: KeyValuePairs = [
            0x386: 0x391, 0x388: 0x395, 0x389: 0x397, 0x38A: 0x399, 0x38C: 0x39F, 0x38E: 0x3A5, 0x38F: 0x3A9, 0x390: 0x3B9, 0x3AA: 0x399,
            0x3AB: 0x3A5, 0x3AC: 0x3B1, 0x3AD: 0x3B5, 0x3AE: 0x3B7, 0x3AF: 0x3B9, 0x3B0: 0x3C5, 0x3C2: 0x3C3, 0x3CA: 0x3B9, 0x3CB: 0x3C5,
            0x3CC: 0x3BF, 0x3CD: 0x3C5, 0x3CE: 0x3C9,
        ]
        for (letter, plain) in greek { mappings.append((letter, escaped(plain))) }
        return mappings.map { .string(escaped($0.from) + "=>" + $0.through) }
    }()

    /// A character of the basic plane as the mapping filter writes it.
    private static func escaped(_ scalar: Int) -> String {
        let digits = String(scalar, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
