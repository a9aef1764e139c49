import MillraceCore

extension DynamoDBClient {
    /// Reads items of several tables, 100 in a call.
    ///
    /// What the service leaves undone is asked for again after a wait, eight times in all; then the result tells what remains.
    /// - Parameter reads: each table once, each key once.
    /// - Throws: also ``MillraceError`` with ``ErrorCode/invalidInput`` for a table or a key that stands there twice.
    public func batchGetItem(_ reads: [DynamoDBBatchRead]) async throws -> DynamoDBBatchReadResult {
        guard Set(reads.map(\.table)).count == reads.count else {
            throw MillraceError(.invalidInput, "a batch names each table once: put its keys together")
        }
        guard reads.allSatisfy({ Set($0.keys).count == $0.keys.count }) else {
            throw MillraceError(.invalidInput, "a batch names each key once")
        }
        var settings: [String: [String: JSONValue]] = [:]
        for read in reads {
            settings[read.table] = try DynamoDBExpressions(["ProjectionExpression": read.projection]).members
            if read.isConsistent { settings[read.table]?["ConsistentRead"] = true }
        }
        var result = DynamoDBBatchReadResult()
        let keys = reads.flatMap { read in read.keys.map { (table: read.table, key: $0) } }
        let remaining = try await inParts(keys, of: 100) { part in
            var requests: [String: JSONValue] = [:]
            for (table, keys) in Dictionary(grouping: part, by: \.table) {
                var request = settings[table] ?? [:]
                request["Keys"] = .array(keys.map { DynamoDBValue.json(of: $0.key) })
                requests[table] = .object(request)
            }
            let answer = try await call("BatchGetItem", ["RequestItems": .object(requests)], isRepeatable: true)
            for (table, items) in answer["Responses"]?.object ?? [:] { result.items[table, default: []] += try DynamoDBValue.items(items) }
            var left: [(table: String, key: DynamoDBItem)] = []
            for (table, request) in answer["UnprocessedKeys"]?.object ?? [:] {
                left += try DynamoDBValue.items(request["Keys"]).map { (table, $0) }
            }
            return left
        }
        result.unprocessed = Dictionary(grouping: remaining, by: \.table).mapValues { $0.map(\.key) }
        return result
    }

    /// Writes and deletes items of several tables, 25 in a call. It is no transaction: each write stands for itself.
    ///
    /// What the service leaves undone is sent again after a wait, eight times in all; then the result tells what remains.
    /// - Parameter writes: those of one item do not stand in the same 25.
    /// - Returns: the writes that were not done; empty: all were.
    /// - Throws: what a call throws; what was written before stays written.
    public func batchWriteItem(_ writes: [DynamoDBBatchWrite]) async throws -> [DynamoDBBatchWrite] {
        try await inParts(writes, of: 25) { part in
            let requests = Dictionary(grouping: part, by: \.table).mapValues { JSONValue.array($0.map(\.json)) }
            // A put or a delete that is done twice is done once.
            let answer = try await call("BatchWriteItem", ["RequestItems": .object(requests)], isRepeatable: true)
            var left: [DynamoDBBatchWrite] = []
            for (table, requests) in answer["UnprocessedItems"]?.object ?? [:] {
                for request in requests.array ?? [] { left.append(try DynamoDBBatchWrite(request, table: table)) }
            }
            return left
        }
    }

    /// Does a batch in parts, each until nothing of it is left.
    /// - Parameter send: sends a part and returns what is left of it.
    /// - Returns: what remains: the rest of a part that came to no end, and all parts behind it.
    private func inParts<Element>(
        _ elements: [Element], of size: Int, _ send: ([Element]) async throws -> [Element]
    ) async throws -> [Element] {
        var position = 0
        while position < elements.count {
            let end = min(position + size, elements.count)
            var left = Array(elements[position..<end])
            var backoff = DynamoDBBackoff()
            while true {
                // Refused as a whole: nothing of it is done.
                do { left = try await send(left) } catch let error as AWSServiceError where error.isThrottling {}
                if left.isEmpty { break }
                guard let most = backoff.next() else { return left + elements[end...] }
                try await client.wait(upToMilliseconds: most)
            }
            position = end
        }
        return []
    }
}
