import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

/// The handler with documents out of memory, the embedded model and models of our own.
@Suite struct DocumentAnalysisTests {
    static let lease = """
        The landlord lets the workshop for three years. The rent is 2,850 euros a month.\u{C}The tenant pays a deposit of three rents. \
        The landlord is liable for damage by water from the roof.\u{C}The tenant may end the lease with six months' notice.
        """

    static func run(
        _ documents: [(String, String)], _ text: String, model: any LanguageModel = LocalLanguageModel(),
        settings: DocumentAnalysisSettings = DocumentAnalysisSettings(), kind: String? = nil, recorder: RunRecorder = RunRecorder(),
        extractor: any DocumentExtractor = PagedExtractor()
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
            models: try LanguageModelRegistry(default: model), documents: extractor, settings: LiveSettings(settings),
            spoolDirectory: "/tmp")
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
        // One answer, one list of references: the second document's go on from the first's.
        let citations = Self.citations(recorder)
        let numbers = citations.compactMap(\.referenceNumber)
        #expect(numbers == Array(1...citations.count) && Set(citations.compactMap(\.citationID)).count == citations.count)
        for number in numbers { #expect(recorder.text.split(separator: "[\(number)]", omittingEmptySubsequences: false).count == 2) }
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
        // One of each call.
        #expect(Self.facts(recorder)["citations_dropped"] == .integer(counts.calls))
    }

    /// Cites what `quote` makes of each document, and keeps what it was asked.
    private final class QuotingModel: LanguageModel {
        let id = "quoting"
        let capabilities = ModelCapabilities.all
        let requests = Locked<[ModelRequest]>([])
        let quote: @Sendable (ModelDocument) throws -> String
        init(_ quote: @escaping @Sendable (ModelDocument) throws -> String) { self.quote = quote }

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            requests.withLock { $0.append(request) }
            for document in request.documents { try await receive(.text("<cite ref=\"\(document.id)\">\(try quote(document))</cite> ")) }
            return ModelResponse(stopReason: .endTurn, usage: Usage(), modelID: id)
        }
    }

    private static var small: DocumentAnalysisSettings {
        var settings = DocumentAnalysisSettings()
        settings.wholeCharacters = 5000
        settings.partCharacters = 10_000
        return settings
    }

    @Test(arguments: [
        ("The deposit is 99 euros, I was told. What is the rent a month?", nil as String?, "99 euros"),
        ("My landlord says the rent is 4,000 euros a month.\nWhat is the rent?", nil, "4,000"),
        ("The rent is 4,000 euros. List the risks.", "risks", "4,000"), ("", "risks", "risk, liable"), ("", "findings", "key findings in"),
        ("The rent is 4,000 euros. Summarise this.", "summary", "4,000"),
    ])
    func quotingModel_quotesDocuments_andNotWhatItIsAsked(text: String, kind: String?, words: String) async throws {
        let recorder = try await Self.run([("lease.pdf", Self.lease)], text, kind: kind)
        #expect(!recorder.text.contains(words), "\(recorder.text)")
        #expect(recorder.text.contains("2,850 euros") || kind != nil, "\(recorder.text)")
        #expect(!Self.citations(recorder).isEmpty && Self.facts(recorder)["citations_dropped"] == 0)
    }

    /// Lends documents, and counts those that are lent.
    private struct CountingExtractor: DocumentExtractor {
        let lent = Locked(0)

        func extract<R>(
            _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
            _ read: (any ExtractedDocument) async throws -> R
        ) async throws -> R {
            lent.withLock { $0 += 1 }
            defer { lent.withLock { $0 -= 1 } }
            return try await PagedExtractor().extract(description, limits: limits, from: next, read)
        }
    }

    @Test func modelReadsParts_whenNoDocumentIsLentAnyMore() async throws {
        let extractor = CountingExtractor()
        let lent = Locked<[Int]>([])
        let model = QuotingModel { document in
            lent.withLock { $0.append(extractor.lent.withLock { $0 }) }
            return String(document.text.prefix(10))
        }
        let recorder = try await Self.run(
            [("mills.pdf", Self.long(9)), ("others.pdf", Self.long(5))], "Which mill?", model: model, settings: Self.small,
            extractor: extractor)
        #expect(lent.withLock { $0.count > 9 && $0.allSatisfy { $0 == 0 } })
        // How many parts there are is known from the first on.
        let parts = try #require(Self.facts(recorder)["parts"]?.integer)
        let told = recorder.events.compactMap { event in
            if case .status("analysing", let message, _) = event.body {
                message.split(separator: ":").first.map { String($0) }
            } else {
                nil
            }
        }
        #expect(told == (1...parts).map { "Part \($0) of \(parts)" })
    }

    @Test func tooManyParts_areRefusedBeforeTheModelIsAsked() async throws {
        let model = QuotingModel { _ in "x" }
        var settings = Self.small
        settings.maxParts = 1
        await #expect(throws: MillraceError.self) {
            _ = try await Self.run([("mills.pdf", Self.long(20))], "Which mill?", model: model, settings: settings)
        }
        #expect(model.requests.withLock { $0.isEmpty })
    }

    @Test func models_areToldHowToCite_asTheMarkersAre() async throws {
        let model = QuotingModel { _ in "nothing" }
        _ = try await Self.run([("mills.pdf", Self.long(4))], "Which mill?", model: model, settings: Self.small)
        _ = try await Self.run([("lease.pdf", Self.lease)], "Which mill?", model: model)
        let systems = model.requests.withLock { $0.compactMap(\.system) }
        #expect(systems.count >= 2 && systems.allSatisfy { $0.contains("<cite ref=\"N\">QUOTE</cite>") })
        // Each part is read for what is asked.
        #expect(systems[0].contains("<request>Which mill?</request>"))
    }

    @Test func sameWordsOnTwoPages_haveThePageThatWasCited() async throws {
        let filler = Self.long(6).split(separator: "\u{C}").map { String($0) }
        let text = filler.enumerated().map { $0.offset == 1 || $0.offset == 4 ? "The fee is due. \($0.element)" : $0.element }.joined(
            separator: "\u{C}")
        let model = QuotingModel { document in
            document.place == "page 5" && document.text.hasPrefix("The fee is due.") ? "The fee is due." : "not there"
        }
        let recorder = try await Self.run([("fees.pdf", text)], "When is the fee due?", model: model, settings: Self.small)
        let told = recorder.events.compactMap { event -> String? in
            guard case .metadata(let facts) = event.body else { return nil }
            return facts["quotes"]?.array?.compactMap { $0["place"]?.string }.joined(separator: ";")
        }
        #expect(told.filter { !$0.isEmpty } == ["page 5"])
    }

    @Test func quotesThatStandNowhere_areSaid() async throws {
        let model = QuotingModel { _ in "never written" }
        let recorder = try await Self.run([("mills.pdf", Self.long(4))], "Which mill?", model: model, settings: Self.small)
        #expect(recorder.text.hasPrefix("I could not pick anything out of the document: none of the "))
        #expect((Self.facts(recorder)["citations_dropped"]?.integer ?? 0) > 0)
    }

    /// Also where its code is one that documents have.
    @Test(.timeLimit(.minutes(1)), arguments: [ErrorCode.notFound, .modelUnavailable])
    func modelThatFailsOnAPart_endsTheAnalysis(code: ErrorCode) async throws {
        let model = QuotingModel { _ in throw MillraceError(code, "the model is gone") }
        var settings = Self.small
        settings.concurrentParts = 1
        settings.partCharacters = 2000
        let error = await #expect(throws: MillraceError.self) {
            _ = try await Self.run(
                [("mills.pdf", Self.long(9)), ("lease.pdf", Self.lease)], "Which mill?", model: model, settings: settings)
        }
        #expect(error?.message == "the model is gone")
    }

    @Test func documentThatIsNamedAgain_isTheNewest() throws {
        func message(_ pointers: [String]) -> Message {
            Message(
                id: "m", chatID: "c", parentID: nil, role: .user,
                parts: [.text("Summarise this")] + pointers.map { .document(Attachment(pointer: "content://" + $0)) }, createdAt: .now())
        }
        var settings = DocumentAnalysisSettings()
        settings.maxDocuments = 2
        func pointers(_ history: [String], _ now: [String]) throws -> [String?] {
            let request = TaskRequest(
                responseID: "r", requestID: "q", chatID: "c", task: "document_analysis", message: message(now), history: [message(history)])
            let found = try AnalysisRequest(request, settings)
            #expect(found.omittedDocuments == Set(history + now).count - found.documents.count)
            return found.documents.map(\.pointer)
        }
        #expect(try pointers(["a", "b", "c"], ["a"]) == ["content://c", "content://a"])
        #expect(try pointers(["a", "b"], ["c", "c", "b"]) == ["content://c", "content://b"])
        #expect(throws: MillraceError.self) { _ = try pointers(["a"], ["b", "c", "d"]) }
    }

    @Test func documentsOfAnswers_areNotThoseOfTheConversation() throws {
        func message(_ role: MessageRole, _ pointer: String) -> Message {
            Message(
                id: "m", chatID: "c", parentID: nil, role: role, parts: [.text("?"), .document(Attachment(pointer: pointer))],
                createdAt: .now())
        }
        let request = TaskRequest(
            responseID: "r", requestID: "q", chatID: "c", task: "document_analysis", message: message(.user, "content://b"),
            history: [message(.user, "content://a"), message(.assistant, "manual/x100.pdf")])
        #expect(try AnalysisRequest(request, DocumentAnalysisSettings()).documents.map(\.pointer) == ["content://a", "content://b"])
    }

    @Test func messageThatIsTooLong_isRefused() async throws {
        let long = String(repeating: "x", count: 20_000)
        _ = try await Self.run([("lease.pdf", Self.lease)], long)
        let error = await #expect(throws: MillraceError.self) { _ = try await Self.run([("lease.pdf", Self.lease)], long + "x") }
        #expect(error?.code == .invalidInput && error?.message.contains("20000 characters") == true)
    }

    @Test(arguments: [(0, "see [1] and [2]"), (3, "see [4] and [5]")])
    func references_goOn(before: Int, text: String) {
        let model = RenumberedLanguageModel(LocalLanguageModel(), citationsBefore: before)
        #expect(model.renumbered("see [1] and [2]") == text)
        #expect(model.renumbered("a[b] [] [x1] [1") == "a[b] [] [x1] [1")
    }

    // MARK: What cannot be read

    @Test func documentThatBreaksOff_isUsedAsFarAsItGoes() async throws {
        // What was read of it is in the answer, so the reader must know of it.
        let first = Self.long(1)
        let recorder = try await Self.run([("half.pdf", "!\(first) \(first)\u{C}Gone.")], "Which mill grinds corn?")
        let statuses = recorder.events.compactMap {
            if case .status(let status, let message, _) = $0.body { "\(status): \(message)" } else { nil }
        }
        #expect(statuses.contains("document_incomplete: half.pdf could be read only in part: its second page cannot be read"))
        #expect(recorder.events.contains { if case .document(let document) = $0.body { document.title == "half.pdf" } else { false } })
        #expect(!Self.citations(recorder).isEmpty)
    }

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
