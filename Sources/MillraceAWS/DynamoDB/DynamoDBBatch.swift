import MillraceCore

/// Keys of a table whose items are read together.
public struct DynamoDBBatchRead: Sendable, Equatable {
    /// The table's name or ARN.
    public var table: String
    /// The items' keys, each once.
    public var keys: [DynamoDBItem]
    /// Which attributes are wanted (default: all).
    public var projection: DynamoDBExpression?
    /// Whether all earlier writes are seen (default: those of a moment ago may be missing).
    public var isConsistent: Bool

    /// Creates a part of a batch.
    public init(_ table: String, keys: [DynamoDBItem], projection: DynamoDBExpression? = nil, isConsistent: Bool = false) {
        self.table = table
        self.keys = keys
        self.projection = projection
        self.isConsistent = isConsistent
    }
}

/// What a batch of reads found.
public struct DynamoDBBatchReadResult: Sendable, Equatable {
    /// The items by their tables, in no order; keys without an item are left out.
    public var items: [String: [DynamoDBItem]] = [:]
    /// The keys by their tables that the service did not answer for, however often it was asked.
    public var unprocessed: [String: [DynamoDBItem]] = [:]
}

/// One write of a batch.
public enum DynamoDBBatchWrite: Sendable, Hashable {
    /// Writes an item, in place of one with the same key.
    case put(DynamoDBItem, in: String)
    /// Deletes the item of a key.
    case delete(DynamoDBItem, in: String)

    /// The table's name or ARN.
    public var table: String {
        switch self {
        case .put(_, let table), .delete(_, let table): table
        }
    }
}

extension DynamoDBBatchWrite {
    var json: JSONValue {
        switch self {
        case .put(let item, _): ["PutRequest": ["Item": DynamoDBValue.json(of: item)]]
        case .delete(let key, _): ["DeleteRequest": ["Key": DynamoDBValue.json(of: key)]]
        }
    }

    init(_ json: JSONValue, table: String) throws(MillraceError) {
        if let item = json["PutRequest"]?["Item"] {
            self = .put(try DynamoDBValue.item(item), in: table)
        } else if let key = json["DeleteRequest"]?["Key"] {
            self = .delete(try DynamoDBValue.item(key), in: table)
        } else {
            throw MillraceError(.invalidJSON, "DynamoDB left a write undone of a kind that is not known here")
        }
    }
}

/// How long a batch waits before what was left undone is sent again.
struct DynamoDBBackoff: Equatable {
    /// How often a part of a batch is sent at most.
    static let attempts = 8
    private(set) var attempt = 1

    /// The most milliseconds of the next wait; `nil`: no more attempts.
    mutating func next() -> Int? {
        guard attempt < Self.attempts else { return nil }
        defer { attempt += 1 }
        return min(50 << attempt, 5000)
    }
}
