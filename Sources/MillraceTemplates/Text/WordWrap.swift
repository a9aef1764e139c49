/// Lines of at most a number of characters, broken between words.
///
/// Source: the behaviour of `textwrap.TextWrapper` in Python's library, with tabs and line ends left alone.
struct WordWrap {
    let width: Int
    let breaksLongWords: Bool
    let breaksOnHyphens: Bool

    func lines(of text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
        var pieces = Array(self.pieces(text).reversed())
        var lines: [[Unicode.Scalar]] = []
        while let first = pieces.last {
            if !lines.isEmpty, Self.isBlank(first) {
                pieces.removeLast()
                if pieces.isEmpty { break }
            }
            var line: [ArraySlice<Unicode.Scalar>] = []
            var length = 0
            while let next = pieces.last, length + next.count <= width {
                line.append(next)
                length += next.count
                pieces.removeLast()
            }
            if let long = pieces.last, long.count > width { breakUp(long, &pieces, &line, length) }
            if let last = line.last, Self.isBlank(last) { line.removeLast() }
            if !line.isEmpty { lines.append(line.flatMap { $0 }) }
        }
        return lines
    }

    /// The rest of a word is a slice, not a copy: one word may break into as many lines as it has characters.
    private func breakUp(
        _ long: ArraySlice<Unicode.Scalar>, _ pieces: inout [ArraySlice<Unicode.Scalar>], _ line: inout [ArraySlice<Unicode.Scalar>],
        _ length: Int
    ) {
        guard breaksLongWords else {
            if line.isEmpty { line.append(pieces.removeLast()) }
            return
        }
        let room = width - length
        var end = long.startIndex + room
        if breaksOnHyphens, long.count > room, let hyphen = long[..<end].lastIndex(of: "-"), hyphen > long.startIndex,
            long[..<hyphen].contains(where: { $0 != "-" })
        {
            end = hyphen + 1
        }
        line.append(long[..<end])
        pieces[pieces.count - 1] = long[end...]
    }

    private static func isBlank(_ piece: ArraySlice<Unicode.Scalar>) -> Bool { piece.allSatisfy(PythonText.isSpace) }

    /// Only ASCII's white space separates words.
    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || (0x09...0x0D).contains(scalar.value) }

    /// Words and the white space between them; words with hyphens in parts that may stand in different lines.
    private func pieces(_ text: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
        var pieces: [ArraySlice<Unicode.Scalar>] = []
        var start = 0
        while start < text.count {
            var end = start + 1
            if Self.isSeparator(text[start]) {
                while end < text.count, Self.isSeparator(text[end]) { end += 1 }
            } else if breaksOnHyphens, let dashes = dashEnd(text, start) {
                end = dashes
            } else {
                end = wordEnd(text, start)
            }
            pieces.append(text[start..<end])
            start = end
        }
        return pieces
    }

    /// The end of two or more hyphens between words, where such begin at `place`.
    private func dashEnd(_ text: [Unicode.Scalar], _ place: Int) -> Int? {
        guard place > 0, text[place] == "-", Self.isWordPunctuation(text[place - 1]) else { return nil }
        return endOfDashes(text, place)
    }

    private func endOfDashes(_ text: [Unicode.Scalar], _ place: Int) -> Int? {
        var end = place
        while end < text.count, text[end] == "-" { end += 1 }
        return end - place >= 2 && end < text.count && PythonText.isWord(text[end]) ? end : nil
    }

    private func wordEnd(_ text: [Unicode.Scalar], _ start: Int) -> Int {
        var end = start + 1
        while end < text.count {
            if Self.isSeparator(text[end]) { return end }
            if breaksOnHyphens, text[end] == "-" {
                if mayBreakBehindHyphen(text, end) { return end + 1 }
                if Self.isWordPunctuation(text[end - 1]), endOfDashes(text, end) != nil { return end }
            }
            end += 1
        }
        return end
    }

    /// Whether the hyphen stands between letters: `aa-b`, or `a-b-` before another letter.
    private func mayBreakBehindHyphen(_ text: [Unicode.Scalar], _ hyphen: Int) -> Bool {
        func isLetter(_ place: Int) -> Bool {
            text.indices.contains(place) && PythonText.isWord(text[place]) && !Self.isNoLetter(text[place])
        }
        let before = isLetter(hyphen - 1) && (isLetter(hyphen - 2) || hyphen >= 2 && text[hyphen - 2] == "-" && isLetter(hyphen - 3))
        let after =
            isLetter(hyphen + 1) && (isLetter(hyphen + 2) || hyphen + 2 < text.count && text[hyphen + 2] == "-" && isLetter(hyphen + 3))
        return before && after
    }

    private static func isNoLetter(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .decimalNumber }

    private static func isWordPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        PythonText.isWord(scalar) || "!\"'&.,?".unicodeScalars.contains(scalar)
    }
}
