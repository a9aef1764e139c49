import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct RetrieverTests {
    private func places(_ results: RetrievalResults) -> [String] {
        results.sources.flatMap { source in source.passages.map { PassageCollection.id($0.documentID, $0.place) } }
    }

    @Test func keywordQueries_areMerged_andNeighboursJoined() async throws {
        let collection = try await TestCollection()
        let retriever = Retriever(search: collection.engine, collection: collection.name)
        let results = try await retriever.retrieve(
            RetrievalRequest(keywordQueries: ["battery X100", "warranty"], mode: .keyword, passagesPerDocument: nil))
        #expect(results.mode == .keyword && results.notices.isEmpty && !results.isCollectionEmpty)
        #expect(Set(places(results)) == ["doc_x100#0", "doc_x100#1", "doc_x100#2", "doc_z7#0"])
        #expect(results.sources[0].passages.map(\.place) == [0, 1, 2])
        #expect(results.sources[0].passages[1].position == DocumentPosition(page: 7, section: ["Service", "Warranty"]))
        #expect(results.sources.map(\.number) == [1, 2] && results.sources[0].score > results.sources[1].score)
    }

    @Test func filtersAndLimits_hold() async throws {
        let collection = try await TestCollection()
        let retriever = Retriever(search: collection.engine, collection: collection.name)
        func find(_ change: (inout RetrievalRequest) -> Void) async throws -> [String] {
            var request = RetrievalRequest(keywordQueries: ["warranty"], mode: .keyword)
            change(&request)
            return places(try await retriever.retrieve(request))
        }
        #expect(try await find { $0.metadata = ["product": "z7"] } == ["doc_z7#0"])
        #expect(try await find { $0.metadata = ["product": "y"] }.isEmpty)
        #expect(try await find { $0.sources = ["manuals/z7.pdf", "other"] } == ["doc_z7#0"])
        #expect(try await find { $0.filter = .range("page", from: 8, through: nil) } == ["doc_x100#2"])
        #expect(try await find { $0.limit = 1 }.count == 1)
        #expect(try await find { $0.passagesPerDocument = 1 }.count == 2)
        #expect(try await find { $0.keywordQueries = ["nonsense"] }.isEmpty)
        for change in [{ $0.limit = 0 }, { $0.passagesPerDocument = 0 }, { $0.keywordQueries = [" \n"] }]
            as [(inout RetrievalRequest) -> Void]
        {
            await #expect { _ = try await find(change) } throws: { ($0 as? MillraceError)?.code == .invalidInput }
        }
    }

    @Test(arguments: [RetrievalRequest.Mode.semantic, .hybrid], [true, false])
    func embedder_isAskedOnce_andItsUsageReported(mode: RetrievalRequest.Mode, byRank: Bool) async throws {
        let embedder = LocalEmbedder()
        let collection = try await TestCollection(embedder: embedder)
        let retriever = Retriever(search: collection.engine, collection: collection.name, embedder: embedder)
        var request = RetrievalRequest(
            keywordQueries: ["battery warranty"], semanticQuery: "warranty of the battery of the X100", mode: mode)
        if !byRank { request.fusion = .normalized(textWeight: 0.5, vectorWeight: 0.5) }
        var reports = 0
        let results = try await retriever.retrieve(request) { _ in reports += 1 }
        #expect(results.mode == mode && results.notices.isEmpty && reports == 1)
        #expect(results.sources[0].passages.contains { $0.place == 2 && $0.documentID == "doc_x100" })
        // Above the greatest similarity there is nothing by meaning.
        request.mode = .semantic
        request.minimumSimilarity = 1
        #expect(try await retriever.retrieve(request).sources.isEmpty)
    }

    @Test(arguments: [256, nil]) func brokenEmbedder_leavesTheWords(dimensions: Int?) async throws {
        let collection = try await TestCollection()
        let retriever = Retriever(
            search: collection.engine, collection: collection.name, embedder: BrokenEmbedder(dimensions: dimensions))
        let results = try await retriever.retrieve(RetrievalRequest(keywordQueries: ["battery"]))
        #expect(results.mode == .keyword && results.notices.map(\.reason) == [.embedderFailed])
        #expect(results.notices[0].message.contains("the connection was refused"))
        #expect(places(results) == ["doc_x100#2"])
    }

    @Test func collectionWithVectors_withABrokenEmbedder_isSearchedByWords() async throws {
        let embedder = LocalEmbedder()
        let collection = try await TestCollection(embedder: embedder)
        let known = Retriever(
            search: collection.engine, collection: collection.name, embedder: BrokenEmbedder(dimensions: embedder.dimensions))
        #expect(places(try await known.retrieve(RetrievalRequest(keywordQueries: ["battery"]))) == ["doc_x100#2"])
        let unknown = Retriever(search: collection.engine, collection: collection.name, embedder: BrokenEmbedder())
        let results = try await unknown.retrieve(RetrievalRequest(keywordQueries: ["battery"]))
        #expect(results.mode == .keyword && results.notices.map(\.reason) == [.embedderFailed])
        #expect(places(results) == ["doc_x100#2"])
    }

    @Test func collectionOfAnotherEmbedder_isSearchedByWords_andSaysSo() async throws {
        let collection = try await TestCollection(embedder: LocalEmbedder())
        let other = Retriever(search: collection.engine, collection: collection.name, embedder: ConstantEmbedder(vector: [1, 0, 0]))
        for mode in [RetrievalRequest.Mode.hybrid, .semantic] {
            let results = try await other.retrieve(RetrievalRequest(keywordQueries: ["battery"], mode: mode))
            #expect(results.mode == .keyword && results.notices.map(\.reason) == [.otherEmbedder])
            #expect(results.notices[0].message.contains("it has vectors of 384 numbers, and search.embedder gives 3"))
            #expect(places(results) == ["doc_x100#2"])
        }
        #expect(try await other.retrieve(RetrievalRequest(keywordQueries: ["battery"], mode: .keyword)).notices.isEmpty)
        let without = Retriever(search: collection.engine, collection: collection.name)
        #expect(try await without.retrieve(RetrievalRequest(keywordQueries: ["battery"])).notices.map(\.reason) == [.noEmbedder])
    }

    @Test func indexThatIsNoCollection_isRefused() async throws {
        let collection = try await TestCollection()
        _ = try await collection.engine.index(SearchIndexDefinition(name: "notes", textFields: [.init("body")]))
        let retriever = Retriever(search: collection.engine, collection: "notes")
        await #expect { try await retriever.retrieve(RetrievalRequest(keywordQueries: ["battery"])) } throws: { error in
            (error as? MillraceError)?.code == .conflict
        }
    }

    @Test func collectionWithoutVectors_saysSo() async throws {
        let collection = try await TestCollection()
        let retriever = Retriever(search: collection.engine, collection: collection.name, embedder: LocalEmbedder())
        let results = try await retriever.retrieve(RetrievalRequest(keywordQueries: ["battery"]))
        #expect(results.mode == .keyword && results.notices.map(\.reason) == [.noVectors])
        let bare = Retriever(search: collection.engine, collection: collection.name)
        #expect(try await bare.retrieve(RetrievalRequest(keywordQueries: ["battery"])).notices.isEmpty)
        let semantic = try await bare.retrieve(RetrievalRequest(keywordQueries: ["battery"], mode: .semantic))
        #expect(semantic.mode == .keyword && semantic.notices.map(\.reason) == [.noEmbedder] && !semantic.sources.isEmpty)
    }

    @Test func missingAndEmptyCollections_areToldApart_andNothingIsMade() async throws {
        let collection = try await TestCollection([])
        let empty = Retriever(search: collection.engine, collection: collection.name)
        let results = try await empty.retrieve(RetrievalRequest(keywordQueries: ["battery"]))
        #expect(results.isCollectionEmpty && results.sources.isEmpty)
        let missing = Retriever(search: collection.engine, collection: "manuals")
        await #expect { try await missing.retrieve(RetrievalRequest(keywordQueries: ["battery"])) } throws: { error in
            let error = error as? MillraceError
            return error?.code == .notFound && error?.message.contains("millrace ingest PATH --index manuals") == true
        }
        #expect(try await collection.engine.names() == [collection.name])
    }

    /// An index of another layout, such as that of uploaded files, gives nothing away.
    @Test func indexOfAnotherLayout_isRefused() async throws {
        let engine = try SQLiteSearchEngine(path: ":memory:")
        _ = try await engine.index(SearchIndexDefinition(name: "content-words", textFields: [.init("text")]))
        let retriever = Retriever(search: engine, collection: "content-words")
        await #expect { try await retriever.retrieve(RetrievalRequest(keywordQueries: ["x"])) } throws: {
            ($0 as? MillraceError)?.code == .conflict
        }
    }
}
