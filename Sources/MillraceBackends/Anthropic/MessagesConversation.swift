import Millrace
import MillraceCore

/// A request's turns and documents as the API's `messages`.
///
/// The API wants roles to alternate, every tool call to be answered in the very next message, and the answers to stand first in it.
/// Millrace stores a whole run as one assistant's message, tool results included, so turns are cut and joined until they have that form:
/// - Consecutive parts of one role become one message; parts that say nothing (blank text, unsigned reasoning, citations) are left out.
/// - A tool's result moves behind the message that called the tool. A call that nothing answers (its run was cancelled) gets a result that
///   says so, since the API refuses the whole conversation otherwise.
/// - The request's documents stand at the start of the first user's message, where they stay as the conversation grows, so that the
///   provider's cache can hold them.
struct MessagesConversation {
    private struct Draft {
        let role: MessageRole
        var results: [JSONValue] = []
        var blocks: [JSONValue] = []
        /// The tool calls in `blocks`: their ids, and their numbers among all calls of the conversation.
        var calls: [(id: String, number: Int)] = []

        var json: JSONValue { ["role": .string(role.rawValue), "content": .array(results + blocks)] }
    }

    /// The messages, oldest first.
    private(set) var messages: [JSONValue] = []
    /// What the document blocks are, in their order.
    private(set) var documents: [MessagesRequest.Document] = []

    private let cites: Bool
    private var drafts: [Draft] = []
    /// The results by the number of their call. Not by its id: some providers count ids from the start in every answer.
    private var results: [Int: ToolReturn] = [:]
    private var callCount = 0

    init(_ request: ModelRequest, options: AnthropicOptions, cites: Bool) throws(MillraceError) {
        self.cites = cites
        var documentBlocks: [JSONValue] = []
        // The API refuses a document without text.
        for document in request.documents where !Self.isBlank(document.text) {
            documents.append(.init(id: document.id, title: document.title))
            documentBlocks.append(
                .object(
                    MessagesAttachment.documentBlock(
                        source: MessagesAttachment.textSource(document.text), title: document.title,
                        // The title and this are shown to the model and never cited; answers by schema may have to name ids.
                        context: "document_id: \(document.id)", cites: cites)))
        }
        if let cache = MessagesRequest.cacheControl(options.promptCaching), case .object(var last)? = documentBlocks.last {
            last["cache_control"] = cache
            documentBlocks[documentBlocks.count - 1] = .object(last)
        }

        results = try Self.results(request.turns)
        let loop = Self.startOfToolLoop(request.turns)
        for (number, turn) in request.turns.enumerated() {
            for part in turn.parts {
                try add(part, role: turn.role, handsReasoningBack: options.reasoningHistory == .all || number >= loop)
            }
        }
        answerCalls()

        if !documentBlocks.isEmpty {
            if let first = drafts.firstIndex(where: { $0.role == .user }) {
                drafts[first].blocks.insert(contentsOf: documentBlocks, at: 0)
            } else {
                drafts.insert(Draft(role: .user, blocks: documentBlocks), at: 0)
            }
        }
        guard !drafts.isEmpty else { throw MessagesRequest.wrong("turns", "says nothing: the model needs a message to answer") }
        messages = drafts.map(\.json)
    }

    /// Whether a text is nothing but white space, which the API refuses as content.
    static func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }

    /// The first turn after the last one in which the user, and no tool, spoke.
    static func startOfToolLoop(_ turns: [ModelRequest.Turn]) -> Int {
        let spoke = turns.lastIndex { turn in
            turn.role == .user && !turn.parts.contains { if case .toolReturn = $0 { true } else { false } }
        }
        return spoke.map { $0 + 1 } ?? 0
    }

    /// The results of tool calls; each belongs to the last call of its id that stands before it.
    static func results(_ turns: [ModelRequest.Turn]) throws(MillraceError) -> [Int: ToolReturn] {
        var results: [Int: ToolReturn] = [:]
        var open: [String: Int] = [:]
        var count = 0
        for part in turns.flatMap(\.parts) {
            switch part {
            case .toolCall(let call):
                open[call.id] = count
                count += 1
            case .toolReturn(let result):
                guard let number = open.removeValue(forKey: result.id) else {
                    throw MessagesRequest.wrong(
                        "turns", "has a result of the tool call '\(result.id)', but no call before it: keep call and result together")
                }
                results[number] = result
            default: break
            }
        }
        return results
    }

    private mutating func add(_ part: MessagePart, role: MessageRole, handsReasoningBack: Bool) throws(MillraceError) {
        switch part {
        case .text(let text):
            if !Self.isBlank(text) { append(["type": "text", "text": .string(text)], as: role) }
        case .image(let attachment):
            // The API has images and documents in users' messages only; in an answer they are a record of what it drew on.
            if role == .user { append(MessagesAttachment.image(attachment), as: .user) }
        case .document(let attachment):
            guard role == .user else { break }
            if let block = MessagesAttachment.document(attachment, cites: cites) {
                let id = attachment.pointer ?? attachment.title ?? "attachment_\(documents.count + 1)"
                documents.append(.init(id: id, title: attachment.title, pointer: attachment.pointer))
                append(block, as: .user)
            } else {
                append(MessagesAttachment.note(attachment), as: .user)
            }
        case .reasoning(let reasoning):
            guard role == .assistant, handsReasoningBack else { break }
            if let signature = reasoning.signature {
                append(
                    ["type": "thinking", "thinking": .string(reasoning.text), "signature": .string(signature)], as: .assistant)
            }
            if let redacted = reasoning.redactedContent {
                append(["type": "redacted_thinking", "data": .string(redacted)], as: .assistant)
            }
        case .toolCall(let call):
            guard call.arguments.isNull || call.arguments.object != nil else {
                throw MessagesRequest.wrong("turns", "has a call of the tool '\(call.name)' whose arguments are no object")
            }
            append(
                [
                    "type": "tool_use", "id": .string(Self.callID(call.id)), "name": .string(call.name),
                    "input": call.arguments.isNull ? [:] : call.arguments,
                ], as: .assistant)
            drafts[drafts.count - 1].calls.append((call.id, callCount))
            callCount += 1
        case .toolReturn: answerCalls()
        // Citations are for readers; what they back stands in the text.
        case .citation: break
        }
    }

    private mutating func append(_ block: JSONValue, as role: MessageRole) {
        if role == .user { answerCalls() }
        if drafts.last?.role != role { drafts.append(Draft(role: role)) }
        drafts[drafts.count - 1].blocks.append(block)
    }

    /// Ends an assistant's message that calls tools with the message that answers all of them.
    private mutating func answerCalls() {
        guard let calls = drafts.last?.calls, !calls.isEmpty else { return }
        var answer = Draft(role: .user)
        for call in calls { answer.results.append(Self.result(results[call.number], of: call.id)) }
        drafts.append(answer)
    }

    private static func result(_ result: ToolReturn?, of id: String) -> JSONValue {
        var members: [String: JSONValue] = ["type": "tool_result", "tool_use_id": .string(callID(id))]
        guard let result else {
            members["content"] = "The call was interrupted and has no result."
            members["is_error"] = true
            return .object(members)
        }
        switch result.result {
        case .null: break
        case .string(let text): if !isBlank(text) { members["content"] = .string(text) }
        case let value: members["content"] = .string(value.text)
        }
        if result.isError { members["is_error"] = true }
        return .object(members)
    }

    /// A call's id in the characters that the API takes: letters, digits, `_` and `-`. Other providers use more.
    private static func callID(_ id: String) -> String {
        let bytes = id.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}
