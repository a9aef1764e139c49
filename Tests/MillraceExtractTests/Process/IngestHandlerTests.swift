import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceTaskHandlers
import Testing

/// `ingest` puts uploaded files into a collection, read by the real program.
@Suite(.ownThreads) struct IngestHandlerTests {
    private let content = ContentStore(store: InMemoryStore(), objects: InMemoryObjectStore())
    private let search: SQLiteSearchEngine
    private let handler: IngestHandler
    private static let me = Principal(named: "me")

    init() throws {
        search = try SQLiteSearchEngine(path: ":memory:")
        var settings = IngestSettings()
        settings.collections = ["manuals"]
        handler = IngestHandler(
            content: content, ingestion: Ingestion(search: search, extractor: try ProcessDocumentExtractorTests.extractor()),
            settings: LiveSettings(settings))
    }

    private func upload(_ text: String, _ title: String, _ mimeType: String = "text/markdown") async throws -> Millrace.Attachment {
        let record = try await content.add(.bytes(Array(text.utf8)), title: title, mimeType: mimeType, principal: Self.me)
        return Millrace.Attachment(pointer: record.pointer)
    }

    private func run(
        _ files: [Millrace.Attachment], _ collection: JSONValue? = ["type": "collection", "name": "manuals", "metadata": ["team": "x"]],
        principal: Principal = me
    ) async throws -> RunRecorder {
        let recorder = RunRecorder(principal: principal)
        let message = Message(
            id: "m", chatID: "c", parentID: nil, role: .user, parts: files.map { .document($0) }, createdAt: .now())
        let context = collection.map { [ContextItem(type: "collection", attachment: nil, fields: $0.object ?? [:])] } ?? []
        try await handler.handle(
            TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "ingest", message: message, context: context), recorder.context)
        return recorder
    }

    private func passages() async throws -> [CollectionPassage] {
        let index = try await search.index(PassageCollection.definition(name: "manuals"))
        return try await index.search(SearchQuery()).hits.compactMap { PassageCollection.passage($0.document) }
    }

    @Test func files_areIngested_andWhatFailedIsTold() async throws {
        let setup = try await upload("# Setup\n\nPress the button.\n", "setup.md")
        let damaged = try await upload("%PDF-1.7\nnothing", "damaged.pdf", "application/pdf")
        let recorder = try await run([setup, damaged])
        #expect(recorder.events.first == .status("ingesting", message: "Ingesting 2 files into manuals"))
        let documents = recorder.events.compactMap { if case .document(let document) = $0.body { document } else { nil } }
        #expect(documents.map(\.pointer) == [setup.pointer] && documents.map(\.title) == ["setup.md"])
        #expect(recorder.events.contains { if case .status("document_failed", _, _) = $0.body { true } else { false } })
        #expect(recorder.events.last == .metadata(["collection": "manuals", "indexed": 1, "unchanged": 0, "skipped": 0, "failed": 1]))
        let found = try await passages()
        #expect(
            found.map(\.text) == ["# Setup\n\nPress the button."] && found[0].source == setup.pointer && found[0].metadata == ["team": "x"])
        // The same file again; a newer one of that name.
        #expect(
            try await run([setup]).events.last?.body
                == Event.metadata(["collection": "manuals", "indexed": 0, "unchanged": 1, "skipped": 0, "failed": 0]).body)
        _ = try await run([try await upload("Pull the lever.", "setup.md")])
        #expect(try await passages().map(\.text) == ["Pull the lever."])
    }

    /// Titles are told apart by their bytes, as names in a collection are.
    @Test func titlesThatLookAlike_areToldOfEach() async throws {
        let files = [try await upload("one", "caf\u{E9}.md"), try await upload("two", "cafe\u{301}.md")]
        let recorder = try await run(files)
        let documents = recorder.events.compactMap { if case .document(let document) = $0.body { document } else { nil } }
        #expect(Set(documents.map(\.pointer)) == Set(files.map(\.pointer)) && documents.count == 2)
        #expect(Set(try await passages().map(\.text)) == ["one", "two"])
    }

    @Test func nothingCouldBeIngested_isAnError() async throws {
        let file = try await upload("%PDF-1.7\nnothing", "damaged.pdf", "application/pdf")
        await #expect { try await run([file]) } throws: { ($0 as? MillraceError)?.code == .handlerError }
    }

    @Test func wrongRequests_areRefused_andWriteNothing() async throws {
        let file = try await upload("x", "x.md")
        let inline = Millrace.Attachment(data: [120], title: "x.md")
        let wrong: [([Millrace.Attachment], JSONValue?)] = [
            ([file], nil), ([file], ["type": "collection"]), ([file], ["type": "collection", "name": "content-words"]),
            ([file], ["type": "collection", "name": "manuals", "metadata": ["a": 1]]), ([], ["type": "collection", "name": "manuals"]),
            ([inline], ["type": "collection", "name": "manuals"]),
        ]
        for (files, collection) in wrong {
            await #expect { try await run(files, collection) } throws: { ($0 as? MillraceError)?.code == .invalidInput }
        }
        await #expect { try await run([file], principal: Principal(named: "other")) } throws: { ($0 as? MillraceError)?.code == .notFound }
        #expect(try await search.names().isEmpty)
    }
}
