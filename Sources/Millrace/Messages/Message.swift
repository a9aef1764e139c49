public import MillraceCore

/// Who a message is from.
public enum MessageRole: String, Sendable, Equatable {
    /// The person (or program) that asks.
    case user
    /// The handler's answer.
    case assistant
}

/// One message of a chat. Messages form a tree: each names its parent, and a reply to an older message starts a branch.
public struct Message: Equatable, Sendable {
    /// Out of line: a run, its handler and the store keep the same message.
    private var fields: OutOfLine<Fields>

    private struct Fields: Equatable {
        var id: String
        var chatID: String
        var parentID: String?
        var role: MessageRole
        var parts: [MessagePart]
        var createdAt: Timestamp
        var modelID: String?
        var usage: OutOfLine<Usage>?
        var metadata: [String: JSONValue]
        var status: RunStatus
    }

    /// The message's id; an assistant's message has the id of the run that wrote it.
    public var id: String {
        get { fields.value.id }
        set { fields.value.id = newValue }
    }
    /// The chat that it belongs to.
    public var chatID: String {
        get { fields.value.chatID }
        set { fields.value.chatID = newValue }
    }
    /// The message that it follows, `nil` for the first.
    public var parentID: String? {
        get { fields.value.parentID }
        set { fields.value.parentID = newValue }
    }
    /// Who it is from.
    public var role: MessageRole {
        get { fields.value.role }
        set { fields.value.role = newValue }
    }
    /// What it says.
    public var parts: [MessagePart] {
        get { fields.value.parts }
        _modify { yield &fields.value.parts }
    }
    /// When it was stored.
    public var createdAt: Timestamp {
        get { fields.value.createdAt }
        set { fields.value.createdAt = newValue }
    }
    /// The model that wrote it, for an assistant's message.
    public var modelID: String? {
        get { fields.value.modelID }
        set { fields.value.modelID = newValue }
    }
    /// What writing it consumed, for an assistant's message.
    public var usage: Usage? {
        get { fields.value.usage?.value }
        set { fields.value.usage = newValue.map { OutOfLine($0) } }
    }
    /// More facts, as the handler or client gave them.
    public var metadata: [String: JSONValue] {
        get { fields.value.metadata }
        _modify { yield &fields.value.metadata }
    }
    /// How the run that wrote it ended; a user's message is `completed`.
    public var status: RunStatus {
        get { fields.value.status }
        set { fields.value.status = newValue }
    }

    /// Creates a message.
    public init(
        id: String, chatID: String, parentID: String?, role: MessageRole, parts: [MessagePart], createdAt: Timestamp,
        modelID: String? = nil, usage: Usage? = nil, metadata: [String: JSONValue] = [:], status: RunStatus = .completed
    ) {
        fields = OutOfLine(
            Fields(
                id: id, chatID: chatID, parentID: parentID, role: role, parts: parts, createdAt: createdAt, modelID: modelID,
                usage: usage.map { OutOfLine($0) }, metadata: metadata, status: status))
    }

    /// The message's text parts, joined by blank lines.
    public var text: String {
        parts.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: "\n\n")
    }
}

/// A conversation: a tree of messages that one owner keeps.
public struct Chat: Equatable, Sendable {
    /// The chat's id, unique for its owner.
    public var id: String
    /// A title to show.
    public var title: String?
    /// When it was made.
    public var createdAt: Timestamp
    /// When it last changed.
    public var updatedAt: Timestamp
    /// The newest finished leaf: where the next message goes on unless it names another parent.
    public var newestMessageID: String?
    /// More facts, as the client gave them.
    public var metadata: [String: JSONValue]

    /// Creates a chat.
    public init(
        id: String, title: String?, createdAt: Timestamp, updatedAt: Timestamp, newestMessageID: String? = nil,
        metadata: [String: JSONValue] = [:]
    ) {
        self.id = id
        self.title = title
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.newestMessageID = newestMessageID
        self.metadata = metadata
    }
}
