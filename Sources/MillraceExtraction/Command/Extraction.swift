import Glibc
import MillraceCore

/// Reads one document and writes what it finds.
struct Extraction {
    private let options: ExtractOptions
    private let input: DocumentInput
    private let spool: Int32
    private let null: Int32
    private let output: FrameWriter
    private var confinement: Confinement

    init(_ options: ExtractOptions, input: DocumentInput, spool: Int32, null: Int32, output: FrameWriter, _ confinement: Confinement) {
        self.options = options
        self.input = input
        self.spool = spool
        self.null = null
        self.output = output
        self.confinement = confinement
    }

    mutating func run() throws(MillraceError) {
        try input.readHead(TypeDetector.headBytes)
        if input.head.isEmpty, let declared = options.declared, !declared.isPlain {
            throw MillraceError(.documentDamaged, "the document is empty, though it is said to be \(declared.rawValue)")
        }
        switch TypeDetector.detect(input.head, declared: options.declared) {
        case .document(.pdf): try readPDF()
        case .document(let kind):
            confinement.shut()
            try readBytes(kind)
        case .zip:
            confinement.shut()
            try readOffice()
        case .compound:
            confinement.shut()
            try input.spool(to: spool)
            throw CompoundFile.problem(descriptor: spool)
        case .unsupported(let what): throw Self.unsupported(what)
        }
    }

    private static func unsupported(_ what: String) -> MillraceError {
        MillraceError(
            .unsupportedDocument,
            "this is no document that is read, but \(what); pdf, docx, xlsx, pptx, html, markdown, csv and text are read")
    }

    private func warnings(_ kind: DocumentKind) -> [String] {
        guard let declared = options.declared, declared != kind, !(declared.isPlain && kind.isPlain) else { return confinement.warnings }
        return ["the document is said to be \(declared.rawValue), and its content is \(kind.rawValue)"] + confinement.warnings
    }

    private func writer(_ numbering: PieceWriter.Numbering = .none) -> PieceWriter {
        let output = output
        return PieceWriter(mostCharacters: options.characters, numbering: numbering) { (piece) throws(MillraceError) in
            try output.piece(piece, numbering)
        }
    }

    // MARK: Read as it comes

    private func readBytes(_ kind: DocumentKind) throws(MillraceError) {
        switch kind {
        case .html: try read(kind, HTMLReader(head: input.head), writer())
        case .markdown: try read(kind, MarkdownReader(), writer(.lines))
        case .csv: try read(kind, CSVReader(), writer(.rows))
        default: try read(kind, TextReader(), writer(.lines))
        }
    }

    private func read<Reader: ByteReader>(_ kind: DocumentKind, _ reader: Reader, _ writer: PieceWriter) throws(MillraceError) {
        var reader = reader
        try output.start(kind, confinement)
        while let bytes = try input.next() { try reader.receive(bytes, writer) }
        try reader.finish(writer)
        try output.end(title: reader.title, pages: nil, writer, warnings: warnings(kind) + reader.warnings)
    }

    // MARK: Read from a copy

    private func readOffice() throws(MillraceError) {
        try input.spool(to: spool)
        let limits = ZipArchive.Limits(entries: options.parts, unpackedBytes: options.unpackedBytes, ratio: options.ratio)
        let archive = try ZipArchive(descriptor: spool, limits: limits)
        let package = OfficePackage(archive)
        guard let (part, kind) = try package.main() else {
            let isOpenDocument = archive.contains("mimetype") && archive.contains("content.xml")
            throw Self.unsupported(isOpenDocument ? "an OpenDocument file: save it as docx, xlsx or pptx" : "a zip archive: unpack it")
        }
        try output.start(kind, confinement)
        let title = try package.title()
        let writer = writer(kind == .xlsx ? .rows : .none)
        var pages: Int?
        var more: [String] = []
        switch kind {
        case .docx:
            var reader = DocxReader(package, part: part, writer)
            try reader.read()
        case .xlsx:
            var reader = XlsxReader(package, part: part, writer)
            try reader.read()
            pages = reader.sheets
            more = reader.warnings
        default:
            var reader = PptxReader(package, part: part, writer)
            try reader.read()
            pages = reader.slides
        }
        try output.end(title: title, pages: pages, writer, warnings: warnings(kind) + more)
    }

    private func readPDF() throws(MillraceError) {
        try input.spool(to: spool)
        try output.start(.pdf, confinement)
        let writer = writer()
        var reader = PDFReader(
            .init(programs: options.pdfPrograms, mostPages: options.pages), document: spool, null: null, writer)
        try reader.read()
        try output.end(title: reader.title, pages: reader.pages, writer, warnings: warnings(.pdf) + reader.warnings)
    }
}
