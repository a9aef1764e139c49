import Millrace
import MillraceCore

/// A word of a text without its ending, and what is known of it.
struct EmbeddedTerm {
    /// Its bytes.
    let bytes: [UInt8]
    /// Where it stands among the ``WordVectors``; `nil`: it is none of them.
    let place: Int?
    /// How rare it is (``WordVectors/rarity(at:)``).
    let rarity: Float

    /// What counts for a word that has no vector; those that have one have 8.125 at most.
    static let rarityOfOthers: Float = 9

    init(_ bytes: [UInt8], _ known: WordVectors) {
        self.bytes = bytes
        place = known.place(of: WordHash.of(bytes))
        rarity = place.map(known.rarity) ?? Self.rarityOfOthers
    }
}

/// Cuts texts into the terms that they are embedded by. One thread at a time.
struct EmbeddedTerms {
    private let stemmer: Stemmer
    /// By their bytes: strings that differ only in how accents are written are equal.
    private var known: [[UInt8]: EmbeddedTerm] = [:]

    /// Nothing longer is a word.
    private static let longestWord = 64

    /// - Throws: ``ErrorCode/storageUnavailable`` when libstemmer has no stemmer for it, or there is no memory.
    init() throws(MillraceError) { stemmer = try Stemmer(named: "porter") }

    /// The terms of `text` in order, without stop words: the English ones, and those of the language that most of its words are stop words of.
    mutating func terms(of text: String) -> [EmbeddedTerm] {
        var words: [String] = []
        Tokenizer.forEachWord(text) { word, _ in words.append(word) }
        let stopWords = StopWordLanguage.most(of: words)
        var terms = words.filter { !StopWords.english.contains($0) && !stopWords.contains($0) }
        // A text of nothing but common words is still told from others by them, and one without words by its characters.
        if terms.isEmpty { terms = words }
        if terms.isEmpty { terms = [text] }
        return terms.map { term($0) }
    }

    private mutating func term(_ word: String) -> EmbeddedTerm {
        let written = Array(word.utf8)
        if let term = known[written] { return term }
        // In PDFs accents may stand apart from their letters.
        let bytes = written.contains { $0 == 0xCC || $0 == 0xCD } ? ComposedLetters.compose(written) : written
        let stem = bytes.count > Self.longestWord ? bytes : stemmer.withStem(of: bytes) { Array($0) }
        // Of a lone `s` nothing is left.
        let term = EmbeddedTerm(stem.isEmpty ? bytes : stem, .english)
        known[written] = term
        return term
    }
}

/// Tells languages other than English by their stop words.
enum StopWordLanguage {
    private typealias Analysis = SearchIndexDefinition.TextField.Analysis
    private static let languages = Analysis.allCases.filter { $0 != .standard && $0 != .english }
    /// Each stop word, with a bit for each language that has it.
    private static let masks: [String: UInt32] = {
        var masks: [String: UInt32] = [:]
        for (bit, language) in languages.enumerated() {
            for word in language.stopWords { masks[word, default: 0] |= 1 << UInt32(bit) }
        }
        return masks
    }()
    private static let lists = languages.map { Set($0.stopWords) }

    /// As few as this may be English words: `dog` and `man` are Danish stop words.
    private static let fewest = 3

    /// The stop words of the language that has most of `words` among them; none where English has as many, or they are few.
    static func most(of words: [String]) -> Set<String> {
        var counts = [Int](repeating: 0, count: languages.count)
        var english = 0
        for word in words {
            if StopWords.english.contains(word) { english += 1 }
            guard var mask = masks[word] else { continue }
            while mask != 0 {
                counts[mask.trailingZeroBitCount] += 1
                mask &= mask - 1
            }
        }
        guard let most = counts.indices.max(by: { counts[$0] < counts[$1] }), counts[most] > english, counts[most] >= fewest else {
            return []
        }
        return lists[most]
    }
}
