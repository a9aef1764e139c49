import Millrace
import MillraceCore
import MillraceCounterparts
import MillraceDatabase
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct SQLiteSearchEngineTests {
    static let definition = SearchIndexDefinition(
        name: "notes", textFields: [.init("title", analysis: .standard, boost: 2), .init("body")],
        filterFields: ["owner": .keyword, "year": .integer], vectorDimensions: 3)

    static func note(_ id: Int, _ body: String = "mill") -> SearchDocument {
        SearchDocument(
            id: "\(id)", fields: ["body": .string(body), "owner": .string("o\(id % 3)"), "year": .integer(id)],
            vector: [1, Float(id), Float(id * id % 7) - 3])
    }

    /// What an engine answers, to compare it with another's.
    static func answers(_ engine: SQLiteSearchEngine) async throws -> [SearchResults] {
        let index = try await engine.index(definition)
        let queries = [
            SearchQuery(limit: 100, includesVectors: true), SearchQuery(text: .match("mill stone"), limit: 100),
            SearchQuery(vector: [1, 2, 3], limit: 100),
            SearchQuery(vector: [-1, 0.5, 0], filter: .equals("owner", "o1"), limit: 5, offset: 2),
            SearchQuery(text: .match("mill"), vector: [0, 1, 0], filter: .range("year", from: 3, through: 30), limit: 7),
        ]
        var results: [SearchResults] = []
        for query in queries { results.append(try await index.search(query)) }
        return results
    }

    @Test func ranking_isThatOfPlainBM25_underChanges() async throws {
        let definition = SearchIndexDefinition(
            name: "oracle", textFields: [.init("title", analysis: .standard, boost: 2.5), .init("body", analysis: .standard)])
        let engine = try SQLiteSearchEngine(path: ":memory:")
        let index = try await engine.index(definition)
        var oracle = SearchOracle(fields: definition.textFields)
        var random = LinearRandom(state: 42)
        // Few frequent words and many rare ones.
        let vocabulary = (0..<60).flatMap { word in Array(repeating: "w\(word)", count: 60 / (word + 1)) }
        for round in 0..<6 {
            var batch: [SearchDocument] = []
            for _ in 0..<40 {
                let text = { (most: Int) in
                    (0..<Int.random(in: 0...most, using: &random)).compactMap { _ in vocabulary.randomElement(using: &random) }
                        .joined(separator: " ")
                }
                let id = "d\(Int.random(in: 0..<100, using: &random))"
                batch.append(SearchDocument(id: id, fields: ["title": .string(text(6)), "body": .string(text(40))]))
            }
            #expect(try await index.write(batch) == [])
            for document in batch { oracle.put(document) }
            let gone = (0..<5).map { _ in "d\(Int.random(in: 0..<100, using: &random))" }
            try await index.delete(ids: gone)
            for id in gone { oracle.documents[id] = nil }
            #expect(try await index.count(where: nil) == oracle.documents.count)
            for words in [["w0"], ["w1", "w7"], ["w30", "w2", "w59"], ["w5", "w50", "w12", "w0"]] {
                let expected = oracle.scores(words)
                let hits = try await index.search(SearchQuery(text: .match(words.joined(separator: " ")), limit: 1000)).hits
                #expect(Set(hits.map(\.document.id)) == Set(expected.keys), "round \(round)")
                for hit in hits { SearchConformance.expect(hit.score, near: expected[hit.document.id] ?? .nan, within: 1e-9) }
                #expect(zip(hits, hits.dropFirst()).allSatisfy { $0.score >= $1.score })
            }
        }
        await engine.close()
    }

    @Test func vectorsOnDisk_areComparedAsThoseInMemory_alsoUnderChanges() async throws {
        var engines: [SQLiteSearchEngine] = []
        // All in memory; none; and with room for the first documents only.
        for bytes in [1 << 20, 0, 60 * 20 + 10] {
            var configuration = SQLiteSearchEngine.Configuration()
            configuration.vectorMemoryBytes = bytes
            engines.append(try SQLiteSearchEngine(path: ":memory:", configuration: configuration))
        }
        for round in 0..<5 {
            var results: [[SearchResults]] = []
            for engine in engines {
                let index = try await engine.index(Self.definition)
                #expect(try await index.write((0..<40).map { Self.note($0 + round * 17, "mill \(round)") }) == [])
                try await index.delete(where: .among("year", [.integer(round * 20), .integer(round * 20 + 3)]))
                if round == 3 { try await index.delete(where: .all([])) }
                results.append(try await Self.answers(engine))
            }
            #expect(results[0] == results[1] && results[0] == results[2])
            #expect(results[0][2].total == (round == 3 ? 0 : min(results[0][0].total, 100)))
        }
        for engine in engines { await engine.close() }
    }

    @Test(arguments: SearchConformance.cases.filter { $0.topic == .vectors || $0.topic == .hybrid })
    func engineWithoutVectorsInMemory_conforms(_ conformance: SearchConformanceCase) async throws {
        var configuration = SQLiteSearchEngine.Configuration()
        configuration.vectorMemoryBytes = 0
        let engine = try SQLiteSearchEngine(path: ":memory:", configuration: configuration)
        try await conformance.run(engine)
        await engine.close()
    }

    @Test func droppedWhileItIsSearched_endsWithNotFound() async throws {
        let engine = try SQLiteSearchEngine(path: ":memory:")
        for _ in 0..<5 {
            let index = try await engine.index(Self.definition)
            #expect(try await index.write((0..<200).map { Self.note($0) }) == [])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        while true {
                            do {
                                let results = try await index.search(SearchQuery(text: .match("mill"), vector: [1, 1, 1], limit: 50))
                                #expect(results.hits.count == 50 && (100...200).contains(results.total))
                            } catch let error as MillraceError {
                                #expect(error.code == .notFound)
                                return
                            }
                        }
                    }
                }
                group.addTask { try await engine.drop("notes") }
                try await group.waitForAll()
            }
        }
        #expect(try await engine.names() == [])
        await engine.close()
    }

    @Test func searchesByMeaningBesideWrites_giveWholePages() async throws {
        let engine = try SQLiteSearchEngine(path: ":memory:")
        let index = try await engine.index(Self.definition)
        #expect(try await index.write((0..<100).map { Self.note($0) }) == [])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 1...30 {
                    // The same ids go and come, in one write each.
                    try await index.delete(where: .range("year", from: 50, through: nil))
                    #expect(try await index.write((50..<100).map { Self.note($0, "round \(round)") }) == [])
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<60 {
                        let hits = try await index.search(SearchQuery(vector: [1, 1, 1], limit: 40)).hits
                        #expect(hits.count == 40 && Set(hits.map(\.document.id)).count == 40)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await index.search(SearchQuery(vector: [1, 1, 1], limit: 1000)).total == 100)
        await engine.close()
    }

    @Test func cancelledScan_endsAtItsNextBlock() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let engine = try SQLiteSearchEngine(path: path)
        let index = try await engine.index(Self.definition)
        for batch in 0..<5 { #expect(try await index.write((0..<1000).map { Self.note(batch * 1000 + $0) }) == []) }
        let session = try SQLiteSession(.open(path: path, access: .readOnly))
        let tables = SQLiteSearchTables(number: 1, Self.definition)
        let cancellation = SearchCancellation()
        let reading = SQLiteSearchReading(session: session, definition: Self.definition, tables: tables, cancellation: cancellation)
        let plan = try reading.plan(.match("mill"))
        let caches = [0, 1 << 20].map { VectorCache(dimensions: 3, memory: VectorMemory(limit: $0)) }
        cancellation.cancel()
        #expect { _ = try reading.rows(plan, nil, limit: 10) } throws: { ($0 as? MillraceError)?.code == .cancelled }
        for cache in caches {
            #expect { _ = try reading.rows([1, 2, 3], nil, limit: 10, cache) } throws: { ($0 as? MillraceError)?.code == .cancelled }
            #expect(cache.snapshot == nil)
        }
        #expect { _ = try reading.rows(.exists("year")) } throws: { ($0 as? MillraceError)?.code == .cancelled }
        // Nothing is left behind that would spoil the next search.
        let next = SQLiteSearchReading(session: session, definition: Self.definition, tables: tables, cancellation: SearchCancellation())
        #expect(try next.rows(plan, nil, limit: 10).total == 5000)
        for cache in caches { #expect(try next.rows([1, 2, 3], nil, limit: 10, cache).compared == 5000) }
        #expect(caches[0].snapshot == nil && caches[1].snapshot?.matrix.count == 5000)
        await engine.close()
    }

    @Test func vectorsNewerOrOlderThanTheTransaction_giveRowsThatAreThere() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let engine = try SQLiteSearchEngine(path: path)
        let index = try await engine.index(Self.definition)
        #expect(try await index.write((0..<10).map { Self.note($0) }) == [])
        let session = try SQLiteSession(.open(path: path, access: .readOnly))
        let reading = SQLiteSearchReading(
            session: session, definition: Self.definition, tables: SQLiteSearchTables(number: 1, Self.definition),
            cancellation: SearchCancellation())
        let cache = VectorCache(dimensions: 3, memory: VectorMemory(limit: 1 << 20))
        let before = try reading.rows([1, 1, 1], nil, limit: 5, cache).best
        // A commit that this transaction does not see: nearer vectors in rows that are not there.
        let nearer = (100..<110).map { VectorChanges.Change(row: $0, vector: UnitVector([1, 1, 1]).values) }
        cache.apply(VectorChanges(generation: 2, changes: nearer))
        #expect(try reading.rows([1, 1, 1], nil, limit: 5, cache).best == before)
        #expect(try reading.rows([1, 1, 1], RowSet([before[1].row, 105]), limit: 5, cache).best == [before[1]])
        // One that it sees, and that is not in memory yet.
        try await index.delete(ids: ["3", "4", "5", "6", "7"])
        try await index.delete(ids: ["8"])
        let left = try reading.rows([1, 1, 1], nil, limit: 5, cache).best
        for entry in left { #expect(try reading.document(entry.row, includesVector: false) != nil) }
        #expect(left.count == 4)
        await engine.close()
    }

    @Test func manyIndexesThatComeAndGo_workOn() async throws {
        let engine = try SQLiteSearchEngine(path: ":memory:")
        for round in 0..<60 {
            let index = try await engine.index(Self.definition)
            #expect(try await index.write([Self.note(round)]) == [])
            #expect(try await index.search(SearchQuery(text: .match("mill"), vector: [1, 0, 0])).hits.map(\.document.id) == ["\(round)"])
            try await engine.drop("notes")
        }
        await engine.close()
    }

    @Test func fullTextTable_isConsistentAfterChanges() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let engine = try SQLiteSearchEngine(path: path)
        let index = try await engine.index(Self.definition)
        for round in 0..<10 {
            #expect(try await index.write((0..<30).map { Self.note($0 * round % 41, "The mill's stones \(round) ünd “more” \($0)") }) == [])
            try await index.delete(ids: ["\(round)", "\(round * 2)"])
        }
        // One by one, which takes each term out again; all at once would empty the table.
        for id in try await index.search(SearchQuery(limit: 1000)).hits.map(\.document.id) { try await index.delete(ids: [id]) }
        await engine.close()
        let session = try SQLiteSession(.open(path: path, access: .readWrite))
        try session.connection.execute("INSERT INTO words_1 (words_1) VALUES ('integrity-check')")
        try session.connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab('words_1', 'row')")
        for table in ["documents_1", "values_1", "vectors_1", "words_1_docsize", "terms"] {
            #expect(try session.first("SELECT count(*) FROM \(table)") { $0.int(0) } == 0)
        }
        #expect(try session.first("SELECT vector_count FROM indexes") { $0.int(0) } == 0)
        #expect(try session.first("PRAGMA integrity_check") { $0.text(0) } == "ok")
    }
}

/// The same numbers in each run (Knuth's MMIX generator).
private struct LinearRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 31)
    }
}
