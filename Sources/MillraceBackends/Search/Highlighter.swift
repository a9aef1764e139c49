import Millrace

/// Chooses passages of a text and marks in them what was found.
struct Highlighter {
    let wish: SearchQuery.Highlight

    /// Passages of a text, in its order; none when no phrase is in it.
    /// - Parameters:
    ///   - words: all words of the text, under its field's analysis.
    ///   - phrases: terms one behind the other.
    func passages(_ text: String, words: [AnalysedWord], phrases: [[String]]) -> [String] {
        let marked = Self.marked(words, phrases)
        guard marked.contains(true) else { return [] }
        let bytes = Array(text.utf8)
        if text.unicodeScalars.count <= wish.fragmentLength {
            return [mark(bytes, 0..<bytes.count, words.indices.filter { marked[$0] }.map { words[$0].place })]
        }
        return choose(bytes, words, marked).map { range in
            let start = range.lowerBound == 0 ? 0 : words[range.lowerBound].place.lowerBound
            let end = range.upperBound == words.count ? bytes.count : words[range.upperBound - 1].place.upperBound
            return mark(bytes, start..<end, range.filter { marked[$0] }.map { words[$0].place })
        }
    }

    /// Which words belong to a phrase. Words that the analysis leaves out stand between the others without parting them.
    private static func marked(_ words: [AnalysedWord], _ phrases: [[String]]) -> [Bool] {
        var marked = Array(repeating: false, count: words.count)
        var byFirstTerm: [String: [[String]]] = [:]
        for phrase in phrases where !phrase.isEmpty { byFirstTerm[phrase[0], default: []].append(phrase) }
        let kept = words.indices.filter { words[$0].term != nil }
        for (place, word) in kept.enumerated() {
            for phrase in words[word].term.flatMap({ byFirstTerm[$0] }) ?? [] {
                let rest = kept[place...].prefix(phrase.count)
                guard rest.count == phrase.count, zip(rest, phrase).allSatisfy({ words[$0].term == $1 }) else { continue }
                for index in rest { marked[index] = true }
            }
        }
        return marked
    }

    /// Ranges of words: those with the most different terms, then with the most marks, then the first ones; apart from each other.
    private func choose(_ bytes: [UInt8], _ words: [AnalysedWord], _ marked: [Bool]) -> [Range<Int>] {
        let offsets = Self.characterOffsets(bytes, words)
        var candidates: [(range: Range<Int>, terms: Int, marks: Int)] = []
        var coveredUpTo = 0
        for word in words.indices where marked[word] {
            // A window that begins at a mark inside the one before would mostly repeat it.
            if let last = candidates.last, word < coveredUpTo, word < last.range.upperBound - 1 { continue }
            let range = window(around: word, offsets)
            let inside = range.filter { marked[$0] }
            candidates.append((range, Set(inside.compactMap { words[$0].term }).count, inside.count))
            coveredUpTo = range.upperBound
        }
        let byWorth = candidates.indices.sorted {
            let (a, b) = (candidates[$0], candidates[$1])
            return (a.terms, a.marks, $1) > (b.terms, b.marks, $0)
        }
        var chosen: [Range<Int>] = []
        for index in byWorth where chosen.count < wish.fragments {
            let range = candidates[index].range
            if !chosen.contains(where: { $0.overlaps(range) }) { chosen.append(range) }
        }
        return chosen.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Words around one, with a third of the room before it, as many as fit.
    private func window(around word: Int, _ offsets: [(start: Int, end: Int)]) -> Range<Int> {
        let length = wish.fragmentLength
        var start = word
        while start > 0, offsets[word].end - offsets[start - 1].start <= length / 3 { start -= 1 }
        var end = word + 1
        while end < offsets.count, offsets[end].end - offsets[start].start <= length { end += 1 }
        // At the text's end the room behind is given to what stands before.
        while start > 0, offsets[end - 1].end - offsets[start - 1].start <= length { start -= 1 }
        return start..<end
    }

    /// Where each word is, in characters (Unicode scalars).
    private static func characterOffsets(_ bytes: [UInt8], _ words: [AnalysedWord]) -> [(start: Int, end: Int)] {
        var (byte, character) = (0, 0)
        func advance(to place: Int) -> Int {
            while byte < place {
                if bytes[byte] & 0xC0 != 0x80 { character += 1 }
                byte += 1
            }
            return character
        }
        return words.map { word in
            let start = advance(to: word.place.lowerBound)
            return (start, advance(to: word.place.upperBound))
        }
    }

    private func mark(_ bytes: [UInt8], _ range: Range<Int>, _ places: [Range<Int>]) -> String {
        var marked: [UInt8] = []
        var position = range.lowerBound
        for place in places {
            marked += bytes[position..<place.lowerBound]
            marked += wish.before.utf8
            marked += bytes[place]
            marked += wish.after.utf8
            position = place.upperBound
        }
        marked += bytes[position..<range.upperBound]
        return String(decoding: marked, as: UTF8.self)
    }
}
