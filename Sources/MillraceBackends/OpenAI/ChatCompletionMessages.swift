import FoundationEssentials
import Millrace
import MillraceCore

/// A conversation as the `messages` of a chat completion.
///
/// - A user turn is one message of role `user`; with pictures its content is a list of parts, otherwise a string.
/// - An assistant turn is a message of role `assistant` with its text and `tool_calls`; its citations are left out.
/// - A tool's result is a message of role `tool`. The API takes these only right behind the message that made the calls, one for each call,
///   so they are put there wherever they stand in the turn. A call that has no result (its run was cut off) is answered with a sentence
///   that says so, since the API refuses the conversation otherwise; a result without a call is refused here.
/// - A document attached to a turn stands there as a document if it is text, and otherwise as its name.
struct ChatCompletionMessages {
    private(set) var messages: [JSONValue] = []
    private let options: OpenAIOptions
    /// The calls of the last assistant message that wait for their results.
    private var openCalls: [ToolCall] = []
    private var documentCount = 0

    /// - Throws: ``ErrorCode/invalidInput`` for a tool result without a call, and a picture of unknown type.
    init(_ request: ModelRequest, options: OpenAIOptions) throws(MillraceError) {
        self.options = options
        if let system = request.system, !system.isEmpty { messages.append(["role": "system", "content": .string(system)]) }
        let documents = request.documents.isEmpty ? nil : DocumentPrompt(request.documents).text
        // The texts stand beside the question: in a user's message, since the system prompt's authority is not theirs.
        let place = documents == nil ? nil : request.turns.lastIndex { $0.role == .user && $0.parts.contains(where: Self.isSaid) }
        if let documents, place == nil { messages.append(["role": "user", "content": .string(documents)]) }
        for (number, turn) in request.turns.enumerated() {
            switch turn.role {
            case .user: try addUser(turn.parts, documents: number == place ? documents : nil)
            case .assistant: try addAssistant(turn.parts)
            }
        }
        closeCalls()
    }

    private static func isSaid(_ part: MessagePart) -> Bool {
        switch part {
        case .text, .image, .document: true
        case .reasoning, .toolCall, .toolReturn, .citation: false
        }
    }

    // MARK: User

    private mutating func addUser(_ parts: [MessagePart], documents: String?) throws(MillraceError) {
        for part in parts { if case .toolReturn(let result) = part { try addResult(result) } }
        closeCalls()
        guard documents != nil || parts.isEmpty || parts.contains(where: Self.isSaid) else { return }
        var content = ContentBuilder()
        if let documents { content.add(text: documents) }
        for part in parts {
            switch part {
            case .text(let text): content.add(text: text)
            case .document(let attachment): content.add(text: self.text(of: attachment))
            case .image(let attachment): try add(attachment, to: &content)
            case .reasoning, .toolCall, .toolReturn, .citation: break
            }
        }
        messages.append(["role": "user", "content": content.json])
    }

    private mutating func text(of attachment: Attachment) -> String {
        let title = attachment.title ?? "a document"
        guard let text = attachment.text else { return "[Attached, but not readable here: \(title)]" }
        documentCount += 1
        return DocumentPrompt([ModelDocument(id: "attachment_\(documentCount)", title: title, text: text)]).text
    }

    private func add(_ image: Attachment, to content: inout ContentBuilder) throws(MillraceError) {
        guard options.seesImages, let data = image.data else {
            content.add(text: "[A picture that cannot be seen here: \(image.title ?? "without a name")]")
            return
        }
        guard let type = Self.imageType(image.mimeType, data) else {
            throw MillraceError(
                .invalidInput, "the picture \(image.title ?? "") is of no known type: give its mime_type, such as image/png",
                details: ["field": "mime_type"])
        }
        content.add(part: [
            "type": "image_url", "image_url": ["url": .string("data:\(type);base64,\(Data(data).base64EncodedString())")],
        ])
    }

    /// The media type that the client gave, or what the first bytes say.
    private static func imageType(_ given: String?, _ data: [UInt8]) -> String? {
        if let given = given?.lowercased(), given.hasPrefix("image/") { return given }
        if data.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "image/png" }
        if data.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if data.starts(with: Array("GIF8".utf8)) { return "image/gif" }
        if data.starts(with: Array("RIFF".utf8)), data.dropFirst(8).starts(with: Array("WEBP".utf8)) { return "image/webp" }
        return nil
    }

    // MARK: Assistant and tools

    /// What the model wrote until it waited for its tools or was done.
    private struct Round {
        var texts: [String] = []
        var calls: [ToolCall] = []
        var reasoning: [Reasoning] = []
    }

    /// A stored answer may hold several rounds: text and calls, their results, more text. Each becomes messages of its own.
    private mutating func addAssistant(_ parts: [MessagePart]) throws(MillraceError) {
        closeCalls()
        var round = Round()
        for part in parts {
            switch part {
            case .text(let text):
                startRound(&round)
                round.texts.append(text)
            case .reasoning(let piece):
                startRound(&round)
                round.reasoning.append(piece)
            case .toolCall(let call):
                closeCalls()
                round.calls.append(call)
            case .toolReturn(let result):
                add(&round)
                try addResult(result)
            case .image, .document, .citation: break
            }
        }
        add(&round)
    }

    /// Text or reasoning behind tool calls was written after their results.
    private mutating func startRound(_ round: inout Round) {
        if !round.calls.isEmpty { add(&round) }
        closeCalls()
    }

    private mutating func add(_ round: inout Round) {
        defer { round = Round() }
        guard !round.texts.isEmpty || !round.calls.isEmpty else { return }
        var message: [String: JSONValue] = ["role": "assistant"]
        message["content"] = round.texts.isEmpty ? .null : .string(round.texts.joined(separator: "\n\n"))
        if !round.calls.isEmpty { message["tool_calls"] = .array(round.calls.map(Self.call)) }
        if let (name, value) = replay(round.reasoning) { message[name] = value }
        messages.append(.object(message))
        openCalls = round.calls
    }

    private static func call(_ call: ToolCall) -> JSONValue {
        [
            "id": .string(call.id), "type": "function",
            "function": ["name": .string(call.name), "arguments": .string(call.arguments.text)],
        ]
    }

    private func replay(_ reasoning: [Reasoning]) -> (String, JSONValue)? {
        let text = reasoning.map(\.text).joined()
        switch options.reasoningReplay {
        case .none: return nil
        case .reasoningContent: return text.isEmpty ? nil : ("reasoning_content", .string(text))
        case .reasoning: return text.isEmpty ? nil : ("reasoning", .string(text))
        case .reasoningDetails:
            var details: [JSONValue] = []
            for piece in reasoning {
                if !piece.text.isEmpty || piece.signature != nil {
                    var detail: [String: JSONValue] = [
                        "type": "reasoning.text", "text": .string(piece.text), "index": .integer(details.count),
                    ]
                    if let signature = piece.signature { detail["signature"] = .string(signature) }
                    details.append(.object(detail))
                }
                if let data = piece.redactedContent {
                    details.append(["type": "reasoning.encrypted", "data": .string(data), "index": .integer(details.count)])
                }
            }
            return details.isEmpty ? nil : ("reasoning_details", .array(details))
        }
    }

    private mutating func addResult(_ result: ToolReturn) throws(MillraceError) {
        guard let index = openCalls.firstIndex(where: { $0.id == result.id }) else {
            throw MillraceError(
                .invalidInput, "the result of the tool call '\(result.id)' (\(result.name)) does not follow a turn that made this call",
                details: ["field": "tool_id"])
        }
        openCalls.remove(at: index)
        let text = result.result.string ?? result.result.text
        add(id: result.id, result.isError ? "Error: \(text)" : text)
    }

    private mutating func closeCalls() {
        for call in openCalls { add(id: call.id, "There is no result: the call was not carried out.") }
        openCalls = []
    }

    private mutating func add(id: String, _ result: String) {
        messages.append(["role": "tool", "tool_call_id": .string(id), "content": .string(result)])
    }
}

/// A message's content: a string while it is only text, a list of parts as soon as it holds something else.
private struct ContentBuilder {
    private var parts: [JSONValue] = []
    private var text: String?

    mutating func add(text more: String) { text = text.map { $0 + "\n\n" + more } ?? more }

    mutating func add(part: JSONValue) {
        flush()
        parts.append(part)
    }

    private mutating func flush() {
        if let text { parts.append(["type": "text", "text": .string(text)]) }
        text = nil
    }

    var json: JSONValue {
        if parts.isEmpty { return .string(text ?? "") }
        var whole = self
        whole.flush()
        return .array(whole.parts)
    }
}
