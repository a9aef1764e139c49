import MillraceCore
import MillraceHTTPClient

/// Calls Amazon DynamoDB (API version 2012-08-10, AWS JSON 1.0).
///
/// Every method throws ``AWSServiceError`` for what the service refuses (such as `ResourceNotFoundException`), ``MillraceError`` for what fails
/// on the way, and `CancellationError`. A call that reads, and a write that may be done twice, is sent again after a failure; a write with a
/// condition or an update is not, since nobody could tell whether it was done. Throttling is waited for, three attempts in all.
public struct DynamoDBClient: Sendable {
    /// Which attributes a write returns.
    public enum ReturnValues: String, Sendable {
        /// None.
        case none = "NONE"
        /// The item as it was.
        case allOld = "ALL_OLD"
        /// Those that an update changed, as they were.
        case updatedOld = "UPDATED_OLD"
        /// The item as an update left it.
        case allNew = "ALL_NEW"
        /// Those that an update changed, as they are.
        case updatedNew = "UPDATED_NEW"
    }

    let client: AWSServiceClient

    package init(_ client: AWSServiceClient) { self.client = client }

    /// Reads an item.
    /// - Parameters:
    ///   - key: all attributes of the table's key.
    ///   - table: the table's name or ARN.
    ///   - projection: which attributes are wanted (default: all).
    ///   - isConsistent: whether all earlier writes are seen, for twice the cost (default: those of a moment ago may be missing).
    /// - Returns: `nil`: there is no such item.
    public func getItem(
        _ key: DynamoDBItem, in table: String, projection: DynamoDBExpression? = nil, isConsistent: Bool = false
    ) async throws -> DynamoDBItem? {
        var members = try DynamoDBExpressions(["ProjectionExpression": projection]).members
        members["Key"] = DynamoDBValue.json(of: key)
        members["TableName"] = .string(table)
        if isConsistent { members["ConsistentRead"] = true }
        return try await call("GetItem", members, isRepeatable: true)["Item"].map { try DynamoDBValue.item($0) }
    }

    /// Writes an item, in place of one with the same key.
    /// - Parameters:
    ///   - table: the table's name or ARN.
    ///   - condition: what must hold of the item that is there (default: nothing).
    ///   - returning: `.none` or `.allOld` (default: none).
    ///   - returnsItemOnFailure: whether ``DynamoDBConditionalCheckFailed`` holds the item that is there (default: not).
    /// - Returns: the attributes that were asked for, where there are any.
    /// - Throws: ``DynamoDBConditionalCheckFailed``.
    @discardableResult
    public func putItem(
        _ item: DynamoDBItem, in table: String, if condition: DynamoDBExpression? = nil, returning: ReturnValues = .none,
        returnsItemOnFailure: Bool = false
    ) async throws -> DynamoDBItem? {
        try await write(
            "PutItem", ["Item": DynamoDBValue.json(of: item)], table, ["ConditionExpression": condition], returning, returnsItemOnFailure,
            isRepeatable: condition == nil && returning == .none)
    }

    /// Changes attributes of an item, or makes the item.
    /// - Parameters:
    ///   - key: all attributes of the table's key.
    ///   - table: the table's name or ARN.
    ///   - update: such as `SET a = :a REMOVE b ADD c :one`.
    ///   - condition: what must hold of the item that is there (default: nothing).
    ///   - returning: which attributes are wanted (default: none).
    ///   - returnsItemOnFailure: whether ``DynamoDBConditionalCheckFailed`` holds the item that is there (default: not).
    /// - Returns: the attributes that were asked for, where there are any.
    /// - Throws: ``DynamoDBConditionalCheckFailed``.
    @discardableResult
    public func updateItem(
        _ key: DynamoDBItem, in table: String, _ update: DynamoDBExpression, if condition: DynamoDBExpression? = nil,
        returning: ReturnValues = .none, returnsItemOnFailure: Bool = false
    ) async throws -> DynamoDBItem? {
        try await write(
            "UpdateItem", ["Key": DynamoDBValue.json(of: key)], table,
            ["UpdateExpression": update, "ConditionExpression": condition], returning, returnsItemOnFailure, isRepeatable: false)
    }

    /// Deletes an item; one that is not there is no error.
    /// - Parameters:
    ///   - key: all attributes of the table's key.
    ///   - table: the table's name or ARN.
    ///   - condition: what must hold of the item that is there (default: nothing).
    ///   - returning: `.none` or `.allOld` (default: none).
    ///   - returnsItemOnFailure: whether ``DynamoDBConditionalCheckFailed`` holds the item that is there (default: not).
    /// - Returns: the attributes that were asked for, where there are any.
    /// - Throws: ``DynamoDBConditionalCheckFailed``.
    @discardableResult
    public func deleteItem(
        _ key: DynamoDBItem, in table: String, if condition: DynamoDBExpression? = nil, returning: ReturnValues = .none,
        returnsItemOnFailure: Bool = false
    ) async throws -> DynamoDBItem? {
        try await write(
            "DeleteItem", ["Key": DynamoDBValue.json(of: key)], table, ["ConditionExpression": condition], returning, returnsItemOnFailure,
            isRepeatable: condition == nil && returning == .none)
    }

    private func write(
        _ operation: String, _ subject: [String: JSONValue], _ table: String, _ expressions: [String: DynamoDBExpression?],
        _ returning: ReturnValues, _ returnsItemOnFailure: Bool, isRepeatable: Bool
    ) async throws -> DynamoDBItem? {
        var members = try DynamoDBExpressions(expressions).members
        members.merge(subject) { $1 }
        members["TableName"] = .string(table)
        if returning != .none { members["ReturnValues"] = .string(returning.rawValue) }
        if returnsItemOnFailure { members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD" }
        return try await call(operation, members, isRepeatable: isRepeatable)["Attributes"].map { try DynamoDBValue.item($0) }
    }

    /// The most bytes of an answer: 16 MB of items, as JSON with its escapes.
    private static let answerLimit = 64 << 20

    /// Calls an operation.
    func call(_ operation: String, _ members: [String: JSONValue], isRepeatable: Bool) async throws -> JSONValue {
        var request = AWSRequest(
            "POST", "/", headers: ["Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation],
            body: .bytes(Array(JSONValue.object(members).text.utf8)))
        request.isRepeatable = isRepeatable
        request.responseByteLimit = Self.answerLimit
        do {
            return try await client.exchange(request) { response in
                let bytes = try await response.collect(limit: Self.answerLimit)
                let checksum = response.headers["x-amz-crc32"].flatMap { UInt32($0) }
                if let checksum, bytes.withUnsafeBytes(CRC32.checksum) != checksum {
                    throw MillraceError(.connectionLost, "DynamoDB's answer was damaged on the way: try again", isRetryable: true)
                }
                return bytes.isEmpty ? .object([:]) : try JSONValue(parsing: bytes)
            }
        } catch let error as AWSServiceError { throw error.dynamoDBError }
    }
}
