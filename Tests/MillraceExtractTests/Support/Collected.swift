import MillraceCore

@testable import MillraceExtraction

private final class Box { var pieces: [Piece] = [] }

/// The pieces that a reader makes of bytes which come in given portions.
struct Collected: Equatable {
    var pieces: [Piece] = []
    var words = 0
    var characters = 0
    var title: String?
    var warnings: [String] = []
    var error: ErrorCode?

    init<Reader: ByteReader>(
        _ reader: Reader, _ portions: [[UInt8]], _ numbering: PieceWriter.Numbering = .none, mostCharacters: Int = 1 << 30
    ) {
        let box = Box()
        let writer = PieceWriter(mostCharacters: mostCharacters, numbering: numbering) { (piece) throws(MillraceError) in
            box.pieces.append(piece)
        }
        var reader = reader
        do throws(MillraceError) {
            for portion in portions { try reader.receive(portion, writer) }
            try reader.finish(writer)
        } catch { self.error = error.code }
        pieces = box.pieces
        words = writer.words
        characters = writer.characters
        title = reader.title
        warnings = reader.warnings
    }

    var text: String { pieces.map(\.string).joined() }

    /// The ways to cut bytes: whole, byte by byte, each cut in two.
    static func cuts(_ text: String) -> [[[UInt8]]] { cuts(Array(text.utf8)) }

    static func cuts(_ bytes: [UInt8]) -> [[[UInt8]]] {
        [[bytes], bytes.map { [$0] }] + (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
    }
}
