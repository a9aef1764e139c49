import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct OpenSearchClientTests {
    private static let mappings: JSONValue = [
        "dynamic": false, "_meta": ["by": "a test"],
        "properties": [
            "id": ["type": "keyword"], "text": ["type": "text"], "year": ["type": "long"],
            "vector": [
                "type": "knn_vector", "dimension": 2, "method": ["name": "hnsw", "space_type": "cosinesimil", "engine": "faiss"],
            ],
        ],
    ]

    /// A client of a fake of its own, with an index `mills` of four documents.
    private static func run(_ body: @escaping @Sendable (OpenSearchClient, FakeOpenSearch) async throws -> Void) async throws {
        guard try OpenSearchServers.isPython() else { return }
        let server = try FakeOpenSearch()
        let client = OpenSearchServers.client(server.url, clock: OpenSearchServers.clock { _ in })
        try await onLoop {
            try await client.createIndex("mills", mappings: mappings, settings: ["index": ["knn": true]], aliases: ["all"])
            let documents: [OpenSearchBulkOperation] = (1...4).map {
                .index(
                    id: "\($0)", ["id": .string("\($0)"), "text": "wind mill", "year": .integer(1800 + $0), "vector": [1, .integer($0)]])
            }
            #expect(try await client.bulk("mills", documents, refreshes: true).map(\.status) == [201, 201, 201, 201])
            try await body(client, server)
        }
    }

    private static func refused(_ code: String, _ status: Int, _ body: () async throws -> Void) async {
        let error = await #expect(throws: AWSServiceError.self) { try await body() }
        #expect(error?.code == code && error?.status == status && error?.service == "OpenSearch")
    }

    @Test(.timeLimit(.minutes(1))) func everyCall_doesWhatItSays() async throws {
        try await Self.run { client, _ in
            let info = try await client.info()
            #expect(info.distribution == "opensearch" && info.version == "2.19.1" && info.clusterName == "fake" && info.isAtLeast(2, 19))
            #expect(try await client.health()["status"] == "green")
            #expect(try await client.indexExists("mills"))
            #expect(try await !client.indexExists("ovens"))
            #expect(try await client.indexNames() == ["mills"])
            #expect(try await client.indexNames(matching: "o*") == [])
            #expect(try await client.mappings(of: "mills") == ["mills": Self.mappings])
            #expect(
                try await client.mappings(of: "*", filterPath: "*.mappings._meta") == ["mills": ["_meta": ["by": "a test"]]])
            let query: JSONValue = ["range": ["year": ["gte": 1802]]]
            #expect(try await client.count("mills", query: query) == 3)
            let found = try await client.search("all", ["query": query, "sort": [["id": "asc"]], "_source": false])
            #expect(found["hits"]?["hits"]?.array?.map { $0["_id"]?.string } == ["2", "3", "4"])
            let documents = try await client.documents("mills", ids: ["4", "9", "1"])
            #expect(documents.map { $0?["_source"]?["year"]?.integer } == [1804, nil, 1801])
            #expect(try await client.documents("mills", ids: []).isEmpty)
            let deletion = try await client.deleteByQuery("mills", query: query, refreshes: true)
            #expect(deletion.deleted == 3 && deletion.versionConflicts == 0)
            #expect(try await client.count("mills", query: ["match_all": [:]]) == 1)
            try await client.deleteIndex("mills")
            #expect(try await client.indexNames() == [])
        }
    }

    @Test(.timeLimit(.minutes(1))) func refusals_haveOpenSearchsOwnNames() async throws {
        try await Self.run { client, server in
            await Self.refused("resource_already_exists_exception", 400) { try await client.createIndex("mills") }
            await Self.refused("index_not_found_exception", 404) { _ = try await client.search("ovens", [:]) }
            await Self.refused("index_not_found_exception", 404) { _ = try await client.documents("ovens", ids: ["1"]) }
            await Self.refused("index_not_found_exception", 404) { try await client.deleteIndex("ovens") }
            await Self.refused("index_not_found_exception", 404) { try await client.refresh("ovens") }
            await Self.refused("parsing_exception", 400) { _ = try await client.search("mills", ["query": ["nope": [:]]]) }
            await Self.refused("illegal_argument_exception", 400) { _ = try await client.search("mills", ["size": 20_000]) }
            await Self.refused("illegal_argument_exception", 400) { _ = try await client.search("mills", [:], pipeline: "none") }
            try await server.faults(["conflicts": 1])
            await Self.refused("version_conflict_engine_exception", 409) {
                _ = try await client.deleteByQuery("mills", query: ["match_all": [:]], proceedsOnConflict: false)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func storedPipeline_isUsedByItsName() async throws {
        try await Self.run { client, _ in
            let weights: JSONValue = ["combination": ["technique": "arithmetic_mean", "parameters": ["weights": [0.5, 0.5]]]]
            try await client.putSearchPipeline("mean", ["phase_results_processors": [["normalization-processor": weights]]])
            let hybrid: JSONValue = [
                "queries": [["match": ["text": "mill"]], ["knn": ["vector": ["vector": [1, 1], "k": 2]]]], "pagination_depth": 4,
            ]
            let found = try await client.search("mills", ["query": ["hybrid": hybrid]], pipeline: "mean")
            let scores = found["hits"]?["hits"]?.array?.map { $0["_score"]?.double ?? 0 } ?? []
            #expect(scores.count == 4 && abs(scores[0] - 1) < 1e-6 && abs(scores[1] - 0.5005) < 1e-6)
            try await client.deleteSearchPipeline("mean")
        }
    }

    @Test(.timeLimit(.minutes(1))) func bulk_isCut_andResultsAreInTheOrderOfTheChanges() async throws {
        try await Self.run { client, server in
            var client = client
            client.bulkLimits.operations = 2
            let changes: [OpenSearchBulkOperation] = [
                .create(id: "1", [:]), .index(id: "5", ["year": "x"]), .delete(id: "2"), .delete(id: "9"), .index(id: "6", ["year": 1]),
            ]
            let results = try await client.bulk("all", changes, requiresAlias: true)
            #expect(results.map(\.status) == [409, 400, 200, 404, 201] && results.map(\.id) == ["1", "5", "2", "9", "6"])
            #expect(
                results.map { $0.error?.code } == ["version_conflict_engine_exception", "mapper_parsing_exception", nil, nil, nil])
            #expect(try await server.requests(to: "/all/_bulk").count == 3)
            let gone = try await client.bulk("nowhere", [.index(id: "1", [:])], requiresAlias: true)
            #expect(gone.map { $0.error?.code } == ["index_not_found_exception"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func refusedItemsAndRequests_areSentAgain() async throws {
        try await Self.run { client, server in
            let changes = (0..<6).map { OpenSearchBulkOperation.index(id: "n\($0)", ["year": .integer($0)]) }
            try await server.faults(["refuse_items": 4])
            #expect(try await client.bulk("mills", changes).allSatisfy { $0.error == nil })
            try await server.faults([
                "fail": [["path": "_bulk", "status": 429, "times": 2], ["path": "_bulk", "status": 503, "times": 1]]
            ])
            #expect(try await client.bulk("mills", changes).allSatisfy { $0.error == nil && $0.status == 200 })
            try await server.faults(["refuse_items": 1_000])
            let results = try await client.bulk("mills", changes)
            #expect(results.count == 6 && results.allSatisfy { $0.status == 429 && $0.error?.isRetryable == true })
            #expect(try await server.requests(to: "/mills/_bulk").count == 1 + 2 + 4 + 5)
        }
    }

    @Test(.timeLimit(.minutes(1))) func requestThatIsTooLong_isHalvedUntilItFits() async throws {
        try await Self.run { client, server in
            try await server.faults(["max_bytes": 1_000])
            let long = String(repeating: "mill ", count: 60)
            var changes = (0..<8).map { OpenSearchBulkOperation.index(id: "\($0)", ["text": .string(long)]) }
            changes[3] = .index(id: "3", ["text": .string(String(repeating: long, count: 4))])
            let results = try await client.bulk("mills", changes)
            #expect(results.map { $0.error?.status } == [nil, nil, nil, 413, nil, nil, nil, nil])
            #expect(results.map(\.id) == (0..<8).map { "\($0)" })
        }
    }
}
