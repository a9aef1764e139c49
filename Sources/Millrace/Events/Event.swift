public import MillraceCore

/// What an event says. An open set: a handler may emit kinds of its own with ``Event/custom(_:_:)``.
public struct EventKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The kind's name, which is the `event:` field on the wire.
    public let rawValue: String
    /// A kind of that name: lower-case letters, digits and underscores.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name.
    public var description: String { rawValue }

    /// A run has started; always the first event.
    public static let responseStart = EventKind(rawValue: "response_start")
    /// Progress, for people.
    public static let status = EventKind(rawValue: "status")
    /// A piece of the answer's text.
    public static let content = EventKind(rawValue: "content")
    /// A piece of the model's reasoning.
    public static let reasoning = EventKind(rawValue: "reasoning")
    /// A tool is being called.
    public static let toolCall = EventKind(rawValue: "tool_call")
    /// A tool has returned.
    public static let toolReturn = EventKind(rawValue: "tool_return")
    /// A document that the answer draws on.
    public static let document = EventKind(rawValue: "document")
    /// A place in a document that backs the answer.
    public static let citation = EventKind(rawValue: "citation")
    /// Facts for programs.
    public static let metadata = EventKind(rawValue: "metadata")
    /// The run waits for a person.
    public static let interrupt = EventKind(rawValue: "interrupt")
    /// Something failed.
    public static let error = EventKind(rawValue: "error")
    /// The run has ended; always the last event.
    public static let responseEnd = EventKind(rawValue: "response_end")
}

/// A document that an answer draws on.
public struct DocumentReference: Equatable, Sendable {
    /// The id that citations name.
    public var documentID: String
    /// The title to show.
    public var title: String
    /// `content://ID`, where it is stored here.
    public var pointer: String?
    /// The media type.
    public var mimeType: String?
    /// The number of pages, where it has pages.
    public var pageCount: Int?
    /// The number of words.
    public var wordCount: Int?
    /// Creates a reference.
    public init(
        documentID: String, title: String, pointer: String? = nil, mimeType: String? = nil, pageCount: Int? = nil, wordCount: Int? = nil
    ) {
        self.documentID = documentID
        self.title = title
        self.pointer = pointer
        self.mimeType = mimeType
        self.pageCount = pageCount
        self.wordCount = wordCount
    }
}

/// One typed event of a run.
///
/// ```swift
/// try await context.emit(.status("searching", message: "Looking through 3 documents"))
/// try await context.emit(.content("The answer is "))
/// ```
public struct Event: Equatable, Sendable {
    package enum Body: Equatable, Sendable {
        indirect case responseStart(ResponseStart)
        case status(status: String, message: String, discardedBlocks: [Int])
        /// A `status`, too: what was taken back.
        indirect case retracted(RetractionNotice)
        case content(String)
        indirect case reasoning(Reasoning)
        indirect case toolCall(ToolCall)
        indirect case toolReturn(ToolReturn)
        indirect case document(DocumentReference)
        indirect case citation(Citation)
        case metadata([String: JSONValue])
        indirect case failure(RunFailure)
        indirect case responseEnd(ResponseEnd)
        case custom([String: JSONValue])
    }

    /// What the event says.
    public let kind: EventKind
    package var body: Body
    /// Whether readers get the event. One that is not sent is only in the log.
    public var isEmitted = true
    /// Whether the event becomes part of the chat's stored message.
    public var isPersisted = true
    /// The block that the event belongs to, from 0 to 1,000,000,000; `nil`: Millrace numbers blocks itself (consecutive pieces of text form
    /// one). Another number is refused when the event is emitted (``ErrorCode/invalidInput``).
    public var contentBlockIndex: Int?
    /// Whether ``contentBlockIndex`` is Millrace's choice, made for the stages to see: then the block ends where another begins.
    package var isBlockAssigned = false
    /// Whether the text has been judged by the stored guardrail where it was made. Another text has not.
    package var isJudged = false

    package init(_ kind: EventKind, _ body: Body) {
        self.kind = kind
        self.body = body
    }

    /// Progress, for people.
    /// - Parameters:
    ///   - status: a short machine-readable word, such as `searching`.
    ///   - message: a sentence to show.
    ///   - discardedBlocks: the numbers of content blocks that no longer count: readers drop them, and the stored message does not hold
    ///     them (default: none). What follows is in a new block.
    public static func status(_ status: String, message: String, discardedBlocks: [Int] = []) -> Event {
        Event(.status, .status(status: status, message: message, discardedBlocks: discardedBlocks))
    }

    /// A guardrail has taken text back. Only the run itself says so.
    package static func retracted(_ notice: RetractionNotice) -> Event { Event(.status, .retracted(notice)) }

    /// A piece of the answer's text; pieces of one block concatenate.
    public static func content(_ text: String) -> Event { Event(.content, .content(text)) }

    /// A piece of the model's reasoning.
    public static func reasoning(_ reasoning: Reasoning) -> Event { Event(.reasoning, .reasoning(reasoning)) }

    /// A tool is being called.
    public static func toolCall(_ call: ToolCall) -> Event { Event(.toolCall, .toolCall(call)) }

    /// A tool has returned.
    public static func toolReturn(_ result: ToolReturn) -> Event { Event(.toolReturn, .toolReturn(result)) }

    /// A document that the answer draws on.
    public static func document(_ document: DocumentReference) -> Event { Event(.document, .document(document)) }

    /// A place in a document that backs the answer.
    public static func citation(_ citation: Citation) -> Event { Event(.citation, .citation(citation)) }

    /// Facts for programs.
    public static func metadata(_ metadata: [String: JSONValue]) -> Event { Event(.metadata, .metadata(metadata)) }

    /// An event of a kind that Millrace does not know.
    /// - Parameters:
    ///   - kind: its name; the names that Millrace itself uses are refused when it is emitted.
    ///   - fields: the members of its data, beside those that every event has.
    public static func custom(_ kind: EventKind, _ fields: [String: JSONValue]) -> Event { Event(kind, .custom(fields)) }

    /// The text of a `content` or `reasoning` event. Stages that look at what a reader would see read and replace this.
    public var text: String? {
        get {
            switch body {
            case .content(let text): text
            case .reasoning(let reasoning): reasoning.text
            default: nil
            }
        }
        set {
            isJudged = false
            switch body {
            case .content: body = .content(newValue ?? "")
            case .reasoning(var reasoning):
                reasoning.text = newValue ?? ""
                body = .reasoning(reasoning)
            default: break
            }
        }
    }

    /// The blocks that a `status` event takes back; none for any other event. A stage that holds text of one of them drops it.
    public var discardedBlocks: [Int] {
        if case .status(_, _, let blocks) = body { blocks } else { [] }
    }

    /// The event, but not sent to readers.
    public func hidden() -> Event {
        var event = self
        event.isEmitted = false
        return event
    }

    /// The event, but kept out of the chat's stored message.
    public func transient() -> Event {
        var event = self
        event.isPersisted = false
        return event
    }
}

/// What `response_start` says.
package struct ResponseStart: Equatable, Sendable {
    package var requestID: String
    package var chatID: String
    package var task: String
    package var modelID: String?
    package var parentID: String
    package var continues: String?
    package init(requestID: String, chatID: String, task: String, modelID: String?, parentID: String, continues: String? = nil) {
        self.requestID = requestID
        self.chatID = chatID
        self.task = task
        self.modelID = modelID
        self.parentID = parentID
        self.continues = continues
    }
}

/// What an `error` event says.
package struct RunFailure: Equatable, Sendable {
    package var code: ErrorCode
    package var message: String
    package var details: [String: JSONValue]
    package var chatID: String
    /// The HTTP status that the failure would have been before the stream started.
    package var httpStatus: Int
    package init(code: ErrorCode, message: String, details: [String: JSONValue], chatID: String, httpStatus: Int) {
        self.code = code
        self.message = message
        self.details = details
        self.chatID = chatID
        self.httpStatus = httpStatus
    }
}

/// What `response_end` says.
package struct ResponseEnd: Equatable, Sendable {
    package var status: RunStatus
    package var usage: Usage
    package var chatID: String
    package init(status: RunStatus, usage: Usage, chatID: String) {
        self.status = status
        self.usage = usage
        self.chatID = chatID
    }
}
