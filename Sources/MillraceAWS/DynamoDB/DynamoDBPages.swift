import MillraceCore

/// The pages of a query or a scan, one call each, as they are asked for.
///
///     for try await page in client.pages(of: query) where !page.items.isEmpty { … }
///
/// Leaving the loop ends the reading. A page that fails ends it as well.
public struct DynamoDBPages<Reading: DynamoDBReading>: AsyncSequence, Sendable {
    let client: DynamoDBClient
    let reading: Reading

    /// Begins with the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(client: client, next: reading) }

    /// The items of all pages.
    /// - Parameter most: how many are taken; no page is read behind them.
    /// - Throws: as ``DynamoDBClient``.
    public func items(atMost most: Int) async throws -> [DynamoDBItem] {
        var items: [DynamoDBItem] = []
        var iterator = makeAsyncIterator()
        while items.count < most, let page = try await iterator.next() { items += page.items.prefix(most - items.count) }
        return items
    }

    /// One pass over the pages.
    public struct Iterator: AsyncIteratorProtocol {
        let client: DynamoDBClient
        var next: Reading?

        /// The next page; `nil`: there are no more.
        public mutating func next() async throws -> DynamoDBPage? {
            guard var reading = next else { return nil }
            next = nil
            let page = try await client.page(of: reading)
            if let lastKey = page.lastKey {
                // It would be read for ever.
                guard lastKey != reading.startKey else {
                    throw MillraceError(.invalidJSON, "DynamoDB answered a page that begins where it ends")
                }
                reading.startKey = lastKey
                next = reading
            }
            return page
        }
    }
}

extension DynamoDBClient {
    /// Reads one page: up to 1 MB of items, or the reading's limit.
    public func page(of reading: some DynamoDBReading) async throws -> DynamoDBPage {
        let request = try reading.request()
        let answer = try await call(request.operation, request.members, isRepeatable: true)
        let items = try DynamoDBValue.items(answer["Items"])
        let lastKey = try answer["LastEvaluatedKey"].map { try DynamoDBValue.item($0) }
        return DynamoDBPage(
            items: items, count: answer["Count"]?.integer ?? items.count, scannedCount: answer["ScannedCount"]?.integer ?? items.count,
            lastKey: lastKey?.isEmpty == true ? nil : lastKey)
    }

    /// All pages from the reading's start on, read as they are asked for.
    public func pages<Reading: DynamoDBReading>(of reading: Reading) -> DynamoDBPages<Reading> {
        DynamoDBPages(client: self, reading: reading)
    }
}
