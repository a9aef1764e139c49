import MillraceCore

/// Gathers blocks of text into pieces, cleans and counts them, and holds them to the limit.
///
/// Confined to the thread that extracts.
final class PieceWriter {
    /// What the numbers of pieces are.
    enum Numbering {
        case none, rows, lines
    }

    private let mostCharacters: Int
    private let send: (Piece) throws(MillraceError) -> Void
    private let numbering: Numbering
    private var buffer: [UInt8] = []
    private var kind = Piece.Kind.text
    private var place = Place()
    private var rows: ClosedRange<Int>?
    private var cleaner = TextCleaner()

    /// The end of a piece is looked for before this many bytes.
    static let pieceBytes = 16 << 10

    init(mostCharacters: Int, numbering: Numbering = .none, send: @escaping (Piece) throws(MillraceError) -> Void) {
        self.mostCharacters = mostCharacters
        self.numbering = numbering
        self.send = send
    }

    /// Words so far, separated by white space.
    var words: Int { cleaner.words }
    /// Unicode scalars so far.
    var characters: Int { cleaner.characters }

    /// Adds a block, which ends with a line feed of its own.
    func append(_ block: [UInt8], _ kind: Piece.Kind = .text, at place: Place, row: Int? = nil) throws(MillraceError) {
        guard !block.isEmpty else { return }
        try append(raw: block, kind, at: place, row: row)
        try append(raw: [0x0A], kind, at: place, row: row)
    }

    /// Adds text as it is. It is cut behind a line where there is one, so long texts may come in any pieces.
    func append(raw text: [UInt8], _ kind: Piece.Kind = .text, at place: Place, row: Int? = nil) throws(MillraceError) {
        if kind != self.kind || place != self.place {
            try flush()
            self.kind = kind
            self.place = place
        }
        if let row { rows = (rows?.lowerBound ?? row)...row }
        buffer += text
        guard buffer.count >= Self.pieceBytes else { return }
        var start = 0
        while buffer.count - start >= Self.pieceBytes {
            let end = cut(from: start)
            try emit(Array(buffer[start..<end]))
            start = end
        }
        buffer.removeFirst(start)
        rows = buffer.isEmpty ? nil : row.map { $0...$0 }
    }

    /// Sends what waits.
    func flush() throws(MillraceError) {
        guard !buffer.isEmpty else { return }
        try emit(buffer)
        buffer.removeAll(keepingCapacity: true)
        rows = nil
    }

    private func cut(from start: Int) -> Int {
        let end = start + Self.pieceBytes
        if let found = buffer[start..<end].lastIndex(of: 0x0A) { return found + 1 }
        // Never within a scalar.
        var position = end
        while position > start + 1, position < buffer.count, buffer[position] & 0xC0 == 0x80 { position -= 1 }
        return position
    }

    private func emit(_ text: [UInt8]) throws(MillraceError) {
        var text = text
        let firstLine = cleaner.lines + 1
        cleaner.clean(&text)
        guard cleaner.characters <= mostCharacters else {
            throw MillraceError(
                .documentTooLarge, "the document has more than \(mostCharacters) characters of text; split it, or raise the limit")
        }
        guard !text.isEmpty else { return }
        var piece = Piece(text: text, kind: kind, place: place)
        switch numbering {
        case .none: break
        case .rows: piece.numbers = rows
        case .lines: piece.numbers = firstLine...max(firstLine, cleaner.lines + (text.last == 0x0A ? 0 : 1))
        }
        try send(piece)
    }
}
