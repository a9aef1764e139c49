import MillraceCore

/// Cuts text that arrives in pieces into passages for searching: whole paragraphs where they fit, else cut behind a sentence, a word, or
/// anywhere. A value without I/O.
struct PassageSplitter {
    /// About how many bytes a passage has at most.
    let limit: Int
    private var bytes: [UInt8] = []
    private var passage: [UInt8] = []

    init(limit: Int = 1500) { self.limit = limit }

    /// Takes the next bytes of the text and gives the passages that are complete.
    /// - Throws: ``ErrorCode/invalidInput`` for what is not UTF-8.
    mutating func receive(_ piece: [UInt8]) throws(MillraceError) -> [String] {
        bytes += piece
        return try take(isLast: false)
    }

    /// The rest of the text.
    mutating func finish() throws(MillraceError) -> [String] {
        var passages = try take(isLast: true)
        if let last = try flush() { passages.append(last) }
        return passages
    }

    private mutating func take(isLast: Bool) throws(MillraceError) -> [String] {
        var passages: [String] = []
        var start = 0
        while start < bytes.count {
            guard let end = blockEnd(from: start, isLast: isLast) else { break }
            let block = bytes[start..<end]
            if passage.count + block.count > limit, let full = try flush() { passages.append(full) }
            passage += block
            start = end
        }
        bytes.removeFirst(start)
        return passages
    }

    private mutating func flush() throws(MillraceError) -> String? {
        defer { passage.removeAll(keepingCapacity: true) }
        guard let text = String(validating: passage, as: UTF8.self) else {
            throw MillraceError(.invalidInput, "the file is no text in UTF-8")
        }
        // By scalars: a space with an accent above it counts as white space among characters.
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return nil }
        return String(scalars[first...last])
    }

    /// Where the paragraph that begins at `start` ends, or the longest part of it that fits; `nil`: more bytes have to come.
    private func blockEnd(from start: Int, isLast: Bool) -> Int? {
        let end = min(start + limit, bytes.count)
        var position = start
        var isLineBlank = false
        while position < end {
            let byte = bytes[position]
            if byte == 0x0A {
                if isLineBlank { return position + 1 }
                isLineBlank = true
            } else if byte != 0x20, byte != 0x09, byte != 0x0D {
                isLineBlank = false
            }
            position += 1
        }
        // Also at the limit itself: whether a scalar ends there shows in the next byte.
        if end == bytes.count { return isLast ? end : nil }
        return cut(start..<end)
    }

    private func cut(_ range: Range<Int>) -> Int {
        let half = range.lowerBound + range.count / 2
        for position in stride(from: range.upperBound - 1, to: half, by: -1)
        where (bytes[position] == 0x20 || bytes[position] == 0x0A) && ".!?".utf8.contains(bytes[position - 1]) {
            return position + 1
        }
        for position in stride(from: range.upperBound - 1, to: half, by: -1) where bytes[position] == 0x20 || bytes[position] == 0x0A {
            return position + 1
        }
        // Never within a scalar.
        var position = range.upperBound
        while position > half, position < bytes.count, bytes[position] & 0xC0 == 0x80 { position -= 1 }
        return position
    }
}
