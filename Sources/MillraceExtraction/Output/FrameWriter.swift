import Glibc
import MillraceCore

/// Writes what was found as lines of JSON, one object each, to a descriptor:
/// - `{"frame":"start","type":"pdf","sandbox":[…]}`, once the type is known;
/// - `{"frame":"piece","text":"…","kind":"text","page":3,"slide":…,"sheet":…,"section":[…],"first":…,"last":…}`, any number of them;
/// - `{"frame":"end","title":…,"pages":…,"words":…,"characters":…,"warnings":[…]}`, or
/// - `{"frame":"error","code":"document_damaged","message":"…","cause":…}`, as the last line.
///
/// A text has 16 KiB and is escaped, so that no line is longer than 128 KiB.
final class FrameWriter {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    func start(_ type: DocumentKind, _ confinement: Confinement) throws(MillraceError) {
        try write { object in
            object.member("frame", "start")
            object.member("type", type.rawValue)
            object.member("sandbox", json: .array(confinement.parts.map { .string($0) }))
        }
    }

    func piece(_ piece: Piece, _ numbering: PieceWriter.Numbering) throws(MillraceError) {
        try write { object in
            object.member("frame", "piece")
            object.member("kind", piece.kind.rawValue)
            object.member("page", piece.place.page)
            object.member("slide", piece.place.slide)
            object.member("sheet", piece.place.sheet)
            if !piece.place.section.isEmpty { object.member("section", json: .array(piece.place.section.map { .string($0) })) }
            if let numbers = piece.numbers {
                object.member("numbers", numbering == .rows ? "rows" : "lines")
                object.member("first", numbers.lowerBound)
                object.member("last", numbers.upperBound)
            }
            object.member("text", raw: { buffer in piece.text.withUnsafeBufferPointer { buffer.append(jsonStringUTF8: $0) } })
        }
    }

    func end(title: String?, pages: Int?, _ writer: PieceWriter, warnings: [String]) throws(MillraceError) {
        try write { object in
            object.member("frame", "end")
            object.member("title", title)
            object.member("pages", pages)
            object.member("words", writer.words)
            object.member("characters", writer.characters)
            object.member("warnings", json: .array(warnings.map { .string($0) }))
        }
    }

    func failure(_ error: MillraceError) throws(MillraceError) {
        try write { object in
            object.member("frame", "error")
            object.member("code", error.code.rawValue)
            object.member("message", error.message)
            object.member("cause", error.cause)
        }
    }

    private func write(_ body: (inout JSONObjectWriter) -> Void) throws(MillraceError) {
        var line = ByteBuffer()
        line.appendJSONObject(body)
        line.append("\n")
        let isWritten = line.withBytes { bytes -> Bool in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard isWritten else { throw MillraceError(.cancelled, "nobody reads the text any more") }
    }
}
