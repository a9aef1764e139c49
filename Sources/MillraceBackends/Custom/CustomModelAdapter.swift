public import Millrace
public import MillraceCore

/// How a custom API sends its answer.
public enum CustomResponseFormat: String, Sendable, CaseIterable {
    /// `text/event-stream`; the data of every message is a JSON value.
    case serverSentEvents = "server_sent_events"
    /// One JSON value a line (NDJSON).
    case jsonLines = "json_lines"
    /// One JSON value, not streamed.
    case json
}

/// What shows that an answer of a custom API is whole. One that ends without it counts as cut off.
public enum CustomCompletion: String, Sendable, CaseIterable {
    /// The done marker was sent.
    case doneMarker = "done_marker"
    /// A stop reason was sent.
    case stopReason = "stop_reason"
    /// The body ended as HTTP says that it ends.
    case endOfBody = "end_of_body"
}

/// A header field that goes with every request of a custom API: a plain value, or a secret between a prefix and a suffix.
public struct CustomHeader: Sendable, CustomStringConvertible {
    /// The field's name.
    public let name: String
    let prefix: String
    let credential: Credential?
    let suffix: String

    /// A field with a plain value.
    public init(_ name: String, _ value: String) {
        (self.name, prefix, credential, suffix) = (name, value, nil, "")
    }

    /// A field with a secret.
    /// - Parameters:
    ///   - prefix: what stands before the secret, such as `Bearer ` (default: nothing).
    ///   - suffix: what stands behind it (default: nothing).
    public init(_ name: String, prefix: String = "", credential: Credential, suffix: String = "") {
        (self.name, self.prefix, self.credential, self.suffix) = (name, prefix, credential, suffix)
    }

    /// The name alone: the value may be a secret.
    public var description: String { name }
}

/// An HTTP API that generates text, in Swift: what to send, and what the pieces of the answer mean. ``CustomAPI`` is one that configuration
/// describes.
///
/// ```swift
/// struct StoryModel: CustomModelAdapter {
///     let id = "stories"
///     let url = "https://stories.example.com/v2/continue"
///     let headers: [CustomHeader]
///     let format = CustomResponseFormat.jsonLines
///     let completion = CustomCompletion.stopReason
///
///     init(key: Credential) { headers = [CustomHeader("Authorization", prefix: "Key ", credential: key)] }
///
///     func body(for request: ModelRequest) throws -> JSONValue {
///         ["text": .string(ConversationText(request).prompt), "length": .integer(request.maxTokens ?? 500)]
///     }
///     func events(in payload: JSONValue) throws -> [ModelEvent] {
///         if let words = payload["words"]?.string { return [.text(words)] }
///         guard let count = payload["count"]?.integer else { return [] }
///         return [.usage(Usage(completionTokens: count))]
///     }
///     func stopReason(in payload: JSONValue) throws -> StopReason? { payload["the_end"]?.bool == true ? .endTurn : nil }
///     func errorMessage(in payload: JSONValue) -> String? { payload["problem"]?.string }
/// }
/// ```
public protocol CustomModelAdapter: Sendable {
    /// The id by which requests choose the model.
    var id: String { get }
    /// The model as the API names it, for responses (default: ``id``).
    var modelName: String { get }
    /// The absolute `http` or `https` URL that requests go to.
    var url: String { get }
    /// The method (default: `POST`).
    var method: String { get }
    /// Fields beside `Content-Type` (default: none).
    var headers: [CustomHeader] { get }
    /// How the answer comes (default: server-sent events).
    var format: CustomResponseFormat { get }
    /// The text that stands in the place of a JSON value when the answer is whole, such as `[DONE]` (default: none). Nothing is read after it.
    var doneMarker: String? { get }
    /// What shows that the answer is whole (default: the end of the body).
    var completion: CustomCompletion { get }

    /// The body of a request.
    /// - Throws: ``MillraceError`` for a request that the API cannot serve: with ``ErrorCode/modelError`` another model may.
    func body(for request: ModelRequest) throws -> JSONValue
    /// What one JSON value of the answer says. Of usage the known figures suffice; those of earlier values are kept.
    func events(in payload: JSONValue) throws -> [ModelEvent]
    /// Why the model stopped, where the value says so (default: never; the answer then ends with ``StopReason/endTurn``).
    func stopReason(in payload: JSONValue) throws -> StopReason?
    /// The API's own sentence, where the value is an error: in the stream, and in the body of a refusal (default: never).
    func errorMessage(in payload: JSONValue) -> String?
}

extension CustomModelAdapter {
    /// The id.
    public var modelName: String { id }
    /// `POST`
    public var method: String { "POST" }
    /// None.
    public var headers: [CustomHeader] { [] }
    /// Server-sent events.
    public var format: CustomResponseFormat { .serverSentEvents }
    /// None.
    public var doneMarker: String? { nil }
    /// The end of the body.
    public var completion: CustomCompletion { .endOfBody }
    /// Never.
    public func stopReason(in payload: JSONValue) throws -> StopReason? { nil }
    /// Never.
    public func errorMessage(in payload: JSONValue) -> String? { nil }
}
