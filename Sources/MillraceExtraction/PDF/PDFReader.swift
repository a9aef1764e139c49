import CLinux
import Glibc
import MillraceCore

/// Reads a PDF's text by poppler's `pdfinfo` and `pdftotext`, which run in processes that can do even less than this one.
struct PDFReader {
    struct Options {
        /// The folder of the two programs.
        var programs: String
        var mostPages: Int
    }

    private let options: Options
    private let document: Int32
    private let null: Int32
    private let writer: PieceWriter
    private(set) var title: String?
    private(set) var pages = 0
    private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - document: a file that holds the PDF.
    ///   - null: `/dev/null`.
    init(_ options: Options, document: Int32, null: Int32, _ writer: PieceWriter) {
        self.options = options
        self.document = document
        self.null = null
        self.writer = writer
    }

    mutating func read() throws(MillraceError) {
        try readInformation()
        guard pages <= options.mostPages else {
            throw MillraceError(.documentTooLarge, "the PDF has \(pages) pages, \(options.mostPages) at most are read: split it")
        }
        try readText()
    }

    // MARK: What is known of it

    private mutating func readInformation() throws(MillraceError) {
        var output: [UInt8] = []
        let program = try PDFProgram("pdfinfo", ["-enc", "UTF-8"], options.programs, document, null, endsWithPath: true)
        try program.run { (bytes) throws(MillraceError) in
            // Its text is short; a title may be anything.
            if output.count < 64 << 10 { output += bytes }
        }
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        func value(_ name: String) -> String? {
            lines.first { $0.hasPrefix(name + ":") }.map { line in
                String(decoding: TableRow.collapsed(Array(line.utf8.dropFirst(name.utf8.count + 1))), as: UTF8.self)
            }
        }
        pages = value("Pages").flatMap { Int($0) } ?? 0
        title = value("Title").flatMap { $0.isEmpty ? nil : String($0.prefix(300)) }
        if value("Encrypted")?.contains("copy:no") == true {
            warnings.append("the PDF's author asks programs not to take text out of it")
        }
    }

    // MARK: Its text

    private mutating func readText() throws(MillraceError) {
        var page = 1
        var hasText = false
        var empty = 0
        let (writer, mostPages) = (writer, options.mostPages)
        let program = try PDFProgram("pdftotext", ["-enc", "UTF-8", "-eol", "unix"], options.programs, document, null, endsWithPath: false)
        var decoder = CharacterDecoder(.utf8)
        func take(_ text: [UInt8]) throws(MillraceError) {
            // A form feed ends each page.
            var start = 0
            while let end = text[start...].firstIndex(of: 0x0C) {
                let part = Array(text[start..<end])
                if part.contains(where: { $0 > 0x20 }) { hasText = true }
                try writer.append(raw: part, at: Place(page: page))
                if !hasText { empty += 1 }
                hasText = false
                page += 1
                guard page <= mostPages + 1 else {
                    throw MillraceError(.documentTooLarge, "the PDF has more than \(mostPages) pages: split it")
                }
                start = end + 1
            }
            let rest = Array(text[start...])
            if rest.contains(where: { $0 > 0x20 }) { hasText = true }
            try writer.append(raw: rest, at: Place(page: page))
        }
        try program.run { (bytes) throws(MillraceError) in try take(decoder.decode(bytes)) }
        try take(decoder.finish())
        try writer.flush()
        let found = page - 1
        if pages > found { warnings.append("of \(pages) pages only \(found) could be read") }
        pages = max(pages, found)
        if empty > 0 {
            warnings.append(
                empty == found
                    ? "no page has text: they may be pictures of pages, which would have to be recognised (OCR) first"
                    : "\(empty) of \(found) pages have no text: they may be pictures of pages")
        }
    }
}
