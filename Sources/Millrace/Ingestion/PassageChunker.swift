/// Cuts a document into passages for searching: by its structure where that fits, else by size. A value without I/O.
///
/// Pieces go in as an extractor gives them, passages come out as soon as they are certain; about one piece and one passage are in memory.
/// How the text was cut into pieces changes nothing. A passage
/// - is a part of the document's text as it stands there, without the white space around it, and at most ``Settings/characters`` long;
/// - stands on one page, slide or sheet, so that its ``Passage/position`` is right for all of it;
/// - begins at a heading where the passage before it would not become too small by that, and never parts a heading from what follows;
/// - else ends, in this order, behind a paragraph, a sentence, a line (of a table before a sentence) or a word, and then begins with the
///   end of the passage before it, up to ``Settings/overlap`` characters.
public struct PassageChunker: Sendable {
    /// How passages are cut.
    public struct Settings: Equatable, Sendable {
        /// The most characters (Unicode scalars) of a passage, at least 100 (default: 1,200).
        public var characters = 1200
        /// How many characters of a passage the next one repeats at most, up to a quarter of `characters` (default: 150).
        public var overlap = 150
        /// The defaults.
        public init() {}
    }

    /// A part of a document.
    public struct Passage: Equatable, Sendable {
        /// The text, without white space around it.
        public var text: String
        /// Where it begins, and through which line or row it goes.
        public var position: DocumentPosition
        /// Where it stands in the document's text, in Unicode scalars.
        public var range: Range<Int>
        /// The further sections that begin in it.
        public var sections: [SectionStart] = []
    }

    let limit: Int
    let overlap: Int
    /// What is shorter goes together with the next section.
    private var least: Int { limit / 4 }

    /// The text that is in no passage yet, and before it `carried` scalars that were in the last one.
    private var scalars: [Unicode.Scalar] = []
    private var carried = 0
    private var positions = PositionTrack()
    /// Where headings stand in `scalars`.
    private var headings: [Range<Int>] = []
    private var last: (kind: DocumentPiece.Kind, position: DocumentPosition)?

    /// Creates a chunker for one document; settings outside their bounds are brought to them.
    public init(_ settings: Settings = Settings()) {
        limit = max(settings.characters, 100)
        overlap = min(max(settings.overlap, 0), limit / 4)
    }

    /// Takes the next piece and gives the passages that are complete.
    public mutating func receive(_ piece: DocumentPiece) -> [Passage] {
        guard !piece.text.isEmpty else { return [] }
        var passages: [Passage] = []
        let isGoingOn = last.map { $0.kind == .heading && piece.kind == .heading && $0.position.section == piece.position.section } ?? false
        if let last, !Self.isOnePage(last.position, piece.position) {
            passages += flush()
        } else if piece.kind == .heading, !isGoingOn, scalars.count >= least {
            passages += flush()
        }
        let start = scalars.count
        scalars += piece.text.unicodeScalars
        positions.append(piece, at: start, count: scalars.count - start)
        if piece.kind == .heading {
            if isGoingOn, headings.last?.upperBound == start {
                headings[headings.count - 1] = headings[headings.count - 1].lowerBound..<scalars.count
            } else {
                headings.append(start..<scalars.count)
            }
        }
        last = (piece.kind, piece.position)
        while scalars.count > limit { passages += cut() }
        return passages
    }

    /// The rest of the document.
    public mutating func finish() -> [Passage] {
        defer { last = nil }
        return flush()
    }

    private static func isOnePage(_ one: DocumentPosition, _ other: DocumentPosition) -> Bool {
        one.page == other.page && one.slide == other.slide && one.sheet == other.sheet
    }

    // MARK: Passages

    private mutating func flush() -> [Passage] {
        let passages = passage(upTo: scalars.count)
        drop(scalars.count)
        carried = 0
        return passages
    }

    private mutating func cut() -> [Passage] {
        let end = cutPosition()
        let passages = passage(upTo: end)
        let start = headings.contains { $0.lowerBound == end } ? end : overlapStart(end)
        drop(start)
        carried = end - start
        return passages
    }

    private func passage(upTo end: Int) -> [Passage] {
        // What was carried over is no passage by itself.
        guard scalars[carried..<end].contains(where: { !Self.isSpace($0) }),
            let first = scalars[..<end].firstIndex(where: { !Self.isSpace($0) }),
            let final = scalars[..<end].lastIndex(where: { !Self.isSpace($0) })
        else { return [] }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[first...final])
        let start = positions.start
        return [
            Passage(
                text: String(text), position: positions.position(first...final, in: scalars), range: start + first..<start + final + 1,
                sections: sections(first...final))
        ]
    }

    private func sections(_ range: ClosedRange<Int>) -> [SectionStart] {
        var bytes = 0
        var counted = range.lowerBound
        return positions.sections(range).map { offset, section in
            let place = range.lowerBound + offset
            bytes += scalars[counted..<place].reduce(0) { $0 + UTF8.width($1) }
            counted = place
            return SectionStart(offset: bytes, section: section)
        }
    }

    private mutating func drop(_ count: Int) {
        positions.drop(count, of: scalars)
        scalars.removeFirst(count)
        headings = headings.compactMap { heading in
            heading.upperBound > count ? max(heading.lowerBound - count, 0)..<heading.upperBound - count : nil
        }
    }

    // MARK: Places to cut

    /// Where the first passage of more text than fits ends. It looks no further than the text that fits and one scalar, so that the piece's
    /// end does not matter.
    private func cutPosition() -> Int {
        let isTable = positions.isTable(at: limit - 1)
        var best = (score: 0, position: limit)
        let forbidden = headings.filter { $0.lowerBound < limit }.map { $0.lowerBound..<spaceEnd(from: min($0.upperBound, limit)) }
        for position in stride(from: limit, to: limit / 2, by: -1) {
            if headings.contains(where: { $0.lowerBound == position }) { return position }
            if forbidden.contains(where: { $0.lowerBound < position && position <= $0.upperBound }) { continue }
            let score = score(position, isTable: isTable)
            if score > best.score { best = (score, position) }
        }
        if best.score > 0 { return best.position }
        // A heading fills the rest: it begins the next passage, unless it begins this one.
        if let heading = forbidden.last(where: { $0.lowerBound > carried && $0.upperBound >= limit }) { return heading.lowerBound }
        // Not between a letter and its accent.
        var position = limit
        while position > limit / 2, scalars[position].properties.isGraphemeExtend { position -= 1 }
        return position > limit / 2 ? position : limit
    }

    private func spaceEnd(from start: Int) -> Int {
        var end = start
        while end < limit, Self.isSpace(scalars[end]) { end += 1 }
        return end
    }

    /// How well a passage ends before a position: 5 behind a paragraph, 4 a line that ends a sentence or a table's row, 3 a sentence, 2 a
    /// line, 1 a word, 0 within a word.
    private func score(_ position: Int, isTable: Bool) -> Int {
        let before = scalars[position - 1]
        guard Self.isSpace(before) else { return "。！？".unicodeScalars.contains(before) ? 3 : 0 }
        // Behind all of the white space.
        if Self.isSpace(scalars[position]), before != "\n" { return 0 }
        var place = position - 1
        var lines = 0
        while place >= 0, Self.isSpace(scalars[place]) {
            if scalars[place] == "\n" { lines += 1 }
            place -= 1
        }
        if lines > 1 { return 5 }
        var isSentence = false
        if place >= 0 {
            // A closing quote or bracket belongs to the sentence.
            if ")]\"'”’»".unicodeScalars.contains(scalars[place]), place > 0 { place -= 1 }
            isSentence = ".!?…".unicodeScalars.contains(scalars[place])
        }
        if lines == 1 { return isSentence || isTable ? 4 : 2 }
        return isSentence ? 3 : 1
    }

    /// Where the passage behind `end` begins: at a sentence or a line of the last passage, else at a word of it.
    private func overlapStart(_ end: Int) -> Int {
        let earliest = max(end - overlap, 1)
        guard overlap > 0, earliest < end else { return end }
        var word: Int?
        for position in earliest..<end {
            if headings.contains(where: { $0.lowerBound < position && position < $0.upperBound }) { continue }
            let score = score(position, isTable: false)
            if score >= 2 { return position }
            if score == 1, word == nil { word = position }
        }
        return word ?? end
    }

    /// Asked for each scalar: the common ones without a look into the tables.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x80 { return scalar.value == 0x20 || (9...13).contains(scalar.value) }
        return scalar.properties.isWhitespace
    }
}
