public import MillraceCore

/// Something that reads a table page by page: ``DynamoDBQuery`` or ``DynamoDBScan``.
public protocol DynamoDBReading: Sendable {
    /// The key behind which the page begins; `nil`: at the beginning.
    var startKey: DynamoDBItem? { get set }
    /// The operation's name and members.
    func request() throws(MillraceError) -> DynamoDBReadingRequest
}

/// The form in which ``DynamoDBReading`` is sent.
public struct DynamoDBReadingRequest: Sendable {
    let operation: String
    let members: [String: JSONValue]
}

/// A query: the items of one partition, in the order of the sort key.
public struct DynamoDBQuery: DynamoDBReading {
    /// The table's name or ARN.
    public var table: String
    /// The index that is read; `nil`: the table.
    public var index: String?
    /// Which items: the partition key's value, and a range of the sort key, such as `id = :id AND at > :at`.
    public var keyCondition: DynamoDBExpression
    /// Which of these are wanted; what it leaves out is read and paid for all the same.
    public var filter: DynamoDBExpression?
    /// Which attributes are wanted (default: all).
    public var projection: DynamoDBExpression?
    /// The most items that a page reads, before the filter (default: 1 MB of them).
    public var pageLimit: Int?
    /// Whether the sort key ascends (default: it does).
    public var isAscending = true
    /// Whether all earlier writes are seen (default: those of a moment ago may be missing).
    public var isConsistent = false
    /// Whether items are only counted (default: not).
    public var countsOnly = false
    /// The key behind which the page begins; `nil`: at the beginning.
    public var startKey: DynamoDBItem?

    /// Creates a query.
    public init(_ table: String, index: String? = nil, where keyCondition: DynamoDBExpression) {
        self.table = table
        self.index = index
        self.keyCondition = keyCondition
    }

    /// The operation's name and members.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` where a placeholder stands for two things.
    public func request() throws(MillraceError) -> DynamoDBReadingRequest {
        var members = try DynamoDBExpressions([
            "KeyConditionExpression": keyCondition, "FilterExpression": filter, "ProjectionExpression": projection,
        ]).members
        members["TableName"] = .string(table)
        members["IndexName"] = index.map { .string($0) }
        members["Limit"] = pageLimit.map { .integer($0) }
        if !isAscending { members["ScanIndexForward"] = false }
        if isConsistent { members["ConsistentRead"] = true }
        if countsOnly { members["Select"] = "COUNT" }
        members["ExclusiveStartKey"] = startKey.map(DynamoDBValue.json)
        return DynamoDBReadingRequest(operation: "Query", members: members)
    }
}

/// A scan: all items of a table or an index, in no order.
public struct DynamoDBScan: DynamoDBReading {
    /// A part of a table that one of several readers takes.
    public struct Segment: Sendable, Equatable {
        /// Which part, from 0.
        public var number: Int
        /// How many parts there are: 1…1000000.
        public var count: Int

        /// Creates a part.
        public init(_ number: Int, of count: Int) {
            self.number = number
            self.count = count
        }
    }

    /// The table's name or ARN.
    public var table: String
    /// The index that is read; `nil`: the table.
    public var index: String?
    /// Which items are wanted; what it leaves out is read and paid for all the same.
    public var filter: DynamoDBExpression?
    /// Which attributes are wanted (default: all).
    public var projection: DynamoDBExpression?
    /// The most items that a page reads, before the filter (default: 1 MB of them).
    public var pageLimit: Int?
    /// Whether all earlier writes are seen (default: those of a moment ago may be missing).
    public var isConsistent = false
    /// Whether items are only counted (default: not).
    public var countsOnly = false
    /// The part that is read (default: all).
    public var segment: Segment?
    /// The key behind which the page begins; `nil`: at the beginning.
    public var startKey: DynamoDBItem?

    /// Creates a scan.
    public init(_ table: String, index: String? = nil, filter: DynamoDBExpression? = nil) {
        self.table = table
        self.index = index
        self.filter = filter
    }

    /// The operation's name and members.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` where a placeholder stands for two things.
    public func request() throws(MillraceError) -> DynamoDBReadingRequest {
        var members = try DynamoDBExpressions(["FilterExpression": filter, "ProjectionExpression": projection]).members
        members["TableName"] = .string(table)
        members["IndexName"] = index.map { .string($0) }
        members["Limit"] = pageLimit.map { .integer($0) }
        if isConsistent { members["ConsistentRead"] = true }
        if countsOnly { members["Select"] = "COUNT" }
        if let segment {
            members["Segment"] = .integer(segment.number)
            members["TotalSegments"] = .integer(segment.count)
        }
        members["ExclusiveStartKey"] = startKey.map(DynamoDBValue.json)
        return DynamoDBReadingRequest(operation: "Scan", members: members)
    }
}

/// A page of a query or a scan.
public struct DynamoDBPage: Sendable, Equatable {
    /// The items; a page may have none and yet not be the last.
    public var items: [DynamoDBItem]
    /// How many items there are behind the filter.
    public var count: Int
    /// How many items were read.
    public var scannedCount: Int
    /// What the next page begins behind; `nil`: this was the last.
    public var lastKey: DynamoDBItem?
}
