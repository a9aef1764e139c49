/// A text in which quotes are looked for, as a person would compare them: white space, kinds of quotation marks, dashes and invisible
/// characters make no difference, everything else does.
struct QuotableText: Sendable {
    private let utf8: [UInt8]
    /// The characters that are compared.
    private var characters: [UInt32] = []
    /// Where each stands in the text, in bytes of UTF-8.
    private var places: [Range<Int>] = []

    init(_ text: String) {
        utf8 = Array(text.utf8)
        var offset = 0
        for scalar in text.unicodeScalars {
            let place = offset..<(offset + UTF8.width(scalar))
            offset = place.upperBound
            if scalar.properties.isWhitespace {
                // A run of white space is one space; there is none at the beginning.
                if let last = characters.last, last != 0x20 { append(" ", at: place) }
                continue
            }
            switch scalar.value {
            case 0xAD, 0x200B...0x200D, 0x2060, 0xFEFF: break
            case 0x201C...0x201F, 0xAB, 0xBB, 0x2033: append("\"", at: place)
            case 0x2018...0x201B, 0x2039, 0x203A, 0x2032, 0x60, 0xB4: append("'", at: place)
            case 0x2010...0x2015, 0x2212: append("-", at: place)
            case 0x2026: for _ in 0..<3 { append(".", at: place) }
            default: append(scalar, at: place)
            }
        }
        if characters.last == 0x20 {
            characters.removeLast()
            places.removeLast()
        }
    }

    /// The words that a quote means, as they stand here, and where they begin, in bytes of UTF-8.
    ///
    /// A quote stands here if all of it does, from a word's beginning to a word's end. Quotation marks around it, an ellipsis or a full
    /// stop at its end and the five entities of XML in it are tried as they are and, if need be, without. A quote without a letter or digit
    /// stands nowhere.
    func find(_ quote: String) -> (text: String, offset: Int)? {
        var wordings = [quote]
        if quote.utf8.contains(UInt8(ascii: "&")) { wordings.append(Self.unescaped(quote)) }
        for wording in wordings {
            let sought = QuotableText(wording).characters
            for sought in [sought, Self.bare(sought)] {
                guard sought.contains(where: Self.isPartOfWord) || sought.contains(where: { $0 > 0x2FF }) else { continue }
                guard let range = SubsequenceSearch(sought).first(in: characters, where: isWhole) else { continue }
                let bytes = places[range.lowerBound].lowerBound..<places[range.upperBound - 1].upperBound
                return (String(decoding: utf8[bytes], as: UTF8.self), bytes.lowerBound)
            }
        }
        return nil
    }

    private mutating func append(_ scalar: Unicode.Scalar, at place: Range<Int>) {
        characters.append(scalar.value)
        places.append(place)
    }

    /// Whether no word is cut at the ends of a range.
    private func isWhole(_ range: Range<Int>) -> Bool {
        func isWord(_ place: Int) -> Bool { characters.indices.contains(place) && Self.isPartOfWord(characters[place]) }
        func cuts(_ place: Int) -> Bool {
            guard place > 0, place < characters.count else { return false }
            if isWord(place - 1), isWord(place) { return true }
            // 1.5, 1,500, can't and non-refundable are one word each; what a half of them says is something else.
            if Self.joins.contains(characters[place]), isWord(place - 1), isWord(place + 1) { return true }
            if Self.joins.contains(characters[place - 1]), isWord(place - 2), isWord(place) { return true }
            // The sign of a number.
            return Self.signs.contains(characters[place - 1]) && Self.isDigit(characters[place]) && place == range.lowerBound
        }
        return !cuts(range.lowerBound) && !cuts(range.upperBound)
    }

    /// What stands within words and numbers: `.`, `,`, `'`, `-`.
    private static let joins: Set<UInt32> = [0x2E, 0x2C, 0x27, 0x2D]
    /// `-`, `+` and the minus sign.
    private static let signs: Set<UInt32> = [0x2D, 0x2B, 0x2212]
    private static func isDigit(_ value: UInt32) -> Bool { (0x30...0x39).contains(value) }

    /// Whether a character is a letter or digit of a script that puts spaces between words.
    private static func isPartOfWord(_ value: UInt32) -> Bool {
        guard value < 0x0E00 || (0x1E00...0x1FFF).contains(value), let scalar = Unicode.Scalar(value) else { return false }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    /// Without quotation marks around it and without stops at its end.
    private static func bare(_ characters: [UInt32]) -> [UInt32] {
        let marks: [UInt32] = [0x22, 0x27, 0x20, 0x2E]
        var rest = characters[...]
        while let first = rest.first, marks.contains(first) { rest.removeFirst() }
        while let last = rest.last, marks.contains(last) || last == 0x2C { rest.removeLast() }
        return Array(rest)
    }

    private static func unescaped(_ text: String) -> String {
        var text = text
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")] {
            text = text.split(separator: entity, omittingEmptySubsequences: false).joined(separator: character)
        }
        return text
    }
}
