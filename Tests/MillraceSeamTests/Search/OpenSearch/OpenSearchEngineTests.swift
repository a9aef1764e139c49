import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// What the search seam's suite cannot know: OpenSearch's versions, access, faults and neighbours.
@Suite(.ownThreads) struct OpenSearchEngineTests {
    private static let notes = SearchIndexDefinition(name: "notes", textFields: [.init("body")], vectorDimensions: 2)

    private static func run(
        _ options: [String] = [], _ body: @escaping @Sendable (FakeOpenSearch, OpenSearchEngine) async throws -> Void
    ) async throws {
        guard try OpenSearchServers.isPython() else { return }
        let server = try FakeOpenSearch(options)
        let engine = try OpenSearchServers.engine(
            OpenSearchServers.client(server.url, clock: OpenSearchServers.clock { _ in }))
        try await onLoop { try await body(server, engine) }
    }

    private static func refused(
        _ code: ErrorCode, retryable: Bool = false, _ words: String = "", _ location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        let error = await #expect(throws: MillraceError.self, sourceLocation: location) { try await body() }
        #expect(error?.code == code && error?.isRetryable == retryable, "\(error?.description ?? "")", sourceLocation: location)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: location)
    }

    // MARK: Who answers

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (["--version", "2.18.0"], "opensearch 2.18.0"),
            (["--version", "8.15.0", "--distribution", "elasticsearch"], "elasticsearch 8.15.0"),
        ])
    func anotherProductOrVersion_isSaid(_ options: [String], _ words: String) async throws {
        try await Self.run(options) { _, engine in
            await Self.refused(.configuration, words) { _ = try await engine.index(Self.notes) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func version_isAskedForOnce() async throws {
        try await Self.run { server, engine in
            _ = try await engine.index(Self.notes)
            _ = try await engine.index(Self.notes)
            #expect(try await server.requests(to: "/").count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func nobodyThere_isUnavailableForNow() async throws {
        let port = try Counterpart.freePort()
        let engine = try OpenSearchServers.engine(OpenSearchServers.client("http://127.0.0.1:\(port)"))
        await Self.refused(.storageUnavailable, retryable: true, "nothing listens") { _ = try await engine.index(Self.notes) }
        await Self.refused(.storageUnavailable, retryable: true) { _ = try await engine.names() }
    }

    @Test(.timeLimit(.minutes(1))) func basicAuthentication_isSent_andAWrongPasswordIsSaid() async throws {
        guard try OpenSearchServers.isPython() else { return }
        let server = try FakeOpenSearch(["--auth", "basic", "--user", "mill", "--password", "grün:1"])
        try await onLoop {
            for (password, isRight) in [("grün:1", true), ("other", false)] {
                let client = OpenSearchServers.client(server.url, .openSearch, .basic(user: "mill", password: { password }))
                let engine = try OpenSearchServers.engine(client)
                if isRight {
                    #expect(try await engine.index(Self.notes).count(where: nil) == 0)
                } else {
                    await Self.refused(.storageUnavailable, "check user and password") { _ = try await engine.index(Self.notes) }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func domain_takesSignedRequests_andRefusesThoseOfAnotherService() async throws {
        guard try OpenSearchServers.isPython() else { return }
        let server = try FakeOpenSearch(["--auth", "es"] + FakeOpenSearch.keys)
        try await onLoop {
            let engine = try OpenSearchServers.engine(OpenSearchServers.client(server.url, .openSearch, FakeOpenSearch.signature))
            let index = try await engine.index(Self.notes)
            #expect(try await index.write([.init(id: "ä /?", fields: ["body": "mill"], vector: [1, 0])]) == [])
            try await index.refresh()
            #expect(try await index.search(SearchQuery(text: .match("mill"), vector: [1, 0])).hits.map(\.document.id) == ["ä /?"])
            #expect(try await engine.names() == ["notes"])
            let wrong = try OpenSearchServers.engine(
                OpenSearchServers.client(server.url, .openSearchServerless, FakeOpenSearch.signature))
            await Self.refused(.storageUnavailable, "access policy") { _ = try await wrong.names() }
        }
    }

    @Test(.timeLimit(.minutes(1))) func collection_takesNoVectors_andIsWaitedFor() async throws {
        guard let server = try OpenSearchServers.collection() else { return }
        try await onLoop {
            let waits = Locked<[Duration]>([])
            let engine = try OpenSearchServers.engine(
                OpenSearchServers.client(server.url, .openSearchServerless, FakeOpenSearch.signature),
                clock: OpenSearchServers.clock { wait in waits.withLock { $0.append(wait) } })
            await Self.refused(.invalidInput, "use a domain") { _ = try await engine.index(Self.notes) }
            try await engine.index(.init(name: "words", textFields: [.init("body")])).refresh()
            #expect(waits.withLock { $0 } == [.seconds(30)])
        }
    }

    // MARK: Neighbours

    @Test(.timeLimit(.minutes(1))) func indexOfSomebodyElse_isNeitherUsedNorListedNorDropped() async throws {
        try await Self.run { server, engine in
            let client = OpenSearchServers.client(server.url)
            let name = engine.settings.indexPrefix + "notes"
            try await client.createIndex(name, mappings: ["dynamic": false])
            await Self.refused(.conflict, "did not make") { _ = try await engine.index(Self.notes) }
            #expect(try await engine.names() == [])
            try await engine.drop("notes")
            #expect(try await client.indexExists(name))
            for odd in ["*", "", "_all", "notes,other", "Notes"] { try await engine.drop(odd) }
            #expect(try await client.indexExists(name))
        }
    }

    @Test(.timeLimit(.minutes(1))) func engineOfAnotherPrefix_isApart() async throws {
        try await Self.run { server, engine in
            let other = try OpenSearchServers.engine(OpenSearchServers.client(server.url))
            _ = try await engine.index(Self.notes)
            #expect(try await other.names() == [])
            _ = try await other.index(.init(name: "notes", textFields: []))
            try await engine.drop("notes")
            #expect(try await other.names() == ["notes"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func indexMadeByManyAtOnce_isOne() async throws {
        try await Self.run { _, engine in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await engine.index(Self.notes) } }
                try await group.waitForAll()
            }
            #expect(try await engine.names() == ["notes"])
        }
    }

    // MARK: Words

    @Test(.timeLimit(.minutes(1))) func marksWithinWords_separate_andAccentsAreDropped() async throws {
        try await Self.run { _, engine in
            let definition = SearchIndexDefinition(name: "words", textFields: [.init("body"), .init("name", analysis: .standard)])
            let index = try await engine.index(definition)
            let texts = [
                "marks": "O'Neil's a_b costs 3.14, see x:y/z.w", "greek": "ανεμόμυλος Ώρα", "combined": "cafe\u{301} nai\u{308}ve",
                "ring": "10Å",
            ]
            #expect(
                try await index.write(texts.map { .init(id: $0.key, fields: ["body": .string($0.value), "name": .string($0.value)]) }) == []
            )
            try await index.refresh()
            let found: KeyValuePairs = [
                "neil": ["marks"], "a": ["marks"], "14": ["marks"], "y": ["marks"], "w": ["marks"], "ΑΝΕΜΟΜΥΛΟΣ": ["greek"],
                "ώρα": ["greek"],
                "CAFÉ": ["combined"], "naive": ["combined"], "10å": ["ring"], "oneil": [], "ab": [],
            ]
            for (word, expected) in found {
                for requiresAll in [false, true] {
                    let query = SearchQuery(text: .match(word, fields: ["name": 1], requiresAll: requiresAll))
                    #expect(try await index.search(query).hits.map(\.document.id) == expected, "\(word)")
                }
            }
            // The s of a possessive is no word of English; it is one of the standard analysis.
            #expect(try await index.search(SearchQuery(text: .match("s", fields: ["body": 1]))).total == 0)
            #expect(try await index.search(SearchQuery(text: .match("s", fields: ["name": 1]))).total == 1)
        }
    }

    // MARK: Order

    @Test(.timeLimit(.minutes(1))) func equalScores_areInTheOrderOfTheIDs_onEveryPage() async throws {
        try await Self.run { _, engine in
            let index = try await engine.index(Self.notes)
            let ids = ["d", "b", "é", "a", "c"]
            #expect(try await index.write(ids.map { .init(id: $0, fields: ["body": "mill"], vector: [1, 1]) }) == [])
            try await index.refresh()
            let queries = [
                SearchQuery(), SearchQuery(text: .match("mill")), SearchQuery(vector: [1, 0]),
                SearchQuery(text: .match("mill"), vector: [1, 0]),
            ]
            for var query in queries {
                query.limit = 2
                for (offset, expected) in [(0, ["a", "b"]), (1, ["b", "c"]), (3, ["d", "é"]), (4, ["é"]), (5, [])] {
                    query.offset = offset
                    let results = try await index.search(query)
                    #expect(results.hits.map(\.document.id) == expected && results.total == 5)
                }
            }
        }
    }

    // MARK: Faults

    @Test(.timeLimit(.minutes(1))) func refusedDocuments_areWrittenInTheEnd_orReported() async throws {
        try await Self.run { server, engine in
            let index = try await engine.index(Self.notes)
            let documents = (0..<5).map { SearchDocument(id: "\($0)", fields: ["body": "mill"]) }
            try await server.faults(["refuse_items": 7])
            #expect(try await index.write(documents) == [])
            try await server.faults(["refuse_items": 1_000])
            let failures = try await index.write(documents)
            #expect(failures.map(\.id) == documents.map(\.id) && failures.allSatisfy(\.isRetryable))
            await Self.refused(.storageUnavailable, retryable: true) { try await index.delete(ids: ["1"]) }
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (503, "fault", "as asked for", ErrorCode.storageUnavailable, true), (500, "fault", "", .storageUnavailable, true),
            (0, "", "", .storageUnavailable, true), (413, "fault", "", .limitExceeded, false), (400, "fault", "", .invalidInput, false),
            (403, "cluster_block_exception", "disk usage exceeded flood-stage watermark", .storageFull, false),
            (403, "security_exception", "no permissions", .storageUnavailable, false),
        ] as [(Int, String, String, ErrorCode, Bool)])
    func faults_haveTheSeamsNames(
        _ status: Int, _ type: String, _ reason: String, _ code: ErrorCode, _ isRetryable: Bool
    ) async throws {
        try await Self.run { server, engine in
            let index = try await engine.index(Self.notes)
            // A connection that was kept and is cut gets a second attempt of libcurl's.
            let times: JSONValue = status == 0 ? 2 : 1
            try await server.faults([
                "fail": [["path": "_search", "status": .integer(status), "times": times, "type": .string(type), "reason": .string(reason)]]
            ])
            await Self.refused(code, retryable: isRetryable) { _ = try await index.search(SearchQuery()) }
            #expect(try await index.search(SearchQuery()).total == 0)
        }
    }

    @Test(.timeLimit(.minutes(1))) func searchOfAPart_isNotTakenForTheWhole() async throws {
        try await Self.run { server, engine in
            let index = try await engine.index(Self.notes)
            try await server.faults(["failed_shards": 1])
            await Self.refused(.storageUnavailable, retryable: true, "only a part") { _ = try await index.search(SearchQuery()) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func documentsThatChangeWhileTheyAreDeleted_areLookedAtAgain() async throws {
        try await Self.run { server, engine in
            let index = try await engine.index(Self.notes)
            #expect(try await index.write((0..<6).map { .init(id: "\($0)", fields: ["body": "mill"]) }) == [])
            try await server.faults(["conflicts": 4])
            // Searches have not seen the documents yet: they are deleted all the same.
            #expect(try await index.delete(where: .ids(["0", "1", "2", "3", "4"])) == 5)
            #expect(try await index.count(where: nil) == 1)
            try await server.faults(["conflicts": 1_000])
            await Self.refused(.storageUnavailable, retryable: true) { try await index.delete(where: .all([])) }
        }
    }

    // MARK: Settings

    @Test(.timeLimit(.minutes(1)), arguments: OpenSearchEngineSettings.VectorEngine.allCases)
    func layout_isAsTheSettingsSay(_ vectorEngine: OpenSearchEngineSettings.VectorEngine) async throws {
        guard let server = try OpenSearchServers.fake() else { return }
        try await onLoop {
            var settings = OpenSearchServers.settings()
            (settings.shards, settings.replicas, settings.vectorEngine) = (3, 2, vectorEngine)
            let client = OpenSearchServers.client(server.url)
            _ = try await OpenSearchEngine(client, settings: settings).index(Self.notes)
            let name = settings.indexPrefix + "notes"
            let vector = try await client.mappings(of: name)[name]?["properties"]?["vector"]
            #expect(vector?["method"]?["engine"]?.string == vectorEngine.rawValue && vector?["dimension"] == 2)
        }
    }

    @Test func settingsThatMakeNoSense_areNamed() throws {
        let client = OpenSearchServers.client("http://127.0.0.1:9200")
        let broken: [(String, (inout OpenSearchEngineSettings) -> Void)] = [
            ("indexPrefix", { $0.indexPrefix = "Mill" }), ("indexPrefix", { $0.indexPrefix = "-a" }), ("shards", { $0.shards = 0 }),
            ("replicas", { $0.replicas = -1 }), ("graphDegree", { $0.graphDegree = 1 }), ("graphCandidates", { $0.graphCandidates = 0 }),
            ("serverlessRefreshWait", { $0.serverlessRefreshWait = .seconds(-1) }),
        ]
        for (name, change) in broken {
            var settings = OpenSearchEngineSettings()
            change(&settings)
            let error = #expect(throws: MillraceError.self) { try OpenSearchEngine(client, settings: settings) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true)
        }
    }
}
