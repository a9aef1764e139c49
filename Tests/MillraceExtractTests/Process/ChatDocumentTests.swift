import FoundationEssentials
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceTaskHandlers
import Testing

/// `chat` answers from documents, which the real program reads.
@Suite(.ownThreads) struct ChatDocumentTests {
    private let content = ContentStore(store: InMemoryStore(), objects: InMemoryObjectStore())

    private func ask(
        _ question: String, _ attachment: Millrace.Attachment, extractor: (any DocumentExtractor)?, search: (any SearchEngine)? = nil
    ) async throws -> RunRecorder {
        let recorder = RunRecorder(principal: Principal(named: "me"))
        let handler = ChatHandler(
            models: try LanguageModelRegistry(default: LocalLanguageModel()), content: content,
            passages: search.map { ContentPassages(content: content, search: $0, extractor: extractor) }, documents: extractor)
        let message = Message(
            id: "m", chatID: "c", parentID: nil, role: .user, parts: [.text(question), .document(attachment)], createdAt: .now())
        try await handler.handle(
            TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "chat", message: message), recorder.context)
        return recorder
    }

    private func upload(_ bytes: [UInt8], _ title: String, _ mimeType: String) async throws -> Millrace.Attachment {
        let record = try await content.add(.bytes(bytes), title: title, mimeType: mimeType, principal: Principal(named: "me"))
        return Millrace.Attachment(pointer: record.pointer)
    }

    /// What was said to be left out.
    private func skipped(_ recorder: RunRecorder) -> [String] {
        recorder.events.compactMap { event in
            if case .status("attachment_skipped", let message, _) = event.body { message } else { nil }
        }
    }

    private static let types = [
        ("lease.pdf", "application/pdf"), ("lease.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("lease.docx", "application/octet-stream"),
    ]

    @Test(arguments: types) func uploadedDocument_isAnsweredFrom(name: String, type: String) async throws {
        guard let folder = try Documents.made() else { return }
        let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
        let uploaded = try await upload(bytes, name, type)
        for attachment in [uploaded, Millrace.Attachment(data: bytes, mimeType: type, title: name)] {
            let extractor = try ProcessDocumentExtractorTests.extractor()
            let recorder = try await ask("When is the rent due?", attachment, extractor: extractor)
            #expect(recorder.text.contains("“The rent is due on the third of each month.”"), "\(recorder.events)")
            #expect(skipped(recorder).isEmpty)
            let documents = recorder.events.compactMap { if case .document(let document) = $0.body { document } else { nil } }
            #expect(documents.map(\.mimeType) == [type] && documents.map(\.title) == [name])
        }
    }

    @Test func textInAnotherEncoding_isRead() async throws {
        let bytes = Array("The café".utf8.prefix(7)) + [0xE9] + Array(" opens in May.".utf8)
        let uploaded = try await upload(bytes, "cafe.txt", "text/plain")
        let recorder = try await ask("When does it open?", uploaded, extractor: try ProcessDocumentExtractorTests.extractor())
        #expect(recorder.text.contains("The café opens in May."), "\(recorder.events)")
        let unread = try await ask("When does it open?", uploaded, extractor: nil)
        #expect(skipped(unread) == ["cafe.txt (text/plain) is left out: the model cannot read it"])
    }

    @Test func pages_areMarked() async throws {
        guard let folder = try Documents.made() else { return }
        let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder)/lease.pdf")))
        let model = RecordingModel()
        let handler = ChatHandler(
            models: try LanguageModelRegistry(default: model), documents: try ProcessDocumentExtractorTests.extractor())
        let parts: [MessagePart] = [.document(Millrace.Attachment(data: bytes, mimeType: "application/pdf", title: "lease.pdf"))]
        let message = Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: parts, createdAt: .now())
        try await handler.handle(
            TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "chat", message: message), RunRecorder().context)
        let text = model.documents.withLock { $0.first?.text } ?? ""
        #expect(text.hasPrefix("[page 1]\n\nThis lease begins in May.\n"), "\(text)")
        #expect(text.contains("\n[page 2]\n\nThe rent is due on the third of each month.\n"), "\(text)")
    }

    @Test(arguments: types.prefix(2)) func extractorIsMissing_documentIsLeftOutAloud(name: String, type: String) async throws {
        let recorder = try await ask("When is the rent due?", try await upload([0x25, 0x50, 0xFF], name, type), extractor: nil)
        #expect(skipped(recorder) == ["\(name) (\(type)) is left out: the model cannot read it"])
        #expect(recorder.events.last?.kind == .metadata)
    }

    @Test(arguments: [
        ([0x50, 0x4B, 3, 4] as [UInt8], "application/zip"), ([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0], "application/octet-stream"),
        (Array("%PDF-1.7\nnothing".utf8), "application/pdf"),
    ]) func documentThatCannotBeRead_isLeftOutWithTheReason(bytes: [UInt8], type: String) async throws {
        let extractor = try ProcessDocumentExtractorTests.extractor()
        for attachment in [try await upload(bytes, "x", type), Millrace.Attachment(data: bytes, mimeType: type, title: "x")] {
            let recorder = try await ask("When is the rent due?", attachment, extractor: extractor)
            let messages = skipped(recorder)
            #expect(messages.count == 1, "\(messages)")
            let message = messages.first ?? ""
            #expect(message.hasPrefix("x is left out: ") && !message.contains("the model cannot"), "\(message)")
        }
    }

    @Test func longDocument_isSearched_andItsPassagesSayWhereTheyStand() async throws {
        let filler = String(repeating: "<p>Nothing of interest is said in this sentence at all.</p>\n", count: 4000)
        let page = "<html><body><h1>Weather</h1>\(filler)<h1>Rent</h1><p>The rent is due on the third.</p>\(filler)</body></html>"
        let extractor = try ProcessDocumentExtractorTests.extractor()
        let search = try SQLiteSearchEngine(path: ":memory:")
        let attachment = try await upload(Array(page.utf8), "lease.html", "text/html")
        let recorder = try await ask("When is the rent due?", attachment, extractor: extractor, search: search)
        #expect(recorder.text.contains("The rent is due on the third."), "\(recorder.text)")
        let passages = ContentPassages(content: content, search: search, extractor: extractor)
        let record = try #require(try await content.record(attachment.pointer ?? "", principal: Principal(named: "me")))
        let found = try await passages.find("rent", in: [record], limit: 3, principal: Principal(named: "me"))
        #expect(found.map(\.position) == ["section 'Rent'"])
        await search.close()
        // Without a search index it is left out, and so is one that came with the request.
        let unsearched = try await ask("When?", attachment, extractor: extractor)
        #expect(skipped(unsearched).first?.contains("no search index") == true)
        let inline = try await ask(
            "When?", Millrace.Attachment(data: Array(page.utf8), mimeType: "text/html", title: "x"), extractor: extractor)
        #expect(skipped(inline).first?.contains("upload it") == true)
    }
}

/// Keeps the documents that it gets.
private struct RecordingModel: LanguageModel {
    let id = "recording"
    let documents = Locked<[ModelDocument]>([])

    func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        documents.withLock { $0 = request.documents }
        try await receive(.text("Fine."))
        return ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: id)
    }
}
