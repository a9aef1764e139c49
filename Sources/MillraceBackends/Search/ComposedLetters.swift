/// Letters with accents that have a code point of their own: stop words and stemmers know them in that form only, and texts out of PDFs have
/// them in two parts.
enum ComposedLetters {
    /// The letters of the languages that are stemmed, by what is canonically the same.
    private static let letters: [Character: Unicode.Scalar] = {
        let blocks: [ClosedRange<UInt32>] = [0xC0...0x17F, 0x218...0x21B, 0x400...0x45F]
        let scalars = blocks.joined().compactMap { Unicode.Scalar($0) }
        return Dictionary(scalars.map { (Character($0), $0) }, uniquingKeysWith: { first, _ in first })
    }()

    /// The parts of each letter: a letter and an accent.
    static let parts: [(parts: String, letter: Unicode.Scalar)] = {
        let bases =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".unicodeScalars + (0x400...0x45F).compactMap { Unicode.Scalar($0) }
        var found: [(parts: String, letter: Unicode.Scalar)] = []
        for base in bases {
            for accent in accents.compactMap({ Unicode.Scalar($0) }) {
                let parts = String(Character(base)) + String(Character(accent))
                if parts.count == 1, let letter = letters[Character(parts)] { found.append((parts, letter)) }
            }
        }
        return found
    }()

    /// Combining diacritical marks.
    static let accents: ClosedRange<UInt32> = 0x300...0x36F

    /// A word with each letter in one part where there is one; accents that belong to none stay.
    static func compose(_ word: [UInt8]) -> [UInt8] {
        var composed = String.UnicodeScalarView()
        for character in String(decoding: word, as: UTF8.self) {
            if character.unicodeScalars.count == 1 {
                composed.append(contentsOf: character.unicodeScalars)
            } else {
                append(character, to: &composed)
            }
        }
        return Array(String(composed).utf8)
    }

    private static func append(_ character: Character, to composed: inout String.UnicodeScalarView) {
        var letter: Unicode.Scalar?
        for scalar in character.unicodeScalars {
            guard let base = letter else {
                letter = scalar
                continue
            }
            if let both = letters[Character(String(Character(base)) + String(Character(scalar)))] {
                letter = both
            } else {
                composed.append(base)
                letter = scalar
            }
        }
        if let letter { composed.append(letter) }
    }
}
