import MillraceCore

/// Says what a document is by its first bytes. A value without I/O.
enum TypeDetector {
    enum Finding: Equatable {
        case document(DocumentKind)
        /// What is in it has to be seen.
        case zip
        /// The files of Office before 2007, and of encrypted newer ones (MS-CFB).
        case compound
        /// What it is, in words.
        case unsupported(String)
    }

    /// How much of a document is looked at, in bytes.
    static let headBytes = 8 << 10

    /// - Parameters:
    ///   - head: the first ``headBytes`` bytes, or all there are.
    ///   - declared: tells kinds of plain text apart.
    static func detect(_ head: [UInt8], declared: DocumentKind?) -> Finding {
        let head = Array(head.prefix(headBytes))
        let isText = looksLikeText(head)
        for (start, finding) in signatures where head.starts(with: start) {
            // A text may begin with the same letters.
            if isText, start.allSatisfy({ (0x20..<0x7F).contains($0) }), !textSignatures.contains(start) { continue }
            return finding
        }
        if head.count >= 12, head.starts(with: Array("RIFF".utf8)) { return .unsupported("a picture, sound or film") }
        if head.count >= 12, head[4..<8].elementsEqual("ftyp".utf8) { return .unsupported("a film or a picture") }
        if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) { return .unsupported("a tar archive: unpack it") }
        // The header may stand behind other bytes (ISO 32000-1, annex H, note 13).
        if contains(Array(head.prefix(1024 + 5)), Array("%PDF-".utf8)) { return .document(.pdf) }
        guard isText else { return .unsupported("a binary file of a type that is not known") }
        if looksLikeHTML(head) { return .document(.html) }
        guard let declared, declared.isPlain || declared == .html else { return .document(.text) }
        return .document(declared)
    }

    private static let signatures: [([UInt8], Finding)] = [
        ([0x50, 0x4B, 0x03, 0x04], .zip), ([0x50, 0x4B, 0x05, 0x06], .zip),
        ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], .compound),
        ([0x7F, 0x45, 0x4C, 0x46], .unsupported("a program")), ([0xCA, 0xFE, 0xBA, 0xBE], .unsupported("a program")),
        ([0xCF, 0xFA, 0xED, 0xFE], .unsupported("a program")), ([0xCE, 0xFA, 0xED, 0xFE], .unsupported("a program")),
        ([0x00, 0x61, 0x73, 0x6D], .unsupported("a program")), (Array("MZ".utf8), .unsupported("a program")),
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A], .unsupported("a picture (PNG)")), ([0xFF, 0xD8, 0xFF], .unsupported("a picture (JPEG)")),
        (Array("BM".utf8), .unsupported("a picture (BMP)")), (Array("GIF8".utf8), .unsupported("a picture (GIF)")),
        ([0x49, 0x49, 0x2A, 0x00], .unsupported("a picture (TIFF)")),
        ([0x4D, 0x4D, 0x00, 0x2A], .unsupported("a picture (TIFF)")), ([0x00, 0x00, 0x01, 0x00], .unsupported("a picture (icon)")),
        (Array("ID3".utf8), .unsupported("a sound")), (Array("OggS".utf8), .unsupported("a sound")),
        (Array("fLaC".utf8), .unsupported("a sound")),
        ([0x1A, 0x45, 0xDF, 0xA3], .unsupported("a film")), ([0x1F, 0x8B], .unsupported("compressed (gzip): unpack it")),
        (Array("BZh".utf8), .unsupported("compressed (bzip2): unpack it")),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .unsupported("compressed (xz): unpack it")),
        ([0x28, 0xB5, 0x2F, 0xFD], .unsupported("compressed (zstd): unpack it")),
        ([0x37, 0x7A, 0xBC, 0xAF], .unsupported("a 7z archive: unpack it")),
        (Array("Rar!".utf8), .unsupported("a RAR archive: unpack it")), (Array("SQLite format 3".utf8), .unsupported("a database")),
        (Array("{\\rtf".utf8), .unsupported("Rich Text: save it as docx")),
        (Array("%!PS".utf8), .unsupported("PostScript: print it to PDF")),
        ([0xFF, 0xFE, 0x00, 0x00], .unsupported("text in UTF-32: save it as UTF-8")),
        ([0x00, 0x00, 0xFE, 0xFF], .unsupported("text in UTF-32: save it as UTF-8")),
    ]

    private static let textSignatures = [Array("{\\rtf".utf8), Array("%!PS".utf8)]

    /// Text has no control characters but white space, form feeds, escapes, and few of those that are damage.
    private static func looksLikeText(_ head: [UInt8]) -> Bool {
        var bytes = head
        if let mark = CharacterDecoder.mark(head), mark.encoding != .utf8 {
            var decoder = CharacterDecoder()
            bytes = decoder.decode(head)
        }
        let controls = bytes.count { $0 < 0x20 && !(0x07...0x0D).contains($0) && $0 != 0x1B || $0 == 0x7F }
        return bytes.isEmpty || !bytes.contains(0) && controls * 100 <= bytes.count
    }

    private static let htmlStarts = [
        "<!doctype html", "<html", "<head", "<body", "<title", "<h1", "<table", "<div", "<script", "<p>", "<meta",
    ]

    private static func looksLikeHTML(_ head: [UInt8]) -> Bool {
        var decoder = CharacterDecoder()
        let text = String(decoding: decoder.decode(Array(head.prefix(4096))), as: UTF8.self).lowercased()
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0.isWhitespace }
            // What may stand before the root.
            if rest.hasPrefix("<!--") {
                guard let end = rest.firstRange(of: "-->") else { return false }
                rest = rest[end.upperBound...]
            } else if rest.hasPrefix("<?xml") {
                guard let end = rest.firstRange(of: "?>") else { return false }
                rest = rest[end.upperBound...]
            } else {
                break
            }
        }
        return htmlStarts.contains { start in
            guard rest.hasPrefix(start) else { return false }
            let next = rest.dropFirst(start.count).first
            return start.hasSuffix(">") || next.map { $0.isWhitespace || $0 == ">" } ?? true
        }
    }

    private static func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard bytes.count >= wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { bytes[$0...].starts(with: wanted) }
    }
}
