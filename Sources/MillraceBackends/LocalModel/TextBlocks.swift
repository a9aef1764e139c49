/// Reads a text's layout line by line: headings, list items, table rows, code fences, and runs of prose.
struct TextBlocks: Sequence, IteratorProtocol {
    struct Block: Equatable {
        var kind: Sentence.Kind
        var range: Range<Int>
        var paragraph: Int
    }

    private let text: UTF8Text
    private let lines: [Range<Int>]
    private var upcoming = 0
    private var paragraph = 0
    private var isInside = false
    private var areRows = false

    init(_ text: UTF8Text) {
        self.text = text
        var lines: [Range<Int>] = []
        var start = 0
        for (offset, byte) in text.bytes.enumerated() where byte == 10 {
            lines.append(start..<offset)
            start = offset + 1
        }
        lines.append(start..<text.bytes.count)
        self.lines = lines
    }

    mutating func next() -> Block? {
        while upcoming < lines.count {
            let index = upcoming
            let line = content(index)
            upcoming += 1
            if line.isEmpty {
                isInside = false
                continue
            }
            let isFirst = !isInside
            if isFirst {
                isInside = true
                paragraph += 1
                areRows = isTable(from: index)
            }
            if isFence(line) { return fence(from: index) }
            if isRule(line) { continue }
            if areRows { return Block(kind: .row, range: line, paragraph: paragraph) }
            if let heading = markdownHeading(line) { return Block(kind: .heading, range: heading, paragraph: paragraph) }
            if isFirst, isPlainHeading(index, line) { return Block(kind: .heading, range: line, paragraph: paragraph) }
            if upcoming < lines.count, isFirst, isUnderline(content(upcoming)) {
                upcoming += 1
                return Block(kind: .heading, range: line, paragraph: paragraph)
            }
            return prose(from: index)
        }
        return nil
    }

    private func content(_ index: Int) -> Range<Int> { text.trimmed(lines[index]) }

    /// Prose or a list item goes on until something else starts.
    private mutating func prose(from index: Int) -> Block {
        let line = content(index)
        let marker = listMarker(line)
        var end = line.upperBound
        while upcoming < lines.count {
            let following = content(upcoming)
            guard !following.isEmpty, !isFence(following), markdownHeading(following) == nil, listMarker(following) == 0,
                !isLabel(following), !isRule(following)
            else { break }
            end = following.upperBound
            upcoming += 1
        }
        return Block(kind: marker > 0 ? .listItem : .prose, range: (line.lowerBound + marker)..<end, paragraph: paragraph)
    }

    private mutating func fence(from index: Int) -> Block {
        let mark = text.bytes[content(index).lowerBound]
        let start = upcoming < lines.count ? lines[upcoming].lowerBound : text.bytes.count
        var end = start
        while upcoming < lines.count {
            let line = content(upcoming)
            upcoming += 1
            if isFence(line), text.bytes[line.lowerBound] == mark { break }
            end = lines[upcoming - 1].upperBound
        }
        return Block(kind: .code, range: start..<Swift.max(start, end), paragraph: paragraph)
    }

    // MARK: What a line is

    private func isFence(_ line: Range<Int>) -> Bool {
        guard line.count >= 3 else { return false }
        let first = text.bytes[line.lowerBound]
        return (first == UInt8(ascii: "`") || first == UInt8(ascii: "~")) && text.bytes[line.prefix(3)].allSatisfy { $0 == first }
    }

    /// A line of dashes, stars, equals signs or table rules, which says nothing.
    private func isRule(_ line: Range<Int>) -> Bool {
        line.count >= 3 && text.bytes[line].allSatisfy { "-=*_|:+ ".utf8.contains($0) }
    }

    private func isUnderline(_ line: Range<Int>) -> Bool {
        guard line.count >= 3, let first = text.bytes[line].first else { return false }
        return (first == UInt8(ascii: "=") || first == UInt8(ascii: "-")) && text.bytes[line].allSatisfy { $0 == first }
    }

    private func markdownHeading(_ line: Range<Int>) -> Range<Int>? {
        let level = text.bytes[line].prefix { $0 == UInt8(ascii: "#") }.count
        guard (1...6).contains(level), line.count > level + 1, text.bytes[line.lowerBound + level] == 32 else { return nil }
        return text.trimmed((line.lowerBound + level)..<line.upperBound)
    }

    /// How many bytes of the line are a list marker and its space: `- `, `• `, `2. `, `2) `, `(b) `.
    private func listMarker(_ line: Range<Int>) -> Int {
        guard line.count > 2 else { return 0 }
        let (first, length) = text.scalar(at: line.lowerBound)
        let bytes = text.bytes
        if "-*+•–▪◦‣".unicodeScalars.contains(first) { return bytes[line.lowerBound + length] == 32 ? length + 1 : 0 }
        var offset = line.lowerBound
        let opens = first == "("
        if opens { offset += 1 }
        let labelStart = offset
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
        while offset < line.upperBound, offset - labelStart < 3, isDigit(bytes[offset]) { offset += 1 }
        let isLetter = offset == labelStart && (97...122).contains(bytes[offset])
        if isLetter { offset += 1 }
        guard offset > labelStart, offset + 1 < line.upperBound, bytes[offset + 1] == 32 else { return 0 }
        let closes = bytes[offset] == UInt8(ascii: ")")
        guard closes || (!opens && !isLetter && bytes[offset] == UInt8(ascii: ".")) else { return 0 }
        return offset + 2 - line.lowerBound
    }

    /// `Tenant: Ada Lovelace`, a line of a form.
    private func isLabel(_ line: Range<Int>) -> Bool {
        guard text.scalar(at: line.lowerBound).scalar.properties.isUppercase else { return false }
        guard let colon = text.bytes[line].prefix(40).firstIndex(of: UInt8(ascii: ":")), colon + 1 < line.upperBound else { return false }
        return text.bytes[colon + 1] == 32 && !text.bytes[line.lowerBound..<colon].contains { ".!?,;".utf8.contains($0) }
    }

    /// A short line that stands alone above text and does not end like a sentence, or one in capitals.
    private func isPlainHeading(_ index: Int, _ line: Range<Int>) -> Bool {
        guard line.count <= 80, upcoming < lines.count else { return false }
        let last = text.scalar(at: text.offsetBefore(line.upperBound)).scalar
        guard !SentenceBoundary.isTerminator(last), !SentenceBoundary.isWideTerminator(last), !":;,".unicodeScalars.contains(last) else {
            return false
        }
        let words = text.string(line)
        let isCapitals = words.utf8.count > 3 && words == words.uppercased() && words != words.lowercased()
        let first = text.scalar(at: line.lowerBound).scalar
        let startsLikeOne = first.properties.isUppercase || first.properties.numericType != nil || first == "§"
        let standsAlone = content(upcoming).isEmpty && lines[upcoming...].prefix(8).contains { !text.trimmed($0).isEmpty }
        if isCapitals { return standsAlone || !content(upcoming).isEmpty }
        return standsAlone && startsLikeOne && words.split(separator: " ").count <= 10 && !isLabel(line)
            && !text.bytes[line].contains(UInt8(ascii: "|"))
    }

    /// Whether the block's lines are rows: the same number of one separator on each, or JSON.
    private func isTable(from index: Int) -> Bool {
        if [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(text.bytes[content(index).lowerBound]), content(index).count <= 2 {
            return true
        }
        for separator in [UInt8(ascii: "|"), 9, UInt8(ascii: ";"), UInt8(ascii: ",")] {
            let wanted = separators(separator, on: index)
            guard wanted > 0 else { continue }
            var row = index
            while row < lines.count, !content(row).isEmpty, separators(separator, on: row) == wanted { row += 1 }
            if row - index >= 2, row == lines.count || content(row).isEmpty { return true }
        }
        return false
    }
    /// How many separators a line has; a comma or semicolon before a space is prose.
    private func separators(_ separator: UInt8, on index: Int) -> Int {
        let line = content(index)
        let isPunctuation = separator == UInt8(ascii: ",") || separator == UInt8(ascii: ";")
        return line.count { offset in
            guard text.bytes[offset] == separator else { return false }
            return !isPunctuation || (offset + 1 < line.upperBound && text.bytes[offset + 1] != 32)
        }
    }
}
