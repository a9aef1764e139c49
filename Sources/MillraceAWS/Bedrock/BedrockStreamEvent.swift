public import MillraceCore

/// An event of a model's streamed answer.
///
/// Source: `ConverseStreamOutput`, Amazon Bedrock API Reference.
public struct BedrockStreamEvent: Equatable, Sendable {
    /// The event's kind, such as `messageStart`, `contentBlockDelta`, `messageStop` or `metadata`.
    public var type: String
    /// The event's members, such as `contentBlockIndex` and `delta`. Bedrock adds a member `p` without meaning that hides the events' lengths.
    public var payload: JSONValue

    /// Creates an event.
    public init(type: String, payload: JSONValue) {
        self.type = type
        self.payload = payload
    }
}

extension BedrockStreamEvent {
    /// Reads a message of a stream.
    /// - Throws: ``AWSServiceError`` for an exception or an error that the message brings; ``MillraceError`` for one that cannot be understood.
    init(_ message: EventStreamMessage, service: String, requestID: String?) throws {
        switch message[":message-type"] {
        case "event":
            guard let type = message[":event-type"] else { throw Self.unreadable("an event without a type") }
            self.init(type: type, payload: try Self.json(message.payload, of: type))
        case "exception":
            guard let type = message[":exception-type"] else { throw Self.unreadable("an exception without a type") }
            throw Self.exception(type, (try? Self.json(message.payload, of: type)) ?? .null, service, requestID)
        case "error":
            throw Self.error(message[":error-code"] ?? "Unknown", message[":error-message"] ?? "", service, requestID)
        case let type: throw Self.unreadable("a message of the type '\(type ?? "none")'")
        }
    }

    private static func json(_ payload: [UInt8], of type: String) throws -> JSONValue {
        guard !payload.isEmpty else { return [:] }
        do throws(MillraceError) { return try JSONValue(parsing: payload) } catch {
            throw MillraceError(.corruptedResponse, "Bedrock's stream holds an event '\(type.prefix(60))' that is not JSON", cause: error)
        }
    }

    private static func unreadable(_ what: String) -> MillraceError {
        MillraceError(.corruptedResponse, "Bedrock's stream holds \(what.prefix(100))")
    }

    /// - Parameter type: such as `throttlingException`, the member's name; errors are named like their shape, `ThrottlingException`.
    private static func exception(_ type: String, _ payload: JSONValue, _ service: String, _ requestID: String?) -> AWSServiceError {
        var details = payload.object ?? [:]
        details["message"] = nil
        details["Message"] = nil
        details["p"] = nil
        return error(
            type.prefix(1).uppercased() + type.dropFirst(), payload["message"]?.string ?? payload["Message"]?.string ?? "", service,
            requestID, details)
    }

    private static func error(
        _ code: String, _ message: String, _ service: String, _ requestID: String?, _ details: [String: JSONValue] = [:]
    ) -> AWSServiceError {
        AWSServiceError(
            service: service, code: code, message: message, status: 200, requestID: requestID,
            isRetryable: retryable.contains(code) ? true : nil, details: details)
    }

    /// Exceptions of models that another attempt can help, beside those that all services have. A stream has no status that would say so.
    private static let retryable: Set = [
        "ModelNotReadyException", "ModelStreamErrorException", "ModelTimeoutException", "ServiceUnavailableException", "ServiceUnavailable",
        "InternalFailure",
    ]
}
