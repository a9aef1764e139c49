public import MillraceCore

/// What Millrace is for: a piece of AI work that reads a request and emits typed events.
///
/// ```swift
/// struct EchoHandler: TaskHandler {
///     let name = "echo"
///     let description = "Says back what it is told"
///
///     func handle(_ request: TaskRequest, _ context: RunContext) async throws {
///         try await context.emit(.content("You said: \(request.text)"))
///     }
/// }
/// ```
/// A handler runs on an event loop: it may `await` for as long as it likes, and must not block (use ``RunContext/runBlocking(_:)``).
/// Returning completes the run; throwing ends it with an `error` event. A ``MillraceError`` reaches the client with its code and message,
/// any other error as a plain `handler_error` whose text only the log shows. Cancellation is Swift's own: every `emit` and every model call
/// throws `CancellationError` once the run is cancelled.
public protocol TaskHandler: Sendable {
    /// The name by which requests choose it, in snake case: `rag_oss` for the type `RagOssHandler` and the folder `examples/rag_oss`.
    var name: String { get }
    /// One sentence on what it does, for the API and for people.
    var description: String { get }
    /// How its runs are run; the default suits a chat.
    var options: TaskHandlerOptions { get }
    /// Does the work.
    func handle(_ request: TaskRequest, _ context: RunContext) async throws
    /// Checks of the handler's own on what goes into a run and what comes out of it, made anew for each run (default: none). They come before
    /// the stored guardrail.
    func stages(for request: TaskRequest) -> [any EventStage]
}

extension TaskHandler {
    /// None.
    public func stages(for request: TaskRequest) -> [any EventStage] { [] }
    /// The defaults of ``TaskHandlerOptions``.
    public var options: TaskHandlerOptions { TaskHandlerOptions() }
}

/// What happens to a run whose last reader has left.
public enum DetachPolicy: Equatable, Sendable {
    /// It goes on; its log can be read later.
    case `continue`
    /// It is cancelled unless a reader comes back within the grace period.
    case cancel(graceSeconds: Double)
}

/// How a handler's runs are run.
public struct TaskHandlerOptions: Equatable, Sendable {
    /// The model for requests that name none; `nil`: the server's default model.
    public var modelID: String?
    /// What happens when the last reader has left (default: the run goes on).
    public var detach: DetachPolicy
    /// The longest that a run may take, in seconds; `nil`: the server's setting (10 minutes).
    public var longestRunSeconds: Double?
    /// What a restart does with a run that a crash interrupted (default: close it).
    public var recovery: RecoveryPolicy

    /// Creates options.
    public init(
        modelID: String? = nil, detach: DetachPolicy = .continue, longestRunSeconds: Double? = nil, recovery: RecoveryPolicy = .close
    ) {
        self.modelID = modelID
        self.detach = detach
        self.longestRunSeconds = longestRunSeconds
        self.recovery = recovery
    }
}

/// Something that a request gives beside its message, such as a document to answer from.
public struct ContextItem: Equatable, Sendable {
    /// What it is: `document`, `text`, or a kind that only the handler knows.
    public var type: String
    /// The file, where it has one.
    public var attachment: Attachment?
    /// All members of the item as the client sent them.
    public var fields: [String: JSONValue]
    /// Creates an item.
    public init(type: String, attachment: Attachment?, fields: [String: JSONValue]) {
        self.type = type
        self.attachment = attachment
        self.fields = fields
    }
}

/// What a handler is asked to do.
public struct TaskRequest: Equatable, Sendable {
    /// Out of line: a handler's frame holds its request for as long as the handler runs.
    private var fields: OutOfLine<Fields>

    private struct Fields: Equatable {
        var responseID: String
        var requestID: String
        var chatID: String
        var task: String
        var modelID: String?
        var message: Message
        var history: [Message]
        var persona: String?
        var context: [ContextItem]
    }

    /// The run's id, and the id of the message that it writes.
    public var responseID: String {
        get { fields.value.responseID }
        set { fields.value.responseID = newValue }
    }
    /// The HTTP request's id, for logs.
    public var requestID: String {
        get { fields.value.requestID }
        set { fields.value.requestID = newValue }
    }
    /// The chat.
    public var chatID: String {
        get { fields.value.chatID }
        set { fields.value.chatID = newValue }
    }
    /// The handler's name.
    public var task: String {
        get { fields.value.task }
        set { fields.value.task = newValue }
    }
    /// The model that the request names, else the one that the server's settings or the handler's options name for its task; `nil`: the
    /// server's default.
    public var modelID: String? {
        get { fields.value.modelID }
        set { fields.value.modelID = newValue }
    }
    /// What the user says.
    public var message: Message {
        get { fields.value.message }
        _modify { yield &fields.value.message }
    }
    /// The conversation before it, from the first message on.
    public var history: [Message] {
        get { fields.value.history }
        _modify { yield &fields.value.history }
    }
    /// Who the answer should sound like.
    public var persona: String? {
        get { fields.value.persona }
        set { fields.value.persona = newValue }
    }
    /// What the request gives beside the message.
    public var context: [ContextItem] {
        get { fields.value.context }
        _modify { yield &fields.value.context }
    }

    /// Creates a request; handlers' tests do.
    public init(
        responseID: String, requestID: String, chatID: String, task: String, modelID: String? = nil, message: Message,
        history: [Message] = [], persona: String? = nil, context: [ContextItem] = []
    ) {
        fields = OutOfLine(
            Fields(
                responseID: responseID, requestID: requestID, chatID: chatID, task: task, modelID: modelID, message: message,
                history: history, persona: persona, context: context))
    }

    /// The user's text.
    public var text: String { message.text }
}
