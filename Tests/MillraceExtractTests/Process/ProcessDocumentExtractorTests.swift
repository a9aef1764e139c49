import FoundationEssentials
import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

/// The seam's implementation, with the real program.
@Suite(.ownThreads) struct ProcessDocumentExtractorTests {
    static func extractor(_ change: (inout ProcessDocumentExtractor.Options) throws -> Void = { _ in }) throws -> ProcessDocumentExtractor {
        var options = ProcessDocumentExtractor.Options()
        options.program = ExtractorRun.program
        options.spoolDirectory = "/tmp"
        try change(&options)
        return try ProcessDocumentExtractor(options)
    }

    /// Bytes in portions.
    static func source(_ bytes: [UInt8], portion: Int = 1000) -> () async throws -> [UInt8]? {
        var rest = bytes[...]
        return {
            let part = rest.prefix(portion)
            rest = rest.dropFirst(portion)
            return part.isEmpty ? nil : Array(part)
        }
    }

    struct Read {
        var type: DocumentType
        var pieces: [DocumentPiece] = []
        var summary: DocumentSummary?
    }

    static func read(
        _ extractor: ProcessDocumentExtractor, _ bytes: [UInt8], title: String? = nil, mimeType: String? = nil,
        limits: DocumentLimits = DocumentLimits()
    ) async throws -> Read {
        try await extractor.extract(DocumentDescription(title: title, mimeType: mimeType), limits: limits, from: source(bytes)) {
            document in
            var read = Read(type: document.type)
            while let piece = try await document.next() { read.pieces.append(piece) }
            // The end stays the end.
            #expect(try await document.next() == nil)
            read.summary = document.summary
            return read
        }
    }

    @Test func markdown_hasSectionsAndLines() async throws {
        let text = "# One\n\nText of it.\n\n## Two\n\nMore.\n"
        let found = try await Self.read(Self.extractor(), Array(text.utf8), title: "notes.MD", mimeType: "text/plain")
        #expect(found.type == .markdown)
        #expect(found.pieces.map(\.text).joined() == text)
        #expect(
            found.pieces == [
                DocumentPiece(text: "# One\n", kind: .heading, position: DocumentPosition(section: ["One"], lines: 1...1)),
                DocumentPiece(text: "\nText of it.\n\n", position: DocumentPosition(section: ["One"], lines: 2...4)),
                DocumentPiece(text: "## Two\n", kind: .heading, position: DocumentPosition(section: ["One", "Two"], lines: 5...5)),
                DocumentPiece(text: "\nMore.\n", position: DocumentPosition(section: ["One", "Two"], lines: 6...7)),
            ])
        #expect(
            found.summary
                == DocumentSummary(
                    type: .markdown, title: "One", wordCount: 8, characterCount: text.count, warnings: BuildWithSanitizer.warnings))
        #expect(found.pieces[3].position.description == "section 'One › Two', lines 6–7")
    }

    @Test func pdf_hasPages_andWorkbook_rows() async throws {
        guard let made = try Documents.made() else { return }
        let extractor = try Self.extractor()
        let pdf = try await Self.read(
            extractor, Array(try Data(contentsOf: URL(filePath: made + "/pages.pdf"))), mimeType: "application/pdf")
        #expect(pdf.type == .pdf && pdf.summary?.pageCount == 500)
        #expect(pdf.pieces.map(\.position.page) == Array(1...500))
        let book = try await Self.read(extractor, Array(try Data(contentsOf: URL(filePath: made + "/costs.xlsx"))))
        #expect(book.type == .xlsx && book.summary?.pageCount == 3)
        #expect(book.pieces.last?.position == DocumentPosition(sheet: "Notes & more", rows: 7...9))
        #expect(extractor.load == (0, 0))
    }

    @Test(
        arguments: [
            ([0x7F, 0x45, 0x4C, 0x46, 1, 1, 1, 0], ErrorCode.unsupportedDocument), ([0x50, 0x4B, 3, 4, 0, 0], .documentDamaged),
        ] as [([UInt8], ErrorCode)])
    func document_isRefusedWithTheErrorsName(bytes: [UInt8], code: ErrorCode) async throws {
        let error = await #expect(throws: MillraceError.self) { _ = try await Self.read(try Self.extractor(), bytes) }
        #expect(error?.code == code)
    }

    /// A source without end: only so much of it is pulled as the type, or the reader, asks for.
    @Test(arguments: [true, false])
    func source_isPulledOnlyAsFarAsItIsRead(isText: Bool) async throws {
        let extractor = try Self.extractor()
        var pulled = 0
        let block = isText ? Array(String(repeating: "abcdefg\n", count: 4096).utf8) : [UInt8](repeating: 1, count: 32 << 10)
        let endless: () async throws -> [UInt8]? = {
            pulled += block.count
            return block
        }
        do {
            let first = try await extractor.extract(DocumentDescription(), from: endless) { document in
                var pieces = 0
                while pieces < 3, try await document.next() != nil { pieces += 1 }
                return pieces
            }
            #expect(isText && first == 3)
        } catch let error as MillraceError {
            #expect(!isText && error.code == .unsupportedDocument)
        }
        // What is on its way: two pipes, and the portions at their ends.
        #expect(pulled < 2 << 20)
    }

    @Test func sourceThatFails_isTheError() async throws {
        struct Broken: Error {}
        var count = 0
        await #expect(throws: Broken.self) {
            _ = try await Self.extractor().extract(
                DocumentDescription(),
                from: {
                    count += 1
                    if count > 100 { throw Broken() }
                    return Array("more\n".utf8)
                }
            ) { document in
                while try await document.next() != nil {}
            }
        }
    }

    @Test func readerThatFails_isTheError() async throws {
        struct Tired: Error {}
        await #expect(throws: Tired.self) {
            _ = try await Self.extractor().extract(DocumentDescription(), from: Self.source(Array("text".utf8))) { _ in throw Tired() }
        }
    }

    @Test(arguments: [
        ("burn", ErrorCode.extractionTimeout), ("allocate", .documentTooLarge), ("crash", .extractionFailed), ("hang", .extractionTimeout),
    ])
    func pdfThatTakesTooMuch_isAnError(what: String, code: ErrorCode) async throws {
        if what == "allocate", BuildWithSanitizer.isThis { return }
        let probe = try Probe()
        let extractor = try Self.extractor { $0.pdfPrograms = probe.folder }
        var limits = DocumentLimits()
        limits.processorSeconds = what == "burn" ? 1 : 10
        limits.memoryBytes = 128 << 20
        limits.seconds = what == "hang" ? 2 : 120
        let error = await #expect(throws: MillraceError.self) { _ = try await Self.read(extractor, Probe.document(what), limits: limits) }
        #expect(error?.code == code, "\(error?.message ?? "")")
        #expect(extractor.load == (0, 0))
    }

    @Test func taskThatIsCancelled_leavesAtOnce() async throws {
        let probe = try Probe()
        let extractor = try Self.extractor { $0.pdfPrograms = probe.folder }
        // The signal that the text has begun, after which nothing more comes.
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        let reading = Task {
            try await extractor.extract(DocumentDescription(), from: Self.source(Probe.document("hang"))) { document in
                signal.yield()
                while try await document.next() != nil {}
            }
        }
        for await _ in begun { break }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        #expect(extractor.load == (0, 0))
    }

    @Test func moreThanMayWait_isRefused_andOneThatWaits_getsItsTurn() async throws {
        let extractor = try Self.extractor {
            $0.concurrent = 1
            $0.waiting = 1
        }
        let text = Array("text".utf8)
        let waiting = try await extractor.extract(DocumentDescription(), from: Self.source(text)) { document in
            let waiting = Task { try await Self.read(extractor, text).pieces.count }
            while extractor.load.waiting == 0 { await Task.yield() }
            let error = await #expect(throws: MillraceError.self) { _ = try await Self.read(extractor, text) }
            #expect(error?.code == .limitExceeded && error?.isRetryable == true)
            // One that is cancelled while it waits makes room.
            waiting.cancel()
            await #expect(throws: CancellationError.self) { _ = try await waiting.value }
            #expect(extractor.load == (1, 0))
            let next = Task { try await Self.read(extractor, text).pieces.count }
            while extractor.load.waiting == 0 { await Task.yield() }
            return next
        }
        #expect(try await waiting.value == 1)
        #expect(extractor.load == (0, 0))
    }

    @Test(arguments: ["/nowhere/millrace-extract", "/etc/passwd"])
    func programThatIsMissing_isAConfigurationError(path: String) {
        let error = #expect(throws: MillraceError.self) { _ = try Self.extractor { $0.program = path } }
        #expect(error?.code == .configuration && error?.message.contains(path) == true)
    }
}
