import Millrace
import MillraceBackends
import MillraceCounterparts
import Testing

/// The same collection comes about on every engine, also where searches see what was written only after a refresh.
@Suite(.ownThreads) struct IngestionEngineTests {
    private static func stored(_ engine: any SearchEngine, _ collection: String, _ embedder: LetterPlaces?) async throws -> [SearchDocument]
    {
        let index = try await engine.index(PassageCollection.definition(name: collection, dimensions: embedder?.dimensions))
        return try await index.search(SearchQuery(limit: 1000)).hits.map(\.document)
    }

    @discardableResult
    private static func ingest(
        _ documents: [IngestionDocument], into collection: String, _ engine: any SearchEngine, _ embedder: LetterPlaces?
    ) async throws -> [IngestionOutcome.Status: Int] {
        var settings = IngestionTests.settings
        settings.concurrent = 1
        let ingestion = Ingestion(search: engine, extractor: LineExtractor(), embedder: embedder, settings: settings)
        return try await ingestion.ingest(documents, into: collection, deletingMissingUnder: ["f/"])
    }

    private static func check(_ engine: any SearchEngine, _ embedder: LetterPlaces?) async throws {
        let (before, after) = (IngestionTests.before, IngestionTests.after)
        try await ingest(after, into: "expected", engine, embedder)
        let expected = try await stored(engine, "expected", embedder)
        #expect(expected.count > 10)
        // Call by call it is done on SQLite; here some of them do.
        for last in stride(from: 3, through: 40, by: 5) {
            let name = "c\(last)"
            #expect(try await ingest(before, into: name, engine, embedder) == [.indexed: before.count])
            do {
                try await ingest(after, into: name, KilledEngine(base: engine, last: last, isBehind: true), embedder)
            } catch is KilledEngine.Killed {}
            try await ingest(after, into: name, engine, embedder)
            let found = try await stored(engine, name, embedder)
            #expect(found == expected, "killed at call \(last)")
            #expect(try await ingest(after, into: name, engine, embedder) == [.unchanged: after.count - 1, .skipped: 1])
            try await engine.drop(name)
        }
    }

    @Test func onTheFake_withVectors() async throws {
        guard let server = try OpenSearchServers.fake() else { return }
        let engine = try OpenSearchServers.engine(OpenSearchServers.client(server.url))
        try await onLoop { try await Self.check(engine, LetterPlaces()) }
    }

    @Test func onOsmem_withoutVectors() async throws {
        guard let server = try OpenSearchServers.osmem() else { return }
        let engine = try OpenSearchServers.engine(OpenSearchServers.client(server.url))
        try await onLoop { try await Self.check(engine, nil) }
    }

    @Test func onSQLite_withVectors() async throws {
        let engine = try SQLiteSearchEngine(path: ":memory:")
        try await Self.check(engine, LetterPlaces())
        await engine.close()
    }
}
