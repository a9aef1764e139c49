import MillraceCore

/// An expression with what stands for its names and values: a condition, a key condition, a filter, an update or a projection.
///
///     DynamoDBExpression("SET #s = :new", names: ["#s": "status"], values: [":new": "done"])
///     "attribute_not_exists(id)"
///
/// The expressions of one request share their placeholders: the same one may stand in two of them for the same thing.
/// Source: "Using expressions in DynamoDB", Amazon DynamoDB Developer Guide.
public struct DynamoDBExpression: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The expression.
    public var text: String
    /// Names of attributes by their placeholders, which begin with `#`: needed for reserved words and for names with dots.
    public var names: [String: String]
    /// Values by their placeholders, which begin with `:`.
    public var values: [String: DynamoDBValue]

    /// Creates an expression.
    public init(_ text: String, names: [String: String] = [:], values: [String: DynamoDBValue] = [:]) {
        self.text = text
        self.names = names
        self.values = values
    }

    /// An expression without placeholders.
    public init(stringLiteral value: String) { self.init(value) }
}

/// The members of a request that its expressions become.
struct DynamoDBExpressions {
    private(set) var members: [String: JSONValue] = [:]
    private var names: [String: String] = [:]
    private var values: [String: DynamoDBValue] = [:]

    /// - Parameter named: the members by their names, such as `ConditionExpression`; `nil` ones are left out.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` where a placeholder stands for two things.
    init(_ named: [String: DynamoDBExpression?]) throws(MillraceError) {
        for (member, expression) in named {
            guard let expression else { continue }
            members[member] = .string(expression.text)
            for (placeholder, name) in expression.names {
                guard names.updateValue(name, forKey: placeholder) ?? name == name else { throw Self.conflict(placeholder) }
            }
            for (placeholder, value) in expression.values {
                guard values.updateValue(value, forKey: placeholder) ?? value == value else { throw Self.conflict(placeholder) }
            }
        }
        if !names.isEmpty { members["ExpressionAttributeNames"] = .object(names.mapValues { .string($0) }) }
        if !values.isEmpty { members["ExpressionAttributeValues"] = DynamoDBValue.json(of: values) }
    }

    private static func conflict(_ placeholder: String) -> MillraceError {
        MillraceError(.invalidInput, "the placeholder '\(placeholder)' stands for two things in one request: name one of them otherwise")
    }
}
