import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct ContentPassagesTests {
    /// Counts letters, as far as there are any; how long its vectors are it does not say.
    private final class LetterEmbedder: Embedder {
        let id: String
        let dimensions: Int? = nil
        let calls = Locked(0)
        let count: @Sendable (Int) -> Int

        init(_ id: String = "letters", count: @escaping @Sendable (Int) -> Int = { $0 }) {
            self.id = id
            self.count = count
        }

        func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
            calls.withLock { $0 += 1 }
            let vectors = texts.prefix(count(texts.count)).map { text in
                [Float(text.utf8.count { $0 == UInt8(ascii: "e") }), Float(text.utf8.count { $0 == UInt8(ascii: "a") })]
            }
            return Embeddings(vectors: vectors, usage: Usage(promptTokens: 1), modelID: id)
        }
    }

    private let content = ContentStore(store: InMemoryStore(), objects: InMemoryObjectStore())
    private let search: SQLiteSearchEngine
    private let me = Principal(named: "me")

    init() throws { search = try SQLiteSearchEngine(path: ":memory:") }

    private func add(_ text: String, of principal: Principal? = nil) async throws -> ContentRecord {
        try await content.add(.bytes(Array(text.utf8)), title: "t", mimeType: "text/plain", principal: principal ?? me)
    }

    @Test func passages_ofAnotherOwner_areNotFound() async throws {
        let passages = ContentPassages(content: content, search: search)
        let mine = try await add("A table of the whole year.")
        let theirs = Principal(named: "they")
        let other = try await add("Another table.", of: theirs)
        #expect(try await passages.find("table", in: [other], limit: 5, principal: theirs).count == 1)
        #expect(try await passages.find("table", in: [mine], limit: 5, principal: me).map(\.contentID) == [mine.id])
        // Not even where somebody has got hold of the record.
        await #expect(throws: MillraceError.self) { try await passages.find("table", in: [other], limit: 5, principal: me) }
        try await passages.forget(other, principal: me)
        #expect(try await passages.find("table", in: [other], limit: 5, principal: theirs).count == 1)
    }

    /// Deletes a file in the midst of its indexing.
    private struct DeletingEmbedder: Embedder {
        let id = "deleting"
        let dimensions: Int? = 1
        let delete: @Sendable () async throws -> Void
        func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
            try await delete()
            return Embeddings(vectors: texts.map { _ in [1] }, usage: .unknown, modelID: id)
        }
    }

    @Test func fileIsDeletedWhileItIsIndexed_noPassageStays() async throws {
        let record = try await add("A table of the whole year.")
        let (content, search, me) = (content, search, me)
        let embedder = DeletingEmbedder {
            _ = try await content.delete(record.id, principal: me)
            try await ContentPassages(content: content, search: search).forget(record, principal: me)
        }
        let passages = ContentPassages(content: content, search: search, embedder: embedder)
        await #expect(throws: MillraceError.self) { try await passages.find("table", in: [record], limit: 5, principal: me) }
        var definition = SearchIndexDefinition(
            name: "content-deleting-1", textFields: [.init("text")],
            filterFields: ["owner": .keyword, "content": .keyword, "place": .integer, "isLast": .boolean])
        definition.vectorDimensions = 1
        #expect(try await search.index(definition).count(where: .equals("content", .string(record.id))) == 0)
    }

    @Test(arguments: [4096, 8193, 1 << 20]) func longQuestion_isSearchedForByItsBeginning(_ length: Int) async throws {
        let passages = ContentPassages(content: content, search: search)
        let record = try await add("A table of the whole year.")
        let question = "table " + String(repeating: "é", count: length / 2)
        #expect(try await passages.find(question, in: [record], limit: 5, principal: me).count == 1)
    }

    @Test func questionThatTheEmbedderSaysNothingOf_isSearchedForByItsWords() async throws {
        let passages = ContentPassages(content: content, search: search, embedder: LetterEmbedder())
        let record = try await add("A big 42 here.")
        #expect(try await passages.find("42", in: [record], limit: 5, principal: me).count == 1)
    }

    @Test func embedderOfUnknownDimensions_isAskedForThemOnce_andReported() async throws {
        let embedder = LetterEmbedder()
        let passages = ContentPassages(content: content, search: search, embedder: embedder)
        let record = try await add("A table of the whole year.")
        var tokens = 0
        for _ in 0..<3 {
            _ = try await passages.find("a table", in: [record], limit: 5, principal: me) { tokens += $0.promptTokens ?? 0 }
        }
        // Dimensions, one batch of passages, three questions.
        #expect(embedder.calls.withLock { $0 } == 5)
        #expect(tokens == 5)
    }

    @Test func embedderThatGivesTooFewVectors_isAnError() async throws {
        let passages = ContentPassages(content: content, search: search, embedder: LetterEmbedder { max($0 - 1, 1) })
        let record = try await add(String(repeating: "A sentence of a text. ", count: 500))
        await #expect(throws: MillraceError.self) { try await passages.find("text", in: [record], limit: 5, principal: me) }
    }

    @Test func otherLanguage_hasAnIndexOfItsOwn_thatIsForgottenToo() async throws {
        let record = try await add("Die Verträge der Mieter.")
        let english = ContentPassages(content: content, search: search)
        let german = ContentPassages(content: content, search: search, language: .german)
        let meant = ContentPassages(content: content, search: search, embedder: LetterEmbedder("letters"), language: .german)
        #expect(try await english.find("verträgen", in: [record], limit: 5, principal: me).isEmpty)
        #expect(try await german.find("vertrag", in: [record], limit: 5, principal: me).count == 1)
        #expect(try await meant.find("vertrag", in: [record], limit: 5, principal: me).count == 1)
        let names = ["content-letters-2-german", "content-words", "content-words-german"]
        #expect(try await search.names() == names)
        try await english.forget(record, principal: me)
        for name in names {
            let definition = try #require(try await search.definition(of: name))
            #expect(try await search.index(definition).count(where: nil) == 0, "\(name)")
        }
    }

    @Test func forget_dropsThePassagesOfEveryEmbedder_andAsksNone() async throws {
        let record = try await add("A table of the whole year.")
        let before = ContentPassages(content: content, search: search)
        let first = ContentPassages(content: content, search: search, embedder: LetterEmbedder("first"))
        for passages in [before, first] { #expect(try await passages.find("a table", in: [record], limit: 5, principal: me).count == 1) }
        // Of somebody else's making.
        _ = try await search.index(SearchIndexDefinition(name: "content-of-mine", textFields: [.init("body")]))
        _ = try await search.index(SearchIndexDefinition(name: "content-7", textFields: [.init("body")]))
        let embedder = LetterEmbedder("second")
        try await ContentPassages(content: content, search: search, embedder: embedder).forget(record, principal: me)
        #expect(embedder.calls.withLock { $0 } == 0)
        #expect(try await search.names() == ["content-7", "content-first-2", "content-of-mine", "content-words"])
        #expect(try await content.delete(record.id, principal: me))
        let mine = SearchFilter.equals("content", .string(record.id))
        for name in ["content-words", "content-first-2"] {
            var definition = SearchIndexDefinition(
                name: name, textFields: [.init("text")],
                filterFields: ["owner": .keyword, "content": .keyword, "place": .integer, "isLast": .boolean])
            if name != "content-words" { definition.vectorDimensions = 2 }
            #expect(try await search.index(definition).count(where: mine) == 0)
        }
    }

    /// The caller's cancellation ends calls of a remote store at once.
    @Test func upload_whoseRecordFails_leavesNoBytes_alsoWhenCancelled() async throws {
        let objects = CancellableObjects()
        let store = try SQLiteStore(path: ":memory:")
        await store.close()
        let content = ContentStore(store: store, objects: objects)
        let task = Task {
            try await content.add(
                .stream(length: nil) {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return nil
                }, title: nil, mimeType: "text/plain", principal: me)
        }
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(try await objects.base.list(prefix: "", after: nil, limit: 10).objects.isEmpty)
    }

    private struct CancellableObjects: ObjectStore {
        let base = InMemoryObjectStore()

        func put(_ key: String, _ body: ObjectBody, options: ObjectPutOptions) async throws -> ObjectMetadata {
            try await base.put(key, body, options: options)
        }
        func get<R>(_ key: String, range: ObjectRange?, _ read: (any ObjectContent) async throws -> R) async throws -> R {
            try await base.get(key, range: range, read)
        }
        func head(_ key: String) async throws -> ObjectMetadata? { try await base.head(key) }
        func delete(_ key: String) async throws {
            try Task.checkCancellation()
            try await base.delete(key)
        }
        func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
            try await base.list(prefix: prefix, after: after, limit: limit)
        }
        func copy(_ key: String, to target: String) async throws -> ObjectMetadata { try await base.copy(key, to: target) }
        func presign(_ operation: ObjectOperation, _ key: String, expiresIn seconds: Int) async throws -> String? { nil }
    }
}
