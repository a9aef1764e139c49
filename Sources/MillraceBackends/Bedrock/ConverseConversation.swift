import FoundationEssentials
import Millrace
import MillraceCore

/// A request's turns and documents as the API's `messages`.
///
/// The API wants the user to speak first, roles to alternate, every tool call to be answered in the very next message, a text beside every
/// document, and no two documents of one name. Millrace stores a whole run as one assistant's message, tool results included, so turns are
/// cut and joined until they have that form, as ``MessagesConversation`` does it for Anthropic's own API:
/// - Consecutive parts of one role become one message; parts that say nothing (blank text, unsigned reasoning, citations) are left out.
/// - A tool's result moves behind the message that called the tool. A call that nothing answers gets a result that says so.
/// - Documents that are cited stand at the start of the first user's message, where they stay as the conversation grows, so that the
///   service's cache can hold them. Others stand as text before the last question.
///
/// Source: `Message`, `ContentBlock` and `DocumentBlock`, Amazon Bedrock API Reference.
struct ConverseConversation {
    private struct Draft {
        let role: MessageRole
        var results: [JSONValue] = []
        var blocks: [JSONValue] = []
        /// The tool calls in `blocks`: their ids as sent, and their numbers among all calls of the conversation.
        var calls: [(id: String, number: Int)] = []

        var json: JSONValue { ["role": .string(role.rawValue), "content": .array(results + blocks)] }

        func has(_ name: String) -> Bool { blocks.contains { $0[name] != nil } }
    }

    /// The documents that one request may have (`Message`, Amazon Bedrock API Reference).
    private static let documentLimit = 5

    /// The messages, oldest first.
    private(set) var messages: [JSONValue] = []
    /// What can be cited.
    private(set) var sources = ConverseSources()
    /// The names of the tools that the conversation calls, as sent.
    private(set) var toolNames: Set<String> = []

    private let options: BedrockOptions
    private let cites: Bool
    private var drafts: [Draft] = []
    /// The results by the number of their call. Not by its id: some providers count ids from the start in every answer.
    private var results: [Int: ToolReturn] = [:]
    private var callCount = 0
    private var callIDs: Set<String> = []

    /// - Parameter cites: whether documents are to be cited.
    init(_ request: ModelRequest, options: BedrockOptions, cites: Bool) throws(MillraceError) {
        self.options = options
        self.cites = cites
        results = try MessagesConversation.results(request.turns)
        let documents = request.documents.filter { !MessagesConversation.isBlank($0.text) }
        let citable = cites ? citableBlocks(documents, besides: Self.attachmentCount(request.turns)) : []
        let prompt = cites || documents.isEmpty ? nil : DocumentPrompt(documents).text
        // Beside the question: in a user's message, since the system prompt's authority is not theirs.
        let place = prompt == nil ? nil : request.turns.lastIndex { $0.role == .user && $0.parts.contains(where: Self.isSaid) }
        if let prompt, place == nil { append(["text": .string(prompt)], as: .user) }

        let loop = MessagesConversation.startOfToolLoop(request.turns)
        let guarded = options.guardrail?.checksLastTurnOnly == true ? loop - 1 : nil
        for (number, turn) in request.turns.enumerated() {
            if let prompt, number == place { append(["text": .string(prompt)], as: .user) }
            let handsReasoningBack = options.reasoningHistory == .all || number >= loop
            for part in turn.parts {
                try add(part, role: turn.role, handsReasoningBack: handsReasoningBack, isGuarded: number == guarded)
            }
        }
        answerCalls()

        if !citable.isEmpty {
            if let first = drafts.firstIndex(where: { $0.role == .user }) {
                drafts[first].blocks.insert(contentsOf: citable, at: 0)
            } else {
                drafts.insert(Draft(role: .user, blocks: citable), at: 0)
            }
        }
        guard let first = drafts.first else {
            throw MessagesRequest.wrong("turns", "says nothing: the model needs a message to answer")
        }
        guard first.role == .user else {
            throw MessagesRequest.wrong("turns", "begins with the assistant: Bedrock's models need a message of the user's first")
        }
        for index in drafts.indices where drafts[index].has("document") && !drafts[index].has("text") {
            drafts[index].blocks.append(["text": "[The documents are attached.]"])
        }
        if let cachePoint = ConverseRequest.cachePoint(options.promptCaching), let last = drafts.lastIndex(where: { $0.role == .user }) {
            drafts[last].blocks.append(cachePoint)
        }
        messages = drafts.map(\.json)
    }

    private static func isSaid(_ part: MessagePart) -> Bool {
        switch part {
        case .text(let text): !MessagesConversation.isBlank(text)
        case .image, .document: true
        case .reasoning, .toolCall, .toolReturn, .citation: false
        }
    }

    private static func attachmentCount(_ turns: [ModelRequest.Turn]) -> Int {
        turns.filter { $0.role == .user }.flatMap(\.parts).count { if case .document = $0 { true } else { false } }
    }

    /// Documents as blocks that can be cited: document blocks as long as the API takes so many, else search results, which it does not
    /// count and which only Claude knows, as it alone cites.
    private mutating func citableBlocks(_ documents: [ModelDocument], besides attachments: Int) -> [JSONValue] {
        let fits = documents.count + attachments <= Self.documentLimit
        return documents.map { document in
            if fits {
                let name = sources.add(id: document.id, title: document.title)
                // The name is not quite the title, and answers by schema may have to name ids.
                let context = "document_id: \(document.id)\ntitle: \(document.title)"
                let block = ConverseAttachment.documentBlock(
                    format: "txt", bytes: Array(document.text.utf8), name: name, context: context, cites: true)
                return ["document": block]
            }
            sources.addSearchResult(id: document.id, title: document.title)
            return [
                "searchResult": [
                    "source": .string(document.id.isEmpty ? "document" : document.id),
                    "title": .string(document.title.isEmpty ? "document" : document.title),
                    "content": [["text": .string(document.text)]], "citations": ["enabled": true],
                ]
            ]
        }
    }

    // MARK: Parts

    private mutating func add(
        _ part: MessagePart, role: MessageRole, handsReasoningBack: Bool, isGuarded: Bool
    ) throws(MillraceError) {
        switch part {
        case .text(let text):
            guard !MessagesConversation.isBlank(text) else { break }
            append(isGuarded ? ["guardContent": ["text": ["text": .string(text)]]] : ["text": .string(text)], as: role)
        // The API has images and documents in users' messages only; in an answer they are a record of what it drew on.
        case .image(let attachment): if role == .user { add(image: attachment, isGuarded: isGuarded) }
        case .document(let attachment): if role == .user { add(document: attachment) }
        case .reasoning(let reasoning):
            guard role == .assistant, handsReasoningBack else { break }
            if let signature = reasoning.signature {
                let block: JSONValue = ["reasoningText": ["text": .string(reasoning.text), "signature": .string(signature)]]
                append(["reasoningContent": block], as: .assistant)
            }
            // What is no base64 is another provider's.
            if let redacted = reasoning.redactedContent, Data(base64Encoded: redacted) != nil {
                append(["reasoningContent": ["redactedContent": .string(redacted)]], as: .assistant)
            }
        case .toolCall(let call): try add(call)
        case .toolReturn: answerCalls()
        // Citations are for readers; what they back stands in the text.
        case .citation: break
        }
    }

    private mutating func add(image attachment: Attachment, isGuarded: Bool) {
        guard options.seesImages, let image = ConverseAttachment.image(attachment) else {
            append(Self.note(attachment), as: .user)
            return
        }
        // A guardrail looks at PNG and JPEG.
        let canBeGuarded = image["format"] == "png" || image["format"] == "jpeg"
        append(isGuarded && canBeGuarded ? ["guardContent": ["image": image]] : ["image": image], as: .user)
    }

    private mutating func add(document attachment: Attachment) {
        if options.readsDocuments, let data = attachment.data, let format = ConverseAttachment.format(of: attachment) {
            let id = attachment.pointer ?? attachment.title ?? "attachment_\(sources.documentCount + 1)"
            let name = sources.add(id: id, title: attachment.title, pointer: attachment.pointer)
            let block = ConverseAttachment.documentBlock(format: format, bytes: data, name: name, context: nil, cites: cites)
            append(["document": block], as: .user)
        } else if let text = attachment.text, !MessagesConversation.isBlank(text) {
            let title = attachment.title ?? "a document"
            let document = ModelDocument(id: attachment.pointer ?? title, title: title, text: text)
            append(["text": .string(DocumentPrompt([document]).text)], as: .user)
        } else {
            append(Self.note(attachment), as: .user)
        }
    }

    /// A text that names what the model does not get to see, so that it can say so.
    private static func note(_ attachment: Attachment) -> JSONValue {
        let name = attachment.title ?? attachment.pointer ?? "without a name"
        let type = attachment.mimeType.map { " (\($0))" } ?? ""
        return ["text": .string("[Attachment \(name)\(type): its content is not included.]")]
    }

    private mutating func append(_ block: JSONValue, as role: MessageRole) {
        if role == .user { answerCalls() }
        if drafts.last?.role != role { drafts.append(Draft(role: role)) }
        drafts[drafts.count - 1].blocks.append(block)
    }

    // MARK: Tools

    private mutating func add(_ call: ToolCall) throws(MillraceError) {
        guard call.arguments.isNull || call.arguments.object != nil else {
            throw MessagesRequest.wrong("turns", "has a call of the tool '\(call.name)' whose arguments are no object")
        }
        let id = uniqueCallID(call.id)
        let name = Self.kept(call.name, "")
        toolNames.insert(name)
        append(
            [
                "toolUse": [
                    "toolUseId": .string(id), "name": .string(name), "input": call.arguments.isNull ? [:] : call.arguments,
                ]
            ], as: .assistant)
        drafts[drafts.count - 1].calls.append((id, callCount))
        callCount += 1
    }

    /// Ends an assistant's message that calls tools with the message that answers all of them.
    private mutating func answerCalls() {
        guard let calls = drafts.last?.calls, !calls.isEmpty else { return }
        var answer = Draft(role: .user)
        for call in calls { answer.results.append(Self.result(results[call.number], of: call.id)) }
        drafts.append(answer)
    }

    private static func result(_ result: ToolReturn?, of id: String) -> JSONValue {
        let content: JSONValue
        switch result?.result {
        case nil: content = ["text": "The call was interrupted and has no result."]
        case .object(let members)?: content = ["json": .object(members)]
        case .string(let text)? where !MessagesConversation.isBlank(text): content = ["text": .string(text)]
        case .string?, .null?: content = ["text": "The tool gave nothing back."]
        // The API takes an object as JSON, and nothing else.
        case let value?: content = ["text": .string(value.text)]
        }
        var members: [String: JSONValue] = ["toolUseId": .string(id), "content": [content]]
        // Success is what no status says, and some models take none.
        if result?.isError ?? true { members["status"] = "error" }
        return ["toolResult": .object(members)]
    }

    /// A call's id in the characters and the length that the API takes, and once in a conversation: other providers use more, or begin anew
    /// in every answer.
    private mutating func uniqueCallID(_ id: String) -> String {
        let kept = Self.kept(id, ".:")
        var unique = kept
        var number = 2
        while !callIDs.insert(unique).inserted {
            let suffix = "_\(number)"
            unique = kept.prefix(64 - suffix.utf8.count) + suffix
            number += 1
        }
        return unique
    }

    /// A name of 1 to 64 letters, digits, `_`, `-` and some more characters, with `_` in place of others.
    private static func kept(_ name: String, _ more: String) -> String {
        let bytes = name.utf8.prefix(64).map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                byte
            default: more.utf8.contains(byte) ? byte : UInt8(ascii: "_")
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}
