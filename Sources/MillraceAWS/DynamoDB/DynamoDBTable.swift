import MillraceCore

/// What a table is made of.
public struct DynamoDBTableDefinition: Sendable, Equatable {
    /// The kind of a key's attribute.
    public enum KeyKind: String, Sendable {
        /// A text.
        case string = "S"
        /// A number.
        case number = "N"
        /// Bytes.
        case binary = "B"
    }

    /// An attribute that is part of a key.
    public struct KeyAttribute: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// The kind of its values.
        public var kind: KeyKind

        /// Creates an attribute.
        public init(_ name: String, _ kind: KeyKind = .string) {
            self.name = name
            self.kind = kind
        }
    }

    /// A global secondary index, which holds all attributes.
    public struct Index: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// What items are grouped by.
        public var partitionKey: KeyAttribute
        /// What the items of a group are ordered by; `nil`: nothing.
        public var sortKey: KeyAttribute?

        /// Creates an index.
        public init(_ name: String, partitionKey: KeyAttribute, sortKey: KeyAttribute? = nil) {
            self.name = name
            self.partitionKey = partitionKey
            self.sortKey = sortKey
        }
    }

    /// What reading and writing costs.
    public enum Capacity: Sendable, Equatable {
        /// Each request.
        case onDemand
        /// So many reads and writes a second, whether they come or not; the indexes have as many.
        case provisioned(reads: Int, writes: Int)
    }

    /// The table's name: 3 to 255 letters, digits and `_-.`.
    public var name: String
    /// What items are grouped by.
    public var partitionKey: KeyAttribute
    /// What the items of a group are ordered by; `nil`: a group is one item.
    public var sortKey: KeyAttribute?
    /// Other ways to group the items (default: none).
    public var indexes: [Index] = []
    /// What reading and writing costs (default: each request).
    public var capacity: Capacity = .onDemand

    /// Creates a definition.
    public init(_ name: String, partitionKey: KeyAttribute, sortKey: KeyAttribute? = nil) {
        self.name = name
        self.partitionKey = partitionKey
        self.sortKey = sortKey
    }

    func members() throws(MillraceError) -> [String: JSONValue] {
        var kinds: [String: KeyKind] = [:]
        for attribute in [partitionKey, sortKey].compactMap({ $0 }) + indexes.flatMap({ [$0.partitionKey, $0.sortKey].compactMap { $0 } }) {
            guard kinds.updateValue(attribute.kind, forKey: attribute.name) ?? attribute.kind == attribute.kind else {
                throw MillraceError(.invalidInput, "the attribute '\(attribute.name)' is of two kinds in one table")
            }
        }
        var members: [String: JSONValue] = [
            "TableName": .string(name), "KeySchema": Self.schema(partitionKey, sortKey),
            "AttributeDefinitions": .array(
                kinds.sorted { $0.key < $1.key }.map { ["AttributeName": .string($0.key), "AttributeType": .string($0.value.rawValue)] }),
        ]
        var throughput: [String: JSONValue] = [:]
        switch capacity {
        case .onDemand: members["BillingMode"] = "PAY_PER_REQUEST"
        case .provisioned(let reads, let writes):
            members["BillingMode"] = "PROVISIONED"
            throughput = ["ProvisionedThroughput": ["ReadCapacityUnits": .integer(reads), "WriteCapacityUnits": .integer(writes)]]
            members.merge(throughput) { $1 }
        }
        if !indexes.isEmpty {
            members["GlobalSecondaryIndexes"] = .array(
                indexes.map { index in
                    let own: [String: JSONValue] = [
                        "IndexName": .string(index.name), "KeySchema": Self.schema(index.partitionKey, index.sortKey),
                        "Projection": ["ProjectionType": "ALL"],
                    ]
                    return .object(own.merging(throughput) { $1 })
                })
        }
        return members
    }

    private static func schema(_ partitionKey: KeyAttribute, _ sortKey: KeyAttribute?) -> JSONValue {
        .array(
            [["AttributeName": .string(partitionKey.name), "KeyType": "HASH"]]
                + (sortKey.map { [["AttributeName": .string($0.name), "KeyType": "RANGE"]] } ?? []))
    }
}

/// A table as the service describes it.
public struct DynamoDBTable: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Its ARN.
    public let arn: String
    /// Such as `CREATING`, `ACTIVE` or `DELETING`.
    public let status: String
    /// The status of each global secondary index, by its name.
    public let indexStatus: [String: String]
    /// The key's attributes: what items are grouped by, and what they are ordered by.
    public let keyNames: [String]
    /// How many items there are, as counted some hours ago.
    public let itemCount: Int

    /// Whether the table and its indexes can be used.
    public var isActive: Bool { status == "ACTIVE" && indexStatus.values.allSatisfy { $0 == "ACTIVE" } }

    init(_ json: JSONValue?) throws(MillraceError) {
        guard let json, let name = json["TableName"]?.string, let status = json["TableStatus"]?.string else {
            throw MillraceError(.invalidJSON, "DynamoDB described a table without its name or status")
        }
        self.name = name
        self.status = status
        arn = json["TableArn"]?.string ?? ""
        var indexStatus: [String: String] = [:]
        for index in json["GlobalSecondaryIndexes"]?.array ?? [] {
            if let name = index["IndexName"]?.string { indexStatus[name] = index["IndexStatus"]?.string ?? "" }
        }
        self.indexStatus = indexStatus
        let schema = json["KeySchema"]?.array ?? []
        keyNames = ["HASH", "RANGE"].compactMap { kind in schema.first { $0["KeyType"]?.string == kind }?["AttributeName"]?.string }
        itemCount = json["ItemCount"]?.integer ?? 0
    }
}
