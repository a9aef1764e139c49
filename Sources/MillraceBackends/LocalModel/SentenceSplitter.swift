/// Cuts a text into quotable stretches and says where each stands.
///
/// Blank lines separate blocks; headings, list items, table rows and code fences stand for themselves; what is left is prose, which is cut
/// at the ends of its sentences. Every stretch is a verbatim part of the text.
struct SentenceSplitter: Sendable {
    /// The longest stretch in bytes; longer ones are cut at a line's end or a space, so that a text without full stops can be quoted too.
    var longestSentence = 800

    /// The stretches of `text`, in order.
    /// - Parameters:
    ///   - source: the index to give them.
    ///   - limit: the most stretches to return.
    func split(_ text: String, source: Int = 0, limit: Int = .max) -> [Sentence] {
        let text = UTF8Text(text)
        var result: [Sentence] = []
        var heading: String?
        for block in TextBlocks(text) {
            guard result.count < limit else { break }
            if block.kind == .heading { heading = text.string(text.trimmed(block.range)) }
            let ranges = block.kind == .prose || block.kind == .listItem ? sentences(text, block.range) : [block.range]
            for range in ranges {
                for piece in cut(text, text.trimmed(range)) where text.hasWord(piece) {
                    result.append(
                        Sentence(
                            text: text.string(piece), source: source, range: piece, paragraph: block.paragraph, kind: block.kind,
                            heading: block.kind == .heading ? nil : heading))
                }
            }
        }
        return result.count > limit ? Array(result.prefix(limit)) : result
    }

    private func sentences(_ text: UTF8Text, _ range: Range<Int>) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = range.lowerBound
        var offset = start
        while offset < range.upperBound {
            let byte = text.bytes[offset]
            if byte < 0x80, byte != UInt8(ascii: "."), byte != UInt8(ascii: "!"), byte != UInt8(ascii: "?") {
                offset += 1
                continue
            }
            let (scalar, length) = text.scalar(at: offset)
            let isWide = SentenceBoundary.isWideTerminator(scalar)
            guard isWide || SentenceBoundary.isTerminator(scalar) else {
                offset += length
                continue
            }
            let stop = offset
            offset += length
            while offset < range.upperBound {
                let (next, length) = text.scalar(at: offset)
                guard
                    SentenceBoundary.isTerminator(next) || SentenceBoundary.isWideTerminator(next) || SentenceBoundary.isCloser(next)
                else { break }
                offset += length
            }
            guard isWide || ends(text, range, start: start, stop: stop, after: offset) else { continue }
            result.append(start..<offset)
            start = offset
        }
        if start < range.upperBound { result.append(start..<range.upperBound) }
        return result
    }

    private func ends(_ text: UTF8Text, _ range: Range<Int>, start: Int, stop: Int, after: Int) -> Bool {
        guard after < range.upperBound else { return true }
        guard text.scalar(at: after).scalar.properties.isWhitespace else { return false }
        var wordStart = stop
        while wordStart > start {
            let previous = text.offsetBefore(wordStart)
            let scalar = text.scalar(at: previous).scalar
            guard scalar == "." || scalar.properties.isAlphabetic || scalar.properties.numericType != nil else { break }
            wordStart = previous
        }
        let word = text.string(wordStart..<stop)
        let isFirst = text.trimmed(start..<wordStart).isEmpty
        // The word after, without an opening quotation mark or bracket; it is looked for nearby only, or a text of dots would cost its square.
        var next = after
        while next < range.upperBound, next - after < 32 {
            let (scalar, length) = text.scalar(at: next)
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil { break }
            next += length
        }
        var nextEnd = next
        while nextEnd < range.upperBound, nextEnd - next < 24 {
            let (scalar, length) = text.scalar(at: nextEnd)
            guard scalar.properties.isAlphabetic || scalar.properties.numericType != nil else { break }
            nextEnd += length
        }
        return SentenceBoundary.ends(after: word, isFirst: isFirst, before: text.string(next..<nextEnd))
    }

    private func cut(_ text: UTF8Text, _ range: Range<Int>) -> [Range<Int>] {
        guard range.count > longestSentence else { return [range] }
        var result: [Range<Int>] = []
        var start = range.lowerBound
        while range.upperBound - start > longestSentence {
            let bound = start + longestSentence
            var end = bound
            if let newline = text.bytes[start..<bound].lastIndex(of: 10), newline > start {
                end = newline
            } else if let space = text.bytes[start..<bound].lastIndex(of: 32), space > start {
                end = space
            } else {
                while end > start + 1, text.bytes[end] & 0xC0 == 0x80 { end -= 1 }
            }
            result.append(text.trimmed(start..<end))
            start = end
        }
        result.append(text.trimmed(start..<range.upperBound))
        return result.filter { !$0.isEmpty }
    }
}
