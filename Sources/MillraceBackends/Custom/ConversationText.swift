public import Millrace
public import MillraceCore

/// A request's conversation in the plain forms that simple APIs take.
///
/// Documents stand before the last user's text, each with its id and title. An attachment that the model is not given leaves its name.
public struct ConversationText: Equatable, Sendable {
    /// One turn as text.
    public struct Turn: Equatable, Sendable {
        /// `user` or `assistant`.
        public var role: String
        /// What is said.
        public var text: String
    }

    /// Instructions that stand above the conversation.
    public var system: String?
    /// The conversation, oldest first, without turns that say nothing.
    public var turns: [Turn]

    /// Reads a request.
    public init(_ request: ModelRequest) {
        system = request.system.flatMap { $0.isEmpty ? nil : $0 }
        turns = request.turns.map { Turn(role: $0.role.rawValue, text: Self.text(of: $0.parts)) }
        if !request.documents.isEmpty {
            let documents = request.documents.map { "[\($0.id)] \($0.title)\n\($0.text)" }.joined(separator: "\n\n")
            let preface = "Documents to answer from:\n\n\(documents)"
            if let last = turns.lastIndex(where: { $0.role == MessageRole.user.rawValue }) {
                turns[last].text = turns[last].text.isEmpty ? preface : preface + "\n\n" + turns[last].text
            } else {
                turns.append(Turn(role: MessageRole.user.rawValue, text: preface))
            }
        }
        turns.removeAll { $0.text.isEmpty }
    }

    /// The last user's text, with the documents.
    public var message: String { turns.last { $0.role == MessageRole.user.rawValue }?.text ?? "" }

    /// The whole conversation: a lone user's turn as it is, otherwise every turn behind `User:` or `Assistant:`, and `Assistant:` at the end.
    public var prompt: String {
        if turns.count == 1, turns[0].role == MessageRole.user.rawValue { return turns[0].text }
        if turns.isEmpty { return "" }
        let said = turns.map { ($0.role == MessageRole.user.rawValue ? "User: " : "Assistant: ") + $0.text }
        return said.joined(separator: "\n\n") + "\n\nAssistant:"
    }

    /// The turns as `[{"role":…,"content":…}]`.
    public var messages: JSONValue { .array(turns.map { ["role": .string($0.role), "content": .string($0.text)] }) }

    private static func text(of parts: [MessagePart]) -> String {
        parts.compactMap { part -> String? in
            switch part {
            case .text(let text): text.isEmpty ? nil : text
            case .document(let attachment): attachment.text ?? leftOut(attachment)
            case .image(let attachment): leftOut(attachment)
            case .toolCall(let call): "[called the tool \(call.name) with \(call.arguments.text)]"
            case .toolReturn(let result): "[the tool \(result.name) returned \(result.result.text)]"
            case .reasoning, .citation: nil
            }
        }.joined(separator: "\n\n")
    }

    private static func leftOut(_ attachment: Attachment) -> String {
        "[not shown: \(attachment.title ?? attachment.mimeType ?? "an attachment")]"
    }
}
