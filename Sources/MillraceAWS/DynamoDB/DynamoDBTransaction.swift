import MillraceCore

/// A read of a transaction.
public struct DynamoDBTransactionRead: Sendable, Equatable {
    /// All attributes of the table's key.
    public var key: DynamoDBItem
    /// The table's name or ARN.
    public var table: String
    /// Which attributes are wanted (default: all).
    public var projection: DynamoDBExpression?

    /// Creates a read.
    public init(_ key: DynamoDBItem, in table: String, projection: DynamoDBExpression? = nil) {
        self.key = key
        self.table = table
        self.projection = projection
    }
}

/// A write of a transaction, or a condition that must hold for the others. No two are of the same item.
public struct DynamoDBTransactionWrite: Sendable, Equatable {
    private enum Action: Equatable {
        case put(DynamoDBItem)
        case update(DynamoDBItem, DynamoDBExpression)
        case delete(DynamoDBItem)
        case check(DynamoDBItem)
    }

    private let action: Action
    private let table: String
    private let condition: DynamoDBExpression?
    /// Whether ``DynamoDBTransactionCancelled`` holds the item that is there, where this write's condition does not hold (default: not).
    public var returnsItemOnFailure = false

    /// Writes an item, in place of one with the same key.
    public static func put(_ item: DynamoDBItem, in table: String, if condition: DynamoDBExpression? = nil) -> DynamoDBTransactionWrite {
        DynamoDBTransactionWrite(action: .put(item), table: table, condition: condition)
    }

    /// Changes attributes of an item, or makes the item.
    public static func update(
        _ key: DynamoDBItem, in table: String, _ update: DynamoDBExpression, if condition: DynamoDBExpression? = nil
    ) -> DynamoDBTransactionWrite {
        DynamoDBTransactionWrite(action: .update(key, update), table: table, condition: condition)
    }

    /// Deletes an item.
    public static func delete(_ key: DynamoDBItem, in table: String, if condition: DynamoDBExpression? = nil) -> DynamoDBTransactionWrite {
        DynamoDBTransactionWrite(action: .delete(key), table: table, condition: condition)
    }

    /// Changes nothing, and cancels the transaction where the condition does not hold.
    public static func check(_ key: DynamoDBItem, in table: String, if condition: DynamoDBExpression) -> DynamoDBTransactionWrite {
        DynamoDBTransactionWrite(action: .check(key), table: table, condition: condition)
    }

    private init(action: Action, table: String, condition: DynamoDBExpression?) {
        self.action = action
        self.table = table
        self.condition = condition
    }

    /// This write with the item in the error, where its condition does not hold.
    public func returningItemOnFailure() -> DynamoDBTransactionWrite {
        var copy = self
        copy.returnsItemOnFailure = true
        return copy
    }

    func json() throws(MillraceError) -> JSONValue {
        let name: String
        let subject: (name: String, item: DynamoDBItem)
        var update: DynamoDBExpression?
        switch action {
        case .put(let item): (name, subject) = ("Put", ("Item", item))
        case .update(let key, let expression): (name, subject, update) = ("Update", ("Key", key), expression)
        case .delete(let key): (name, subject) = ("Delete", ("Key", key))
        case .check(let key): (name, subject) = ("ConditionCheck", ("Key", key))
        }
        var members = try DynamoDBExpressions(["ConditionExpression": condition, "UpdateExpression": update]).members
        members[subject.name] = DynamoDBValue.json(of: subject.item)
        members["TableName"] = .string(table)
        if returnsItemOnFailure { members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD" }
        return .object([name: .object(members)])
    }
}

extension DynamoDBClient {
    /// The most actions of a transaction.
    static let transactionLimit = 100

    /// Reads up to 100 items as they were at one moment.
    /// - Returns: the items in the order of the reads; `nil`: there is none.
    /// - Throws: ``DynamoDBTransactionCancelled``.
    public func transactGetItems(_ reads: [DynamoDBTransactionRead]) async throws -> [DynamoDBItem?] {
        try checkCount(reads.count)
        let actions = try reads.map { read in
            var members = try DynamoDBExpressions(["ProjectionExpression": read.projection]).members
            members["Key"] = DynamoDBValue.json(of: read.key)
            members["TableName"] = .string(read.table)
            return JSONValue.object(["Get": .object(members)])
        }
        let answer = try await call("TransactGetItems", ["TransactItems": .array(actions)], isRepeatable: true)
        guard let responses = answer["Responses"]?.array, responses.count == reads.count else {
            throw MillraceError(.invalidJSON, "DynamoDB answered another number of items than a transaction asked for")
        }
        return try responses.map { try $0["Item"].map { try DynamoDBValue.item($0) } }
    }

    /// Does up to 100 writes, all of them or none.
    /// - Parameters:
    ///   - writes: of different items.
    ///   - token: a text of 1 to 36 characters; the same writes with the same token are done once within ten minutes (default: a new one, so
    ///     that the call itself can be sent again after a failure).
    /// - Throws: ``DynamoDBTransactionCancelled``; ``AWSServiceError`` `IdempotentParameterMismatchException` for a token that stood for other
    ///   writes.
    public func transactWriteItems(_ writes: [DynamoDBTransactionWrite], token: String? = nil) async throws {
        try checkCount(writes.count)
        let token = token ?? Self.randomToken()
        _ = try await call(
            "TransactWriteItems", ["TransactItems": .array(try writes.map { try $0.json() }), "ClientRequestToken": .string(token)],
            isRepeatable: true)
    }

    private func checkCount(_ count: Int) throws(MillraceError) {
        guard (1...Self.transactionLimit).contains(count) else {
            throw MillraceError(.invalidInput, "a transaction has 1 to \(Self.transactionLimit) actions, not \(count)")
        }
    }

    private static func randomToken() -> String { Hexadecimal.text((0..<16).map { _ in UInt8.random(in: 0...255) }) }
}
