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
    /// The message's id; an assistant's message has the id of the run that wrote it.
    public var id: String
    /// The chat that it belongs to.
    public var chatID: String
    /// The message that it follows, `nil` for the first.
    public var parentID: String?
    /// Who it is from.
    public var role: MessageRole
    /// What it says.
    public var parts: [MessagePart]
    /// When it was stored.
    public var createdAt: Timestamp
    /// The model that wrote it, for an assistant's message.
    public var modelID: String?
    /// What writing it consumed, for an assistant's message.
    public var usage: Usage?
    /// More facts, as the handler or client gave them.
    public var metadata: [String: JSONValue]
    /// How the run that wrote it ended; a user's message is `completed`.
    public var status: RunStatus

    /// Creates a message.
    public init(
        id: String, chatID: String, parentID: String?, role: MessageRole, parts: [MessagePart], createdAt: Timestamp,
        modelID: String? = nil, usage: Usage? = nil, metadata: [String: JSONValue] = [:], status: RunStatus = .completed
    ) {
        self.id = id
        self.chatID = chatID
        self.parentID = parentID
        self.role = role
        self.parts = parts
        self.createdAt = createdAt
        self.modelID = modelID
        self.usage = usage
        self.metadata = metadata
        self.status = status
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
