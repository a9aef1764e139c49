/// Turns text into the terms by which sentences are compared.
///
/// Words are runs of letters and digits in any script, lower-cased, English ones folded; scripts that are written without spaces
/// give overlapping pairs of characters, as is usual in their retrieval.
enum Tokenizer {
    /// A word and the term that stands for it.
    struct Word: Equatable, Sendable {
        /// The word in lower case, as it is shown to people.
        var surface: String
        /// What is compared.
        var term: String
        var isStopWord: Bool
    }

    /// The terms of `text`, in order, without stop words.
    static func terms(_ text: String) -> [String] {
        var result: [String] = []
        forEachWord(text) { word, isPair in
            if isPair { result.append(word) } else if !StopWords.english.contains(word) { result.append(WordFolding.fold(word)) }
        }
        return result
    }

    /// All words of `text`, in order.
    static func words(_ text: String) -> [Word] {
        var result: [Word] = []
        forEachWord(text) { word, isPair in
            result.append(
                Word(surface: word, term: isPair ? word : WordFolding.fold(word), isStopWord: !isPair && StopWords.english.contains(word)))
        }
        return result
    }

    /// Whether a term is a pair of characters of a script without spaces.
    static func isPair(_ term: String) -> Bool { term.unicodeScalars.first.map(isUnspaced) ?? false }

    /// Calls `body` with each word in lower case, or pair of characters of a script without spaces.
    static func forEachWord(_ text: String, _ body: (_ word: String, _ isPair: Bool) -> Void) {
        var word = String.UnicodeScalarView()
        var unspaced: [Unicode.Scalar] = []
        /// A stop, comma or apostrophe that belongs to the word if it goes on.
        var joint: Unicode.Scalar?

        func endWord() {
            joint = nil
            guard !word.isEmpty else { return }
            body(String(word).lowercased(), false)
            word.removeAll(keepingCapacity: true)
        }
        func endUnspaced() {
            if unspaced.count == 1 { body(String(unspaced[0]), true) }
            for i in unspaced.indices.dropFirst() {
                var pair = String.UnicodeScalarView()
                pair.append(unspaced[i - 1])
                pair.append(unspaced[i])
                body(String(pair), true)
            }
            unspaced.removeAll(keepingCapacity: true)
        }

        for scalar in text.unicodeScalars {
            if isUnspaced(scalar) {
                endWord()
                unspaced.append(scalar)
                continue
            }
            if !unspaced.isEmpty { endUnspaced() }
            if isWordScalar(scalar) {
                if let mark = joint {
                    let isInNumber = isDigit(word.last) && isDigit(scalar)
                    if mark == "'" || mark == "’" {
                        // The possessive is dropped and `don't` becomes `dont`; `l'eau` becomes two words.
                        if scalar == "s" || scalar == "S" {
                            endWord()
                            joint = "s"
                            continue
                        }
                        if word.index(after: word.startIndex) == word.endIndex { endWord() }
                        joint = nil
                    } else if mark == "s" {
                        word.append("s")
                        joint = nil
                    } else if isInNumber {
                        // `1,200` and `1200` are one number; `3.5` keeps its point.
                        if mark == "." { word.append(mark) }
                        joint = nil
                    } else {
                        endWord()
                    }
                }
                word.append(scalar)
            } else if joint == nil, !word.isEmpty,
                scalar == "'" || scalar == "’" || (isDigit(word.last) && (scalar == "," || scalar == "."))
            {
                joint = scalar
            } else {
                endWord()
            }
        }
        endWord()
        endUnspaced()
    }

    private static func isDigit(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { (48...57).contains($0.value) } ?? false }

    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (48...57).contains(scalar.value) || (97...122).contains(scalar.value | 0x20) }
        let properties = scalar.properties
        return properties.isAlphabetic || properties.numericType != nil || properties.generalCategory == .nonspacingMark
    }

    /// Han, kana, Hangul and the scripts of South-East Asia.
    private static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x0E00: false
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF: scalar.properties.isAlphabetic
        case 0x3041...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
        default: false
        }
    }
}
