/// Where the text stands that a ``PassageChunker`` holds. A value without I/O.
struct PositionTrack: Sendable {
    /// What a piece's text can be counted in.
    private enum Unit {
        case lines, rows
    }

    private struct Mark {
        /// Where it begins, in the text that is held.
        var offset: Int
        var position: DocumentPosition
        var kind: DocumentPiece.Kind
        /// Whether each line feed is a step in the position's lines or rows.
        var unit: Unit?
    }

    /// How many scalars of the document stand before the text that is held.
    private(set) var start = 0
    private var marks: [Mark] = []

    mutating func append(_ piece: DocumentPiece, at offset: Int, count: Int) {
        let mark = Mark(offset: offset, position: piece.position, kind: piece.kind, unit: Self.unit(piece))
        if let last = marks.last, last.unit == nil, mark.unit == nil, last.position == mark.position, last.kind == mark.kind { return }
        marks.append(mark)
    }

    private static func unit(_ piece: DocumentPiece) -> Unit? {
        if piece.position.lines != nil { return .lines }
        guard let rows = piece.position.rows else { return nil }
        var lines = piece.text.utf8.reduce(0) { $1 == 0x0A ? $0 + 1 : $0 }
        if piece.text.utf8.last != 0x0A { lines += 1 }
        // A sheet may leave rows out. Of a piece that ends in the middle the last row may be in the next one.
        return lines == rows.count || piece.position.sheet == nil && lines == rows.count - 1 ? .rows : nil
    }

    mutating func drop(_ count: Int, of scalars: [Unicode.Scalar]) {
        start += count
        guard !marks.isEmpty else { return }
        if count == scalars.count {
            marks.removeAll(keepingCapacity: true)
            return
        }
        let first = index(at: count)
        var mark = marks[first]
        step(&mark, by: lineFeeds(mark.offset..<count, scalars))
        mark.offset = count
        marks.replaceSubrange(...first, with: [mark])
        for index in marks.indices.dropFirst() { marks[index].offset -= count }
        marks[0].offset = 0
    }

    func isTable(at offset: Int) -> Bool { !marks.isEmpty && marks[index(at: offset)].kind == .table }

    /// Where a part of the text stands.
    func position(_ range: ClosedRange<Int>, in scalars: [Unicode.Scalar]) -> DocumentPosition {
        guard !marks.isEmpty else { return DocumentPosition() }
        var first = marks[index(at: range.lowerBound)]
        var last = marks[index(at: range.upperBound)]
        step(&first, by: lineFeeds(first.offset..<range.lowerBound, scalars))
        step(&last, by: lineFeeds(last.offset..<range.upperBound, scalars))
        var position = first.position
        if let lines = position.lines {
            position.lines = lines.lowerBound...max(lines.lowerBound, last.position.lines?.lowerBound ?? lines.lowerBound)
        }
        if let rows = position.rows {
            let end = last.unit == nil ? last.position.rows?.upperBound : last.position.rows?.lowerBound
            position.rows = rows.lowerBound...max(rows.lowerBound, end ?? rows.upperBound)
        }
        return position
    }

    /// Where in a part of the text another section begins than the one it began in: offsets from its beginning, and the headings.
    func sections(_ range: ClosedRange<Int>) -> [(offset: Int, section: [String])] {
        guard !marks.isEmpty else { return [] }
        let first = index(at: range.lowerBound)
        var section = marks[first].position.section
        var found: [(offset: Int, section: [String])] = []
        for mark in marks[(first + 1)...] where mark.offset <= range.upperBound && mark.position.section != section {
            section = mark.position.section
            found.append((mark.offset - range.lowerBound, section))
        }
        return found
    }

    /// The last mark at or before an offset.
    private func index(at offset: Int) -> Int { (marks.firstIndex { $0.offset > offset } ?? marks.count) - 1 }

    private func lineFeeds(_ range: Range<Int>, _ scalars: [Unicode.Scalar]) -> Int {
        scalars[range].reduce(0) { $1 == "\n" ? $0 + 1 : $0 }
    }

    private func step(_ mark: inout Mark, by count: Int) {
        switch mark.unit {
        case .lines: mark.position.lines = Self.advanced(mark.position.lines, by: count)
        case .rows: mark.position.rows = Self.advanced(mark.position.rows, by: count)
        case nil: break
        }
    }

    private static func advanced(_ range: ClosedRange<Int>?, by count: Int) -> ClosedRange<Int>? {
        range.map { $0.lowerBound + count...max($0.upperBound, $0.lowerBound + count) }
    }
}
