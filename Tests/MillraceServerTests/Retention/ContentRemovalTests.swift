import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

/// A file that its owner deletes, while not all that belongs to it can be reached.
@Suite struct ContentRemovalTests {
    /// A search engine that does not answer while it is down.
    private final class PausedSearch: SearchEngine {
        let engine: SQLiteSearchEngine
        let isDown = Locked(false)
        init() throws { engine = try SQLiteSearchEngine(path: ":memory:") }
        private func check() throws {
            if isDown.withLock({ $0 }) { throw MillraceError(.storageUnavailable, "no answer", isRetryable: true) }
        }
        func index(_ definition: SearchIndexDefinition) async throws -> any SearchIndex {
            try check()
            return try await engine.index(definition)
        }
        func definition(of name: String) async throws -> SearchIndexDefinition? {
            try check()
            return try await engine.definition(of: name)
        }
        func names() async throws -> [String] {
            try check()
            return try await engine.names()
        }
        func drop(_ name: String) async throws { try await engine.drop(name) }
    }

    private let store = InMemoryStore()
    private let objects = InMemoryObjectStore()
    private let search: PausedSearch
    private let content: ContentStore
    private let passages: ContentPassages
    private let logger = Logger(sink: LogSink(), level: .error)

    init() throws {
        search = try PausedSearch()
        content = ContentStore(store: store, objects: objects)
        passages = ContentPassages(content: content, search: search)
    }

    private func removal(searchUnavailable: String? = nil) -> ContentRemoval {
        ContentRemoval(
            store: store, content: content, passages: searchUnavailable == nil ? passages : nil, searchUnavailable: searchUnavailable,
            logger: logger)
    }

    private func sweeper(_ removal: ContentRemoval) -> RetentionSweeper {
        RetentionSweeper(store: store, settings: RetentionSettings(), removeContent: { try await removal.remove($0) }, time: .system)
    }

    /// A file that was asked about, so that there are passages of it.
    private func indexed() async throws -> ContentRecord {
        let record = try await content.add(
            .bytes(Array("A table of the whole year.".utf8)), title: nil, mimeType: "text/plain", principal: .local)
        #expect(try await passages.find("table", in: [record], limit: 5, principal: .local).count == 1)
        return record
    }

    private func passages(of record: ContentRecord) async throws -> Int { try await Self.passages(of: record, in: search.engine) }

    private static func passages(of record: ContentRecord, in engine: any SearchEngine) async throws -> Int {
        var definition = SearchIndexDefinition(
            name: "content-words", textFields: [.init("text")],
            filterFields: ["owner": .keyword, "content": .keyword, "place": .integer, "isLast": .boolean])
        definition.vectorDimensions = nil
        return try await engine.index(definition).count(where: .equals("content", .string(record.id)))
    }

    @Test func allCanBeReached_nothingIsLeft() async throws {
        let removal = removal()
        let record = try await indexed()
        #expect(try await removal.delete(record, principal: .local))
        #expect(!removal.hasLeftovers)
        #expect(try await sweeper(removal).hasLeftovers() == false)
        #expect(try await passages(of: record) == 0)
        #expect(try await objects.head("content/\(record.id)") == nil)
        #expect(try await removal.delete(record, principal: .local) == false)
    }

    @Test func searchIsDown_theFileIsGoneAtOnce_andItsPassagesLater() async throws {
        let removal = removal()
        let record = try await indexed()
        search.isDown.withLock { $0 = true }
        #expect(try await removal.delete(record, principal: .local))
        #expect(try await content.record(record.id, principal: .local) == nil)
        #expect(try await objects.head("content/\(record.id)") == nil, "what can be removed is removed")
        #expect(removal.hasLeftovers)
        #expect(try await sweeper(removal).hasLeftovers())
        await #expect(throws: MillraceError.self) { try await sweeper(removal).pass { _ in } }
        #expect(try await sweeper(removal).hasLeftovers(), "it is not forgotten")
        search.isDown.withLock { $0 = false }
        #expect(try await passages(of: record) == 1)
        #expect(try await sweeper(removal).pass { _ in }.files == 1)
        #expect(try await passages(of: record) == 0)
        #expect(try await sweeper(removal).hasLeftovers() == false)
    }

    /// The search engine could not even be opened when the server started; the next start can.
    @Test func searchIsNotAvailable_thePassagesWaitForAProcessThatHasIt() async throws {
        let record = try await indexed()
        #expect(try await removal(searchUnavailable: "the file is damaged").delete(record, principal: .local))
        #expect(try await content.record(record.id, principal: .local) == nil)
        let next = removal()
        #expect(try await sweeper(next).hasLeftovers())
        #expect(try await sweeper(next).pass { _ in }.files == 1)
        #expect(try await passages(of: record) == 0)
    }

    /// What a handler removes goes the same way as what a client does.
    @Test func handlerDeletes_nothingIsLeft() async throws {
        var settings = ServerSettings()
        settings.dataDirectory = ":memory:"
        var clients: Server.Clients?
        let server = try Server(settings: settings, logger: .silent) { clients = $1 }
        let content = try #require(clients?.content)
        let search = try #require(clients?.search)
        let record = try await content.add(
            .bytes(Array("A table of the whole year.".utf8)), title: nil, mimeType: "text/plain", principal: .local)
        let passages = ContentPassages(content: content, search: search)
        #expect(try await passages.find("table", in: [record], limit: 5, principal: .local).count == 1)
        #expect(try await Self.passages(of: record, in: search) == 1)
        #expect(try await content.delete(record.id, principal: .local))
        #expect(try await Self.passages(of: record, in: search) == 0)
        #expect(try await content.delete(record.id, principal: .local) == false)
        #expect(!server.removal.hasLeftovers)
    }
}
