import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// What a stand-in does not do: throttling, work left undone, damage on the way.
@Suite(.ownThreads) struct DynamoDBScriptedTests {
    typealias Answer = ScriptedAWSTransport.Answer

    private let clock = ManualWallClock(Timestamp(microseconds: 1_369_353_600_000_000))

    private func client(_ transport: ScriptedAWSTransport) -> DynamoDBClient {
        let credentials = AWSCredentials(accessKeyID: "A", secretAccessKey: "b", origin: "the test")
        return DynamoDBClient(
            AWSServiceClient(
                .dynamoDB, endpoint: AWSEndpointSettings(region: "eu-central-1"),
                authentication: .signature(StaticAWSCredentialProvider(credentials)), transport: transport, clock: clock.policyClock))
    }

    private static func json(_ value: JSONValue) -> Answer { Answer(body: value.text) }
    private static func key(_ number: Int) -> DynamoDBItem { ["id": .number(number)] }
    private static let throttled = Answer(
        status: 400, body: #"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow"}"#)

    /// The numbers of the writes in a request to `BatchWriteItem`.
    private static func writes(_ body: [UInt8]) throws -> [JSONValue] { try JSONValue(parsing: body)["RequestItems"]?["t"]?.array ?? [] }

    @Test func call_isSentAsTheProtocolSays() async throws {
        let transport = ScriptedAWSTransport([Answer(body: "{}")])
        _ = try await client(transport).getItem(
            Self.key(1), in: "t", projection: DynamoDBExpression("#a", names: ["#a": "b"]), isConsistent: true)
        let request = try #require(transport.requests.first)
        #expect(request.method == "POST" && request.url == "https://dynamodb.eu-central-1.amazonaws.com/")
        #expect(request.headers["X-Amz-Target"] == "DynamoDB_20120810.GetItem")
        #expect(request.headers["Content-Type"] == "application/x-amz-json-1.0")
        #expect(
            try JSONValue(parsing: transport.bodies[0]) == [
                "ConsistentRead": true, "ExpressionAttributeNames": ["#a": "b"], "Key": ["id": ["N": "1"]], "ProjectionExpression": "#a",
                "TableName": "t",
            ])
    }

    @Test func callThatMayBeDoneTwice_isSaidToBeRepeatable() async throws {
        let transport = ScriptedAWSTransport([Answer(body: #"{"Items":[],"Responses":[]}"#)])
        let client = client(transport)
        let calls: [(Bool, () async throws -> Void)] = [
            (true, { _ = try await client.getItem(Self.key(1), in: "t") }), (true, { try await client.putItem(Self.key(1), in: "t") }),
            (true, { try await client.deleteItem(Self.key(1), in: "t") }),
            (true, { _ = try await client.page(of: DynamoDBScan("t")) }),
            (true, { try await client.transactWriteItems([.put(Self.key(1), in: "t")]) }),
            (true, { _ = try await client.batchWriteItem([.put(Self.key(1), in: "t")]) }),
            // Whoever sends these again may find their own work in the way, or do it twice.
            (false, { try await client.putItem(Self.key(1), in: "t", if: "attribute_not_exists(id)") }),
            (false, { try await client.putItem(Self.key(1), in: "t", returning: .allOld) }),
            (false, { try await client.deleteItem(Self.key(1), in: "t", if: "attribute_exists(id)") }),
            (false, { try await client.updateItem(Self.key(1), in: "t", "ADD a :a") }),
        ]
        for (number, call) in calls.enumerated() {
            try await call.1()
            #expect(transport.requests.last?.isRepeatable == call.0, "call \(number)")
        }
    }

    @Test func writesLeftUndone_areSentAgainUntilTheyAreDone() async throws {
        // Of every call the last three are left.
        let transport = ScriptedAWSTransport { _, _, body in
            let writes = try Self.writes(body)
            let left = writes.count > 3 ? Array(writes.suffix(3)) : []
            return Self.json(["UnprocessedItems": left.isEmpty ? [:] : ["t": .array(left)]])
        }
        let writes = (0..<60).map { $0 % 2 == 0 ? DynamoDBBatchWrite.put(Self.key($0), in: "t") : .delete(Self.key($0), in: "t") }
        #expect(try await client(transport).batchWriteItem(writes) == [])
        #expect(try transport.bodies.map { try Self.writes($0).count } == [25, 3, 25, 3, 10, 3])
        #expect(clock.waits.count == 3)
        #expect(clock.waits.allSatisfy { $0 <= .milliseconds(100) })
    }

    @Test func writesThatAreNeverDone_areReturnedWithThoseBehindThem() async throws {
        let transport = ScriptedAWSTransport { _, _, body in Self.json(["UnprocessedItems": ["t": .array(try Self.writes(body))]]) }
        let writes = (0..<40).map { DynamoDBBatchWrite.put(Self.key($0), in: "t") }
        let remaining = try await client(transport).batchWriteItem(writes)
        #expect(Set(remaining) == Set(writes) && remaining.count == 40)
        #expect(transport.requests.count == 8)
        #expect(zip(clock.waits, [100, 200, 400, 800, 1600, 3200, 5000]).allSatisfy { $0 <= .milliseconds($1) } && clock.waits.count == 7)
    }

    @Test func throttlingOfAWholeBatch_isWorkLeftUndone() async throws {
        // Three attempts of a call, then the batch's own next one.
        let transport = ScriptedAWSTransport { number, _, _ in number < 4 ? Self.throttled : Answer(body: "{}") }
        #expect(try await client(transport).batchWriteItem([.put(Self.key(1), in: "t")]) == [])
        #expect(transport.requests.count == 5)
        let lasting = ScriptedAWSTransport([Self.throttled])
        #expect(try await client(lasting).batchWriteItem([.put(Self.key(1), in: "t")]) == [.put(Self.key(1), in: "t")])
        #expect(lasting.requests.count == 8 * 3)
    }

    @Test func refusalOfABatch_isThrown() async throws {
        let transport = ScriptedAWSTransport([Answer(status: 400, body: #"{"__type":"a#ValidationException","message":"m"}"#)])
        let error = await #expect(throws: AWSServiceError.self) {
            _ = try await client(transport).batchWriteItem([.put(Self.key(1), in: "t")])
        }
        #expect(error?.code == "ValidationException")
    }

    @Test func keysLeftUndone_areReadAgainWithTheirTablesSettings() async throws {
        let transport = ScriptedAWSTransport { number, _, body in
            let requests = try JSONValue(parsing: body)["RequestItems"]?.object ?? [:]
            if number == 0 { return Self.json(["Responses": [:], "UnprocessedKeys": ["a": ["Keys": [["id": ["N": "1"]]]]]]) }
            #expect(requests == ["a": ["Keys": [["id": ["N": "1"]]], "ConsistentRead": true, "ProjectionExpression": "id"]])
            return Self.json(["Responses": ["a": [["id": ["N": "1"]]]], "UnprocessedKeys": [:]])
        }
        let result = try await client(transport).batchGetItem([
            DynamoDBBatchRead("a", keys: [Self.key(1)], projection: "id", isConsistent: true), DynamoDBBatchRead("b", keys: [Self.key(2)]),
        ])
        #expect(result.items == ["a": [Self.key(1)]])
        #expect(result.unprocessed.isEmpty)
    }

    @Test func keysThatAreNeverRead_areTold() async throws {
        let transport = ScriptedAWSTransport { _, _, body in
            Self.json(["UnprocessedKeys": try JSONValue(parsing: body)["RequestItems"] ?? .null])
        }
        let result = try await client(transport).batchGetItem([DynamoDBBatchRead("a", keys: (0..<150).map(Self.key))])
        #expect(result.items.isEmpty)
        #expect(Set(result.unprocessed["a"] ?? []) == Set((0..<150).map(Self.key)))
    }

    @Test func emptyBatch_isNoCall() async throws {
        let transport = ScriptedAWSTransport([Answer(body: "{}")])
        #expect(try await client(transport).batchWriteItem([]) == [])
        let nothing = try await client(transport).batchGetItem([DynamoDBBatchRead("a", keys: [])])
        #expect(nothing.items.isEmpty && nothing.unprocessed.isEmpty)
        #expect(transport.requests.isEmpty)
    }

    @Test func requestThatCannotBeMeant_isRefusedBeforeItIsSent() async throws {
        let transport = ScriptedAWSTransport([Answer(body: "{}")])
        let client = client(transport)
        let calls: [() async throws -> Void] = [
            { _ = try await client.batchGetItem([DynamoDBBatchRead("a", keys: []), DynamoDBBatchRead("a", keys: [])]) },
            { _ = try await client.batchGetItem([DynamoDBBatchRead("a", keys: [Self.key(1), Self.key(1)])]) },
            { try await client.transactWriteItems([]) },
            { _ = try await client.transactGetItems((0...100).map { .init(Self.key($0), in: "t") }) },
            {
                try await client.updateItem(
                    Self.key(1), in: "t", DynamoDBExpression("SET a = :a", values: [":a": 1]),
                    if: DynamoDBExpression("a = :a", values: [":a": 2]))
            },
            {
                try await client.updateItem(
                    Self.key(1), in: "t", DynamoDBExpression("SET #a = :a", names: ["#a": "x"]),
                    if: DynamoDBExpression("#a = :a", names: ["#a": "y"]))
            },
        ]
        for call in calls {
            let error = await #expect(throws: MillraceError.self) { try await call() }
            #expect(error?.code == .invalidInput)
        }
        #expect(transport.requests.isEmpty)
    }

    @Test func answerWithAnotherChecksum_isDamaged() async throws {
        // The CRC-32 of "{}" is 2745614147.
        let good = ScriptedAWSTransport([Answer(headers: ["x-amz-crc32": "2745614147"], body: "{}")])
        #expect(try await client(good).getItem(Self.key(1), in: "t") == nil)
        let bad = ScriptedAWSTransport([Answer(headers: ["x-amz-crc32": "2745614147"], body: "{ }")])
        let error = await #expect(throws: MillraceError.self) { _ = try await client(bad).getItem(Self.key(1), in: "t") }
        #expect(error?.code == .connectionLost && error?.isRetryable == true)
    }

    @Test func cancelledTransaction_tellsAReasonForEachAction() async throws {
        let reasons: JSONValue = [
            ["Code": "None"], ["Code": "TransactionConflict", "Message": "m"], ["Code": "ThrottlingError"],
        ]
        let body: JSONValue = ["__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons]
        let transport = ScriptedAWSTransport([Answer(status: 400, body: body.text)])
        let error = try await #require(throws: DynamoDBTransactionCancelled.self) {
            try await client(transport).transactWriteItems([.put(Self.key(1), in: "t")])
        }
        #expect(error.reasons == [.init(code: nil), .init(code: "TransactionConflict", message: "m"), .init(code: "ThrottlingError")])
        #expect(error.isRetryable)
        #expect("\(error)" == "DynamoDB cancelled a transaction: action 1 TransactionConflict, action 2 ThrottlingError")
    }

    @Test func transactionThatIsSentAgain_hasTheSameToken() async throws {
        let busy = Answer(status: 400, body: #"{"__type":"a#TransactionInProgressException"}"#)
        let transport = ScriptedAWSTransport([busy, Answer(body: "{}")])
        try await client(transport).transactWriteItems([.put(Self.key(1), in: "t")])
        let tokens = try transport.bodies.map { try JSONValue(parsing: $0)["ClientRequestToken"]?.string }
        #expect(tokens.count == 2 && tokens[0] == tokens[1] && tokens[0]?.utf8.count == 32)
        try await client(transport).transactWriteItems([.put(Self.key(1), in: "t")], token: "mine")
        #expect(try JSONValue(parsing: transport.bodies[2])["ClientRequestToken"] == "mine")
    }

    @Test func pages_areReadOnlyAsTheyAreAskedFor() async throws {
        let transport = ScriptedAWSTransport { number, _, body in
            let start = try JSONValue(parsing: body)["ExclusiveStartKey"]
            #expect((start == nil) == (number == 0))
            return Self.json([
                "Items": [["id": ["N": .string("\(number)")]]], "LastEvaluatedKey": ["id": ["N": .string("\(number)")]],
            ])
        }
        let client = client(transport)
        for try await page in client.pages(of: DynamoDBScan("t")) where page.items == [Self.key(2)] { break }
        #expect(transport.requests.count == 3)
    }

    @Test func pageThatBeginsWhereItEnds_endsTheReading() async throws {
        let transport = ScriptedAWSTransport([Self.json(["Items": [], "LastEvaluatedKey": ["id": ["N": "1"]]])])
        let error = await #expect(throws: MillraceError.self) {
            _ = try await client(transport).pages(of: DynamoDBScan("t")).items(atMost: 5)
        }
        #expect(error?.code == .invalidJSON)
        #expect(transport.requests.count == 2)
    }

    @Test func tableThatDoesNotBecomeActive_isWaitedForNoLongerThanSaid() async throws {
        let transport = ScriptedAWSTransport([Self.json(["Table": ["TableName": "t", "TableStatus": "CREATING"]])])
        let error = await #expect(throws: MillraceError.self) { try await client(transport).waitUntilActive("t", seconds: 5) }
        #expect(error?.code == .timeout)
        #expect(transport.requests.count == 6 && clock.waits == Array(repeating: .seconds(1), count: 5))
    }

    @Test(arguments: [
        #"{"Item":{"a":{"X":"1"}}}"#, #"{"Item":{"a":{}}}"#, #"{"Item":{"a":{"S":"1","N":"1"}}}"#, #"{"Item":{"a":{"N":1}}}"#,
        #"{"Item":{"a":{"B":"%"}}}"#, #"{"Item":{"a":{"SS":[1]}}}"#, #"{"Item":{"a":"b"}}"#, #"{"Item":[]}"#, "[",
        #"{"Item":{"a":{"BS":["%"]}}}"#,
    ])
    func answerThatIsNoItem_isAnError(_ body: String) async throws {
        let transport = ScriptedAWSTransport([Answer(body: body)])
        let error = await #expect(throws: MillraceError.self) { _ = try await client(transport).getItem(Self.key(1), in: "t") }
        #expect(error?.code == .invalidJSON)
    }
}
