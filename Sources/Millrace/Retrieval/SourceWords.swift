/// The words of a source, to find where a text repeats them.
struct SourceWords: Sendable {
    /// The source's number.
    let number: Int

    private let utf8: [UInt8]
    /// The words by the numbers that stand for them.
    private var words: [Int] = []
    /// Where each stands, in bytes of UTF-8.
    private var places: [Range<Int>] = []
    private var numbers: [String: Int] = [:]
    /// The places in `words` of each number.
    private var occurrences: [[Int]] = []

    init(_ number: Int, _ text: String) {
        self.number = number
        utf8 = Array(text.utf8)
        var word = ""
        var start = 0
        var offset = 0
        for scalar in text.unicodeScalars {
            if Self.isPartOfWord(scalar) {
                if word.isEmpty { start = offset }
                word += scalar.properties.lowercaseMapping
            } else {
                append(word, at: start..<offset)
                word = ""
            }
            offset += UTF8.width(scalar)
        }
        append(word, at: start..<offset)
    }

    private mutating func append(_ word: String, at place: Range<Int>) {
        guard !word.isEmpty else { return }
        let new = numbers.count
        let wordNumber = numbers[word, default: new]
        if wordNumber == new {
            numbers[word] = new
            occurrences.append([])
        }
        occurrences[wordNumber].append(words.count)
        words.append(wordNumber)
        places.append(place)
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
    /// looked for. `nil`: not one word does. It takes at most as many steps as there are pairs of a word here and an equal one there.
    func longestRun(of sought: [String]) -> Range<Int>? {
        let sought = sought.map { numbers[$0] ?? -1 }
        var best: Range<Int>?
        for start in sought.indices where sought[start] >= 0 && sought.count - start > best?.count ?? 0 {
            for place in occurrences[sought[start]] {
                // This one is the rest of a run that was looked at.
                if start > 0, place > 0, sought[start - 1] == words[place - 1] { continue }
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
