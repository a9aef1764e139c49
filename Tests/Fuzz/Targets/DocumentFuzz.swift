import MillraceCore

@testable import MillraceExtraction

private final class Box { var pieces: [Piece] = [] }

/// What a reader makes of a document.
private struct Reading: Equatable {
    var pieces: [Piece] = []
    var title: String?
    var words = 0
    var error: ErrorCode?

    static func read<Reader: ByteReader>(_ reader: Reader, _ portions: [[UInt8]], _ numbering: PieceWriter.Numbering) -> Reading {
        let box = Box()
        let writer = PieceWriter(mostCharacters: 1 << 20, numbering: numbering) { (piece) throws(MillraceError) in box.pieces.append(piece)
        }
        var reader = reader
        var reading = Reading()
        do throws(MillraceError) {
            for portion in portions { try reader.receive(portion, writer) }
            try reader.finish(writer)
        } catch { reading.error = error.code }
        // What came before an error depends on how much a call had taken in.
        guard reading.error == nil else { return reading }
        return Reading(pieces: box.pieces, title: reader.title, words: writer.words)
    }

    static func check<Reader: ByteReader>(
        _ name: String, _ bytes: [UInt8], _ numbering: PieceWriter.Numbering = .none, _ make: () -> Reader
    ) throws(Disagreement) {
        let whole = read(make(), [bytes], numbering)
        for portions in Pieces.cuts(of: bytes) {
            try expectEqual(read(make(), portions, numbering), whole, "\(name) in \(portions.count) pieces")
        }
        for piece in whole.pieces {
            try expect(String(validating: piece.text, as: UTF8.self) != nil, "\(name): a piece is no UTF-8")
            try expect(
                piece.text.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 }, "\(name): a control character is left")
            try expect(piece.text.count <= PieceWriter.pieceBytes + 4, "\(name): a piece is too long")
        }
    }
}

extension FuzzTarget {
    /// Text, Markdown and CSV: whole and in pieces alike; pieces are UTF-8 without control characters; whatever type the bytes look like.
    static let documentText = FuzzTarget("document-text") { (bytes) throws(Disagreement) in
        try Reading.check("text", bytes, .lines) { TextReader() }
        try Reading.check("markdown", bytes, .lines) { MarkdownReader() }
        try Reading.check("csv", bytes, .rows) { CSVReader() }
        for declared in DocumentKind.allCases { _ = TypeDetector.detect(bytes, declared: declared) }
        let code = String(decoding: bytes.prefix(200), as: UTF8.self)
        for value in [0, -1.5, 45352.75, 1e300] { _ = NumberFormat(code: code).text(value, epoch1904: value > 0) }
    }

    /// A web page: whole and in pieces alike; pieces are UTF-8 without control characters.
    static let documentHTML = FuzzTarget("document-html") { (bytes) throws(Disagreement) in
        try Reading.check("html", bytes) { HTMLReader(head: bytes) }
    }

    /// A part of an Office document: whole and in pieces alike, and each element that begins ends.
    static let documentXML = FuzzTarget("document-xml") { (bytes) throws(Disagreement) in
        let whole = events([bytes])
        for portions in Pieces.cuts(of: bytes) { try expectEqual(events(portions), whole, "XML in \(portions.count) pieces") }
        guard let whole else { return }
        let depth = whole.reduce(0) { depth, event in
            switch event {
            case .start: depth + 1
            case .end: depth - 1
            case .text: depth
            }
        }
        try expect(depth == 0, "an element does not end")
        var cells = SheetCells(strings: SharedStrings(), formats: [.general], epoch1904: false)
        for event in whole { _ = try? cells.take(event) }
    }

    /// The events with neighbouring texts joined; `nil`: it is not well-formed.
    private static func events(_ portions: [[UInt8]]) -> [XMLPullParser.Event]? {
        var parser = XMLPullParser()
        var events: [XMLPullParser.Event] = []
        func drain() throws(MillraceError) {
            while let event = try parser.next() {
                if case .text(let more) = event, case .text(let before)? = events.last {
                    events[events.count - 1] = .text(before + more)
                } else {
                    events.append(event)
                }
            }
        }
        do throws(MillraceError) {
            for portion in portions {
                parser.receive(portion)
                try drain()
            }
            parser.finish()
            try drain()
        } catch { return nil }
        return events
    }

    /// A zip archive's directory: what it says lies within the archive.
    static let documentZip = FuzzTarget("document-zip") { (bytes) throws(Disagreement) in
        let tail = Array(bytes.suffix(ZipDirectory.tailBytes))
        if let (found, extended) = ZipDirectory.locate(tail, length: bytes.count) {
            var location = found
            if let extended {
                try expect(extended <= bytes.count, "the record stands outside of the archive")
                guard let more = ZipDirectory.extended(Array(bytes[extended...].prefix(56)), length: bytes.count) else { return }
                location = more
            }
            guard location.offset + location.length <= bytes.count else { return }
            _ = try? ZipDirectory.entries(Array(bytes[location.offset..<location.offset + location.length]))
        }
        _ = try? ZipDirectory.entries(bytes)
        _ = ZipDirectory.extended(bytes, length: bytes.count)
    }
}
