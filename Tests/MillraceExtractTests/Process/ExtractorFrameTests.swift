import Glibc
import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct ExtractorFrameTests {
    @Test(arguments: [
        "", "{}", "[]", "nonsense", "{\"frame\":\"start\"}", "{\"frame\":\"piece\",\"text\":\"a\"}",
        "{\"frame\":\"piece\",\"kind\":\"x\",\"text\":\"a\"}",
        "{\"frame\":\"piece\",\"kind\":\"text\",\"text\":\"a\",\"first\":9,\"last\":1}", "{\"frame\":\"error\"}",
        "{\"frame\":\"end\",\"warnings\":[" + String(repeating: "1,", count: 300) + "1]}",
    ])
    func whatIsNoFrame_isRefused(line: String) {
        let error = #expect(throws: MillraceError.self) { _ = try ExtractorFrame(Array(line.utf8)) }
        #expect(error == ExtractorFrame.notUnderstood)
    }

    @Test func numbersThatAreNone_areLeftOut() throws {
        let line =
            "{\"frame\":\"piece\",\"kind\":\"table\",\"text\":\"a\",\"page\":-1,\"slide\":3,\"numbers\":\"rows\",\"first\":1,\"last\":2}"
        let expected = DocumentPiece(text: "a", kind: .table, position: DocumentPosition(slide: 3, rows: 1...2))
        #expect(try ExtractorFrame(Array(line.utf8)) == .piece(expected))
    }

    @Test func lines_areCutAtEverySplit_andBounded() throws {
        let text = Array("a\n\nbc\nd".utf8)
        for cut in 0...text.count {
            var splitter = FrameSplitter()
            let lines = try splitter.receive(text[..<cut]) + splitter.receive(text[cut...])
            #expect(lines == [Array("a".utf8), [], Array("bc".utf8)])
        }
        var splitter = FrameSplitter()
        let block = [UInt8](repeating: 0x61, count: 64 << 10)
        #expect(throws: MillraceError.self) { for _ in 0..<9 { _ = try splitter.receive(block[...]) } }
    }

    @Test(arguments: [
        (SIGXCPU, "", ErrorCode.extractionTimeout), (SIGKILL, "", .documentTooLarge), (SIGSEGV, "", .extractionFailed),
        (SIGABRT, "std::bad_alloc", .documentTooLarge), (SIGTRAP, "Fatal error: out of memory: a buffer", .documentTooLarge),
        (SIGSYS, "", .extractionFailed), (1 << 8, "", .extractionFailed), (0, "", .extractionFailed),
    ])
    func end_isAnError(status: Int32, said: String, code: ErrorCode) {
        #expect(ExtractorEnd(status: status, said: said).problem.code == code)
    }

    @Test(
        arguments: [
            ("a.pdf", "pdf"), ("a.b.Md", "Md"), (".profile", nil), ("none", nil), ("a.with space", nil), ("a.", nil),
            ("a.toolongtobeone", nil),
            ("x.--spool", nil),
        ] as [(String, String?)])
    func ending_isThatOfAName(title: String, ending: String?) { #expect(ExtractorCommand.ending(of: title) == ending) }

    @Test func mediaType_isCutAtWhatBelongsToNone() {
        var description = DocumentDescription(title: "secret plan.pdf")
        description.mimeType = "text/plain; charset=x\n--spool"
        let arguments = ExtractorCommand.arguments(description, DocumentLimits(), ProcessDocumentExtractor.Options())
        #expect(arguments.contains("text/plain") && arguments.contains("pdf"))
        #expect(!arguments.contains { $0.contains("secret") || $0.contains("charset") })
    }
}
