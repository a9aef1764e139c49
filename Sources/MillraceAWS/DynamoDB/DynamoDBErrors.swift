import MillraceCore

/// A write whose condition did not hold; nothing was changed.
public struct DynamoDBConditionalCheckFailed: Error, Sendable, Equatable, CustomStringConvertible {
    /// The service's own sentence.
    public var message: String
    /// The item as it is, where the request asked for it and there is one.
    public var item: DynamoDBItem?

    /// Creates an error.
    public init(message: String, item: DynamoDBItem? = nil) {
        self.message = message
        self.item = item
    }

    /// The message, without the item, which may hold anything.
    public var description: String { "DynamoDB: a condition does not hold: \(message)" }
}

/// A transaction that was cancelled; nothing was changed.
public struct DynamoDBTransactionCancelled: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why one of the transaction's actions could not be done.
    public struct Reason: Sendable, Equatable {
        /// Such as `ConditionalCheckFailed`, `TransactionConflict`, `ValidationError` or `ThrottlingError`; `nil`: this one could be done.
        public var code: String?
        /// The service's own sentence; may be empty.
        public var message: String
        /// The item as it is, where the action asked for it and there is one.
        public var item: DynamoDBItem?

        /// Creates a reason.
        public init(code: String?, message: String = "", item: DynamoDBItem? = nil) {
            self.code = code
            self.message = message
            self.item = item
        }
    }

    /// One for each action, in the order of the request.
    public var reasons: [Reason]

    /// Creates an error.
    public init(reasons: [Reason]) { self.reasons = reasons }

    /// Whether the same transaction may succeed later: all that was in its way were other transactions and a lack of capacity.
    public var isRetryable: Bool {
        let codes = reasons.compactMap(\.code)
        return !codes.isEmpty
            && codes.allSatisfy { ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"].contains($0) }
    }

    /// The codes by the actions' numbers, from 0.
    public var description: String {
        let found = reasons.enumerated().compactMap { number, reason in reason.code.map { "action \(number) \($0)" } }
        return "DynamoDB cancelled a transaction: \(found.joined(separator: ", "))"
    }
}

extension AWSServiceError {
    /// The typed form of what DynamoDB answers to conditions; otherwise itself.
    var dynamoDBError: any Error {
        switch code {
        case "ConditionalCheckFailedException":
            return DynamoDBConditionalCheckFailed(message: message, item: details["Item"].flatMap { try? DynamoDBValue.item($0) })
        case "TransactionCanceledException":
            guard let reasons = details["CancellationReasons"]?.array else { return self }
            return DynamoDBTransactionCancelled(
                reasons: reasons.map { reason in
                    let code = reason["Code"]?.string
                    return DynamoDBTransactionCancelled.Reason(
                        code: code == "None" ? nil : code, message: reason["Message"]?.string ?? "",
                        item: reason["Item"].flatMap { try? DynamoDBValue.item($0) })
                })
        default: return self
        }
    }
}
