import FoundationEssentials
import MillraceCore
import MillraceCounterparts
import Testing

/// Documents that are made to hurt their reader, or are simply broken.
@Suite(.ownThreads) struct HostileDocumentTests {
    @Test(arguments: [
        ("bomb.docx", "document_too_large", "times its length"), ("laughs.docx", "document_damaged", "document type"),
        ("deep.docx", "document_damaged", "deeper than"), ("tables.docx", "document_damaged", "tables within tables"),
        ("nested.zip", "unsupported_document", "zip archive"), ("many.zip", "document_too_large", "parts"),
        ("encrypted.pdf", "document_encrypted", "password"), ("tree.pdf", "document_damaged", "damaged"),
    ])
    func document_endsInAClearError(name: String, code: String, words: String) throws {
        guard let made = try Documents.made() else { return }
        let run = try ExtractorRun(file: made + "/" + name)
        #expect(run.error == code)
        #expect(run.message.contains(words), "\(run.message)")
        #expect(run.status == 1 << 8)
    }

    @Test func pageThatDrawsItself_ends() throws {
        guard let made = try Documents.made() else { return }
        let run = try ExtractorRun(file: made + "/recursive.pdf")
        #expect(run.isRead || run.error == "document_damaged", "\(run.frames)")
    }

    /// Each beginning of a document of each kind: an error of its own, or the text that was there. Never a crash.
    @Test(arguments: ["fine.docx", "costs.xlsx", "encrypted.pdf"])
    func documentThatIsCutOff_isAnError(name: String) throws {
        guard let made = try Documents.made() else { return }
        let document = Array(try Data(contentsOf: URL(filePath: made + "/" + name)))
        let ends = [1, 4, 30, document.count / 2, document.count - 30, document.count - 1]
        for end in ends {
            let run = try ExtractorRun(Array(document[..<end]))
            let isKnown = run.isRead || ["document_damaged", "document_encrypted", "unsupported_document"].contains(run.error)
            #expect(isKnown, "\(name) cut at \(end): \(run.frames.last?.text ?? "nothing"), status \(run.status)")
            // Of a PDF the end may be missing: what it says can be found again.
            #expect(!run.isRead || end < 5 || name.hasSuffix("pdf"), "\(name) cut at \(end) is read")
        }
    }

    /// A byte changed at places all over a document.
    @Test func documentThatIsDamaged_isAnErrorOrText() throws {
        guard let made = try Documents.made() else { return }
        let document = Array(try Data(contentsOf: URL(filePath: made + "/fine.docx")))
        for place in stride(from: 0, to: document.count, by: 29) {
            var damaged = document
            damaged[place] ^= 0xFF
            let run = try ExtractorRun(damaged)
            #expect(run.isRead || run.error != nil, "byte \(place): status \(run.status)")
        }
    }

    @Test(
        arguments: [
            ([UInt8](), ["--ending", "pdf"], "document_damaged"),
            ([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0], ["--ending", "pdf"], "unsupported_document"),
            ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1] + [UInt8](repeating: 0, count: 600), [], "unsupported_document"),
            (
                [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1] + [UInt8](repeating: 0, count: 70_000)
                    + Array("EncryptedPackage".utf16.flatMap { [UInt8($0), 0] }), [], "document_encrypted"
            ),
            ([UInt8](repeating: 0x61, count: 100_001), ["--document-bytes", "100000"], "document_too_large"),
            ([UInt8](repeating: 0x61, count: 100_001), ["--characters", "100000"], "document_too_large"),
            ([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18), [], "unsupported_document"),
        ] as [([UInt8], [String], String)])
    func bytes_areRefused(bytes: [UInt8], arguments: [String], code: String) throws {
        #expect(try ExtractorRun(bytes, arguments).error == code)
    }

    @Test func wrongDeclaration_isAWarning() throws {
        let run = try ExtractorRun(Array("<!DOCTYPE html><p>Hello".utf8), ["--mime-type", "application/pdf"])
        #expect(run.type == "html" && run.text == "Hello\n")
        #expect(run.warnings.contains { $0.contains("said to be pdf") && $0.contains("html") })
        let right = try ExtractorRun(Array("# a".utf8), ["--mime-type", "text/plain", "--ending", "md"])
        #expect(right.warnings == BuildWithSanitizer.warnings)
    }

    @Test func nothingAtAll_isAnEmptyText() throws {
        let run = try ExtractorRun([])
        #expect(run.type == "text" && run.pieces.isEmpty && run.end?["words"] == 0)
    }

    @Test func pdfOfMorePagesThanTheLimit_isRefused() throws {
        guard let made = try Documents.made() else { return }
        let run = try ExtractorRun(file: made + "/pages.pdf", ["--pages", "499"])
        #expect(run.error == "document_too_large" && run.message.contains("500 pages"))
    }
}
