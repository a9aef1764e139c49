import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

/// The handler with documents out of memory, the embedded model and models of our own.
@Suite struct DocumentAnalysisTests {
    /// Gives a document's text as pages, cut where it has a form feed. A text that begins with `!` is damaged behind its first page.
    struct PagedExtractor: DocumentExtractor {
        private final class Pages: ExtractedDocument {
            let type: DocumentType
            var summary: DocumentSummary?
            private var pages: [String]
            private let isDamaged: Bool
            private var number = 0

            init(_ text: String, type: DocumentType) {
                isDamaged = text.hasPrefix("!")
                pages = text.split(separator: "\u{C}", omittingEmptySubsequences: false).map { String($0) }
                self.type = type
            }

            func next() async throws -> DocumentPiece? {
                if isDamaged, number == 1 { throw MillraceError(.documentDamaged, "its second page cannot be read") }
                guard number < pages.count else {
                    summary = DocumentSummary(type: type, pageCount: pages.count, wordCount: 7)
                    return nil
                }
                number += 1
                return DocumentPiece(text: pages[number - 1], position: DocumentPosition(page: number))
            }
        }

        func extract<R>(
            _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
            _ read: (any ExtractedDocument) async throws -> R
        ) async throws -> R {
            var bytes: [UInt8] = []
            while let more = try await next() { bytes += more }
            guard bytes.count <= limits.documentBytes else { throw MillraceError(.documentTooLarge, "too large") }
            let ending = description.title?.split(separator: ".").last.map { String($0) } ?? "pdf"
            return try await read(
                Pages(String(decoding: bytes, as: UTF8.self), type: DocumentType(rawValue: ending == "md" ? "markdown" : ending)))
        }
    }

    static let lease = """
        The landlord lets the workshop for three years. The rent is 2,850 euros a month.\u{C}The tenant pays a deposit of three rents. \
        The landlord is liable for damage by water from the roof.\u{C}The tenant may end the lease with six months' notice.
        """

    static func run(
        _ documents: [(String, String)], _ text: String, model: any LanguageModel = LocalLanguageModel(),
        settings: DocumentAnalysisSettings = DocumentAnalysisSettings(), kind: String? = nil, recorder: RunRecorder = RunRecorder()
    ) async throws -> RunRecorder {
        var parts: [MessagePart] = text.isEmpty ? [] : [.text(text)]
        for (title, text) in documents {
            parts.append(.document(Attachment(data: Array(text.utf8), mimeType: "application/pdf", title: title)))
        }
        let message = Message(id: "m_1", chatID: "c_1", parentID: nil, role: .user, parts: parts, createdAt: .now())
        var request = TaskRequest(responseID: "r_1", requestID: "q_1", chatID: "c_1", task: "document_analysis", message: message)
        if let kind {
            request.context = [ContextItem(type: "analysis", attachment: nil, fields: ["type": "analysis", "kind": .string(kind)])]
        }
        let handler = DocumentAnalysisHandler(
            models: try LanguageModelRegistry(default: model), documents: PagedExtractor(), settings: LiveSettings(settings))
        try await handler.handle(request, recorder.context)
        return recorder
    }

    private static func citations(_ recorder: RunRecorder) -> [Citation] {
        recorder.events.compactMap { if case .citation(let citation) = $0.body { citation } else { nil } }
    }

    private static func facts(_ recorder: RunRecorder) -> JSONValue {
        recorder.events.last { $0.kind == .metadata }.flatMap { if case .metadata(let facts) = $0.body { .object(facts) } else { nil } }
            ?? .null
    }

    // MARK: Short documents

    @Test func question_isAnsweredWithItsPage() async throws {
        let recorder = try await Self.run([("lease.pdf", Self.lease)], "How high is the deposit?")
        #expect(recorder.text.contains("deposit of three rents"))
        let citation = try #require(Self.citations(recorder).first)
        #expect(citation.page == 2 && citation.documentTitle == "lease.pdf" && Self.lease.contains(citation.text))
        #expect(Self.facts(recorder)["kind"] == "question" && Self.facts(recorder)["parts"] == 0)
        #expect(recorder.events.contains { if case .document(let document) = $0.body { document.pageCount == 3 } else { false } })
    }

    @Test(arguments: [
        ("", "summary"), ("Summarise this", "summary"), ("What are the key findings?", "findings"), ("List all risks", "risks"),
    ])
    func kind_isMeantByTheWords(text: String, kind: String) async throws {
        let recorder = try await Self.run([("lease.pdf", Self.lease)], text)
        #expect(Self.facts(recorder)["kind"] == .string(kind))
        #expect(!Self.citations(recorder).isEmpty && Self.citations(recorder).allSatisfy { Self.lease.contains($0.text) && $0.page != nil })
    }

    @Test func kindOfTheContext_comesBeforeTheWords_andMustBeOne() async throws {
        #expect(Self.facts(try await Self.run([("a.pdf", Self.lease)], "Anything", kind: "risks"))["kind"] == "risks")
        let error = await #expect(throws: MillraceError.self) { _ = try await Self.run([("a.pdf", Self.lease)], "x", kind: "magic") }
        #expect(error?.code == .invalidInput && error?.message.contains("choose one of summary, findings") == true)
    }

    @Test func severalDocuments_areComparedUnderTheirTitles() async throws {
        let other = "The landlord lets the workshop for five years. The rent is 3,700 euros a month."
        let recorder = try await Self.run([("old.pdf", Self.lease), ("new.pdf", other)], "Compare the two leases")
        #expect(Self.facts(recorder)["kind"] == "comparison")
        #expect(recorder.text.contains("## old.pdf") && recorder.text.contains("## new.pdf"))
        #expect(Set(Self.citations(recorder).map(\.documentTitle)) == ["old.pdf", "new.pdf"])
        let numbers = Self.citations(recorder).compactMap(\.referenceNumber)
        #expect(Set(Self.citations(recorder).compactMap(\.citationID)).count == numbers.count)
    }

    // MARK: Long documents

    private static func long(_ pages: Int) -> String {
        (1...pages).map { page in
            (0..<30).map { "Sentence \($0) of page \(page) tells how mill number \(page * 100 + $0) grinds its corn in the valley." }
                .joined(
                    separator: " ") + (page == 7 ? " The secret ingredient of the miller's bread is caraway." : "")
        }.joined(separator: "\u{C}")
    }

    @Test func longDocument_isReadInParts_andTheAnswerHasItsPage() async throws {
        var settings = DocumentAnalysisSettings()
        settings.wholeCharacters = 5000
        settings.partCharacters = 2000
        let recorder = try await Self.run([("mills.pdf", Self.long(10))], "What is the secret ingredient of the bread?", settings: settings)
        #expect(recorder.text.contains("caraway"))
        #expect(Self.citations(recorder).contains { $0.page == 7 && $0.text.contains("caraway") })
        let parts = try #require(Self.facts(recorder)["parts"]?.integer)
        #expect(parts >= 8)
        // Each part is told as it is done.
        #expect(recorder.events.filter { if case .status("analysing", _, _) = $0.body { true } else { false } }.count >= 8)
    }

    @Test func partsAtTheLimit_areRead_andOneMoreIsAnError() async throws {
        var settings = DocumentAnalysisSettings()
        settings.wholeCharacters = 5000
        settings.partCharacters = 2000
        let whole = try await Self.run([("mills.pdf", Self.long(6))], "Summarise this", settings: settings)
        let parts = try #require(Self.facts(whole)["parts"]?.integer)
        settings.maxParts = parts
        settings.concurrentParts = 1
        _ = try await Self.run([("mills.pdf", Self.long(6))], "Summarise this", settings: settings)
        settings.maxParts = parts - 1
        let error = await #expect(throws: MillraceError.self) {
            _ = try await Self.run([("mills.pdf", Self.long(6))], "Summarise this", settings: settings)
        }
        #expect(error?.code == .limitExceeded && error?.message.contains("documentAnalysisConfig.maxParts") == true)
    }

    /// Counts how many calls go on at once, and cites what it is given, once rightly and once not.
    private final class CountingModel: LanguageModel {
        let id = "counting"
        let capabilities = ModelCapabilities.all
        let counts = Locked((running: 0, most: 0, calls: 0))

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            counts.withLock {
                ($0.running, $0.calls) = ($0.running + 1, $0.calls + 1); $0.most = max($0.most, $0.running)
            }
            defer { counts.withLock { $0.running -= 1 } }
            for _ in 0..<20 { await Task.yield() }
            let document = request.documents[0]
            let quote = document.text.split(separator: ".")[0]
            try await receive(
                .text("It says so <cite ref=\"\(document.id)\">\(quote)</cite> and <cite ref=\"1\">something invented</cite>."))
            return ModelResponse(stopReason: .endTurn, usage: Usage(), modelID: id)
        }
    }

    @Test(arguments: [1, 3]) func parts_areReadAsManyAtOnceAsIsSet(limit: Int) async throws {
        var settings = DocumentAnalysisSettings()
        settings.wholeCharacters = 5000
        settings.partCharacters = 3000
        settings.concurrentParts = limit
        let model = CountingModel()
        let recorder = try await Self.run([("mills.pdf", Self.long(9))], "List all risks", model: model, settings: settings)
        let counts = model.counts.withLock { $0 }
        #expect(counts.most <= limit && counts.calls > 9)
        // What was invented is dropped, text flows, and the quote has its place.
        #expect(recorder.text == "It says so [1] and.")
        #expect(Self.citations(recorder).count == 1 && Self.citations(recorder)[0].page == 1)
        #expect(Self.facts(recorder)["citations_dropped"] == 1)
    }

    // MARK: What cannot be read

    @Test func documentThatIsDamaged_isLeftOut_andTheOthersAreRead() async throws {
        let recorder = try await Self.run(
            [("bad.pdf", "!Half of it.\u{C}Gone."), ("lease.pdf", Self.lease)], "How high is the deposit?")
        #expect(recorder.text.contains("deposit of three rents"))
        #expect(
            recorder.events.contains {
                if case .status("document_skipped", let message, _) = $0.body {
                    message == "bad.pdf is left out: its second page cannot be read"
                } else {
                    false
                }
            })
    }

    @Test func nothingThatCanBeRead_isAnError() async throws {
        let error = await #expect(throws: MillraceError.self) { _ = try await Self.run([("bad.pdf", "!a\u{C}b")], "Summarise this") }
        #expect(error?.code == .documentDamaged && error?.message == "the document cannot be read: its second page cannot be read")
    }

    @Test func limits_areSaid() async throws {
        var settings = DocumentAnalysisSettings()
        settings.supportedFormats = ["markdown"]
        let format = await #expect(throws: MillraceError.self) { _ = try await Self.run([("a.pdf", "x")], "q?", settings: settings) }
        #expect(format?.message.contains("supportedFormats") == true)
        settings = DocumentAnalysisSettings()
        settings.maxDocuments = 1
        let many = await #expect(throws: MillraceError.self) {
            _ = try await Self.run([("a.pdf", "x"), ("b.pdf", "y")], "q?", settings: settings)
        }
        #expect(many?.message == "there are 2 documents, and 1 at most are read at once")
        settings = DocumentAnalysisSettings()
        settings.maxDocumentSizeMb = 1
        let exact = String(repeating: "x", count: 1 << 20)
        _ = try await Self.run([("a.md", exact)], "Summarise this", settings: settings)
        let long = await #expect(throws: MillraceError.self) { _ = try await Self.run([("a.md", exact + "x")], "q?", settings: settings) }
        #expect(long?.code == .documentTooLarge && long?.message.contains("maxDocumentSizeMb") == true)
    }

    @Test func noDocument_isAnError() async throws {
        let error = await #expect(throws: MillraceError.self) { _ = try await Self.run([], "Summarise this") }
        #expect(error?.code == .invalidInput && error?.message.contains("attach one") == true)
    }

    @Test func documentWithoutText_isSaid() async throws {
        let recorder = try await Self.run([("scan.pdf", " \u{C} ")], "Summarise this")
        #expect(recorder.text == "The document has no text that can be read: the pages may be pictures.")
    }
}
