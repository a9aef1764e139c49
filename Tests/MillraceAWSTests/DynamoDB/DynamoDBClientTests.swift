import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

/// Our client against moto's DynamoDB; each test has a table of its own.
@Suite(.ownThreads) struct DynamoDBClientTests {
    /// Runs `body` with a table whose key is the text `id` and the number `at`.
    private func withTable(_ body: @escaping @Sendable (DynamoDBClient, String) async throws -> Void) async throws {
        guard let client = try await DynamoDBServer.client() else { return }
        let name = "table-\(UInt64.random(in: 0...UInt64.max))"
        try await onLoop {
            var definition = DynamoDBTableDefinition(name, partitionKey: .init("id"), sortKey: .init("at", .number))
            definition.indexes = [.init("by-colour", partitionKey: .init("colour"), sortKey: .init("at", .number))]
            try await client.createTable(definition)
            try await client.waitUntilActive(name)
            try await body(client, name)
            try await client.deleteTable(name)
        }
    }

    private static func key(_ id: String, _ at: Int) -> DynamoDBItem { ["id": .string(id), "at": .number(at)] }

    @Test func everyKindOfValue_comesBackExactly() async throws {
        try await withTable { client, table async throws in
            var item = Self.key("a", 1)
            item["text"] = "é😀 \"\\\n"
            item["empty"] = ""
            item["digits"] = .number("12345678901234567890123456789012345678")
            item["small"] = .number("-1.5")
            item["bytes"] = .binary([0, 255, 1])
            item["flag"] = true
            item["nothing"] = .null
            item["map"] = ["list": ["x", 2, .null, false, .binary([])], "map": [:]]
            item["strings"] = .stringSet(["b", "a"])
            item["numbers"] = .numberSet(["1", "2.5", "-12345678901234567890123456789012345678"])
            item["binaries"] = .binarySet([[1], [2, 3]])
            try await client.putItem(item, in: table)
            let found = try await client.getItem(Self.key("a", 1), in: table, isConsistent: true)
            #expect(found == item)
            #expect(found?["map"]?["list"]?[1]?.integer == 2)
            #expect(try await client.getItem(Self.key("none", 1), in: table) == nil)
            let part = try await client.getItem(
                Self.key("a", 1), in: table, projection: DynamoDBExpression("#t, small", names: ["#t": "text"]))
            #expect(part == ["text": "é😀 \"\\\n", "small": .number("-1.5")])
        }
    }

    @Test func conditionThatDoesNotHold_isATypedErrorWithTheItem() async throws {
        try await withTable { client, table async throws in
            var item = Self.key("a", 1)
            item["version"] = 1
            #expect(try await client.putItem(item, in: table, if: "attribute_not_exists(id)", returning: .allOld) == nil)
            let stale = DynamoDBExpression("version = :seen", values: [":seen": 7])
            let bare = try await #require(throws: DynamoDBConditionalCheckFailed.self) {
                try await client.putItem(item, in: table, if: "attribute_not_exists(id)")
            }
            #expect(bare.item == nil)
            let update = DynamoDBExpression("SET version = :new", values: [":new": 8])
            for attempt in 0..<3 {
                let error = try await #require(throws: DynamoDBConditionalCheckFailed.self) {
                    switch attempt {
                    case 0: try await client.putItem(item, in: table, if: stale, returnsItemOnFailure: true)
                    case 1: try await client.updateItem(Self.key("a", 1), in: table, update, if: stale, returnsItemOnFailure: true)
                    default: try await client.deleteItem(Self.key("a", 1), in: table, if: stale, returnsItemOnFailure: true)
                    }
                }
                #expect(error.item == item)
            }
            #expect(try await client.getItem(Self.key("a", 1), in: table) == item)
        }
    }

    @Test func update_returnsWhatWasAskedFor() async throws {
        try await withTable { client, table async throws in
            let add = DynamoDBExpression("SET #n = :n ADD hits :one", names: ["#n": "name"], values: [":n": "x", ":one": 1])
            let key = Self.key("a", 1)
            #expect(try await client.updateItem(key, in: table, add) == nil)
            #expect(try await client.updateItem(key, in: table, add, returning: .updatedNew)?["hits"] == 2)
            #expect(try await client.updateItem(key, in: table, add, returning: .allOld)?["hits"]?.integer == 2)
            #expect(try await client.updateItem(key, in: table, add, returning: .allNew)?["hits"]?.integer == 4)
            let holds = DynamoDBExpression("hits = :four", values: [":four": 4])
            #expect(try await client.deleteItem(key, in: table, if: holds, returning: .allOld)?["name"] == "x")
            #expect(try await client.deleteItem(key, in: table, returning: .allOld) == nil)
        }
    }

    @Test func queryOverAMegabyte_isReadInPagesAsTheyAreAskedFor() async throws {
        try await withTable { client, table async throws in
            let big = String(repeating: "x", count: 200_000)
            let writes = (1...12).map { at in
                DynamoDBBatchWrite.put(Self.key("a", at).merging(["big": .string(big)]) { $1 }, in: table)
            }
            #expect(try await client.batchWriteItem(writes) == [])
            var query = DynamoDBQuery(
                table, where: DynamoDBExpression("id = :id AND #at > :from", names: ["#at": "at"], values: [":id": "a", ":from": 2]))
            var sizes: [Int] = []
            for try await page in client.pages(of: query) {
                sizes.append(page.items.count)
                try #require(sizes.count < 20)
            }
            #expect(sizes.count >= 2)
            #expect(sizes.reduce(0, +) == 10)
            query.isAscending = false
            query.projection = DynamoDBExpression("#at", names: ["#at": "at"])
            query.pageLimit = 3
            #expect(try await client.pages(of: query).items(atMost: 7).map { $0["at"]?.integer } == [12, 11, 10, 9, 8, 7, 6])
            query.filter = DynamoDBExpression("#at < :six", names: ["#at": "at"], values: [":six": 6])
            let page = try await client.page(of: query)
            #expect(page.items.isEmpty && page.scannedCount == 3 && page.lastKey?["at"]?.integer == 10)
            #expect(try await client.pages(of: query).items(atMost: 100).map { $0["at"]?.integer } == [5, 4, 3])
            query.filter = nil
            query.projection = nil
            query.pageLimit = nil
            query.countsOnly = true
            var count = 0
            for try await page in client.pages(of: query) {
                count += page.count
                try #require(count < 50)
            }
            #expect(count == 10)
        }
    }

    @Test func scanInSegmentsAndQueryOfAnIndex_findAllItems() async throws {
        try await withTable { client, table async throws in
            for at in 1...20 {
                let colour: DynamoDBValue = at % 2 == 0 ? "red" : "blue"
                try await client.putItem(Self.key("id\(at)", at).merging(["colour": colour]) { $1 }, in: table)
            }
            var found: [Int] = []
            for number in 0..<3 {
                var scan = DynamoDBScan(table)
                scan.segment = .init(number, of: 3)
                scan.pageLimit = 4
                found += try await client.pages(of: scan).items(atMost: 100).compactMap { $0["at"]?.integer }
            }
            #expect(found.sorted() == Array(1...20))
            let red = DynamoDBQuery(table, index: "by-colour", where: DynamoDBExpression("colour = :c", values: [":c": "red"]))
            #expect(try await client.pages(of: red).items(atMost: 3).map { $0["at"]?.integer } == [2, 4, 6])
            let filtered = DynamoDBScan(table, filter: DynamoDBExpression("#a >= :a", names: ["#a": "at"], values: [":a": 19]))
            #expect(try await client.pages(of: filtered).items(atMost: 50).count == 2)
        }
    }

    @Test func batchesOfMoreThanACallTakes_areDoneInParts() async throws {
        try await withTable { client, table async throws in
            let items = (1...130).map { Self.key("a", $0) }
            #expect(try await client.batchWriteItem(items.map { .put($0, in: table) }) == [])
            #expect(try await client.batchWriteItem(items.prefix(10).map { .delete($0, in: table) }) == [])
            let result = try await client.batchGetItem([DynamoDBBatchRead(table, keys: items, isConsistent: true)])
            #expect(result.unprocessed.isEmpty)
            #expect(Set(result.items[table] ?? []) == Set(items.dropFirst(10)))
        }
    }

    @Test func transaction_isDoneWholeOrNotAtAll() async throws {
        try await withTable { client, table async throws in
            let one = Self.key("t", 1)
            let two = Self.key("t", 2)
            let three = Self.key("t", 3)
            try await client.transactWriteItems([.put(one, in: table), .put(two, in: table, if: "attribute_not_exists(id)")])
            #expect(
                try await client.transactGetItems([.init(one, in: table), .init(three, in: table), .init(two, in: table)]) == [
                    one, nil, two,
                ])
            let error = try await #require(throws: DynamoDBTransactionCancelled.self) {
                try await client.transactWriteItems([
                    .put(three, in: table), .delete(one, in: table),
                    .check(two, in: table, if: "attribute_not_exists(id)").returningItemOnFailure(),
                ])
            }
            #expect(error.reasons.map(\.code) == [nil, nil, "ConditionalCheckFailed"])
            #expect(error.reasons[2].item == two)
            #expect(!error.isRetryable)
            #expect(try await client.transactGetItems([.init(one, in: table), .init(three, in: table)]) == [one, nil])
            try await client.transactWriteItems([
                .update(one, in: table, DynamoDBExpression("SET a = :a", values: [":a": 1]), if: "attribute_exists(id)"),
                .delete(two, in: table), .check(three, in: table, if: "attribute_not_exists(id)"),
            ])
            #expect(
                try await client.transactGetItems([.init(one, in: table), .init(two, in: table)]).map { $0?["a"]?.integer } == [1, nil])
        }
    }

    @Test func timeToLive_isSetAndEnded() async throws {
        try await withTable { client, table async throws in
            #expect(try await client.timeToLiveAttribute(table) == nil)
            try await client.updateTimeToLive(table, attribute: "until")
            #expect(try await client.timeToLiveAttribute(table) == "until")
            try await client.updateTimeToLive(table, attribute: "until", isEnabled: false)
            #expect(try await client.timeToLiveAttribute(table) == nil)
        }
    }

    @Test func table_isDescribedAndMissingOnesAreSaid() async throws {
        try await withTable { client, table async throws in
            let description = try await client.describeTable(table)
            #expect(description.isActive && description.keyNames == ["id", "at"] && description.indexStatus.keys.sorted() == ["by-colour"])
            #expect(description.arn.hasSuffix(table))
            var other = DynamoDBTableDefinition(table + "-other", partitionKey: .init("k", .binary))
            other.capacity = .provisioned(reads: 1, writes: 2)
            #expect(try await client.createTable(other).keyNames == ["k"])
            try await client.deleteTable(other.name)
            for call in [
                { _ = try await client.describeTable("none") }, { _ = try await client.getItem(Self.key("a", 1), in: "none") },
                { try await client.createTable(DynamoDBTableDefinition(table, partitionKey: .init("k"))) },
            ] as [() async throws -> Void] {
                let error = try await #require(throws: AWSServiceError.self) { try await call() }
                #expect(["ResourceNotFoundException", "ResourceInUseException"].contains(error.code))
                #expect(error.service == "DynamoDB" && error.status == 400)
            }
        }
    }
}
