/// The words of a source, to find where a text repeats them.
struct SourceWords: Sendable {
    /// The source's number.
    let number: Int

    private let utf8: [UInt8]
    private var words: [String] = []
    /// Where each stands, in bytes of UTF-8.
    private var places: [Range<Int>] = []
    /// The places in `words` of each word.
    private var occurrences: [String: [Int]] = [:]

    init(_ number: Int, _ text: String) {
        self.number = number
        utf8 = Array(text.utf8)
        var word = ""
        var start = 0
        var offset = 0
        func end(_ words: inout [String], _ places: inout [Range<Int>]) {
            guard !word.isEmpty else { return }
            words.append(word)
            places.append(start..<offset)
            word = ""
        }
        for scalar in text.unicodeScalars {
            if Self.isPartOfWord(scalar) {
                if word.isEmpty { start = offset }
                word += scalar.properties.lowercaseMapping
            } else {
                end(&words, &places)
            }
            offset += UTF8.width(scalar)
        }
        end(&words, &places)
        for (place, word) in words.enumerated() { occurrences[word, default: []].append(place) }
    }

    /// Whether a character belongs to a word: letters, digits, and the marks above and below them.
    static func isPartOfWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x80 {
            return (0x30...0x39).contains(scalar.value) || (0x41...0x5A).contains(scalar.value) || (0x61...0x7A).contains(scalar.value)
        }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || scalar.properties.generalCategory == .nonspacingMark
    }

    /// The longest run of these words, one behind the other, that stands here, in words; of equally long ones the first of the text that is
    /// looked for. `nil`: not one word does.
    func longestRun(of sought: [String]) -> Range<Int>? {
        var best: Range<Int>?
        for start in sought.indices where sought.count - start > best?.count ?? 0 {
            for place in occurrences[sought[start]] ?? [] {
                var length = 1
                while start + length < sought.count, place + length < words.count, sought[start + length] == words[place + length] {
                    length += 1
                }
                if length > best?.count ?? 0 { best = place..<(place + length) }
            }
        }
        return best
    }

    /// Where a run of words stands, in bytes of UTF-8.
    func place(of range: Range<Int>) -> Range<Int> { places[range.lowerBound].lowerBound..<places[range.upperBound - 1].upperBound }

    /// The text there.
    func text(at place: Range<Int>) -> String { String(decoding: utf8[place], as: UTF8.self) }
}
