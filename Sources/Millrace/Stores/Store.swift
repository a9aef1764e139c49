public import MillraceCore

/// A registered handler's stored metadata and configuration, the guardrail among it.
public struct TaskHandlerMetadata: Equatable, Sendable {
    /// The handler's name.
    public var name: String
    /// What it does.
    public var description: String
    /// Whether requests without a task go to it.
    public var isDefault: Bool
    /// The configuration that an operator stored; a guardrail is its member `guardrail`.
    public var configuration: [String: JSONValue]
    /// When the row was made, at the handler's first registration.
    public var createdAt: Timestamp
    /// When the configuration last changed: later than at any change before, so that of two the newer can be told.
    public var updatedAt: Timestamp
    /// Creates metadata.
    public init(
        name: String, description: String, isDefault: Bool, configuration: [String: JSONValue] = [:], createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.name = name
        self.description = description
        self.isDefault = isDefault
        self.configuration = configuration
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// A change to a chat; `nil` leaves a field as it is.
public struct ChatChange: Equatable, Sendable {
    /// The new title.
    public var title: String?
    /// The new metadata, which replaces the old.
    public var metadata: [String: JSONValue]?
    /// Creates a change.
    public init(title: String? = nil, metadata: [String: JSONValue]? = nil) {
        self.title = title
        self.metadata = metadata
    }
}

/// Which runs to list.
public struct RunFilter: Equatable, Sendable {
    /// Only runs in this state.
    public var status: RunStatus?
    /// Only this handler's runs.
    public var task: String?
    /// Only this chat's runs.
    public var chatID: String?
    /// Creates a filter; `nil` means any.
    public init(status: RunStatus? = nil, task: String? = nil, chatID: String? = nil) {
        self.status = status
        self.task = task
        self.chatID = chatID
    }
}

/// The path from a chat's first message to the one that a new message follows.
public struct MessagePath: Equatable, Sendable {
    /// The chat.
    public var chat: Chat
    /// The messages, root first; empty for a chat without finished messages.
    public var messages: [Message]
    /// Creates a path.
    public init(chat: Chat, messages: [Message]) {
        self.chat = chat
        self.messages = messages
    }
}

/// An unfinished run that a start found, and its owner.
public struct UnfinishedRun: Equatable, Sendable {
    /// The owner's handle to it.
    public var handle: RunHandle
    /// The run.
    public var record: RunRecord
    /// The path's last message that it answers.
    public var userMessage: Message
    /// Creates the description.
    public init(handle: RunHandle, record: RunRecord, userMessage: Message) {
        self.handle = handle
        self.record = record
        self.userMessage = userMessage
    }
}

/// Where runs, their logs, chats, messages and handler metadata are kept: a seam with one conformance suite for all implementations.
///
/// Every method takes the principal who asks. What belongs to somebody else does not exist for the asker: reads give `nil`, changes throw
/// ``ErrorCode/notFound``. Failures of the store itself throw ``ErrorCode/storageUnavailable`` or ``ErrorCode/storageFull``.
public protocol Store: Sendable {
    // MARK: Runs

    /// Stores, in one commit, a run with its owner, idempotency key, the user's message, the log's first batch and the reserved range;
    /// makes the chat if need be. Returns after the commit: from then on the first events can be read. An idempotency key counts as expired from `run.startedAt == expiresAt` on, or once its run was deleted.
    /// - Throws: ``ErrorCode/conflict`` when the idempotency key was used with another body (its error has `details.idempotency_key`) or
    ///   one of the ids is taken; ``ErrorCode/notFound`` when the user message's parent is not in this chat, when the chat does not exist
    ///   and is not to be made, or when the message names a file that the owner does not have (its error has `details.content_id`). A run that is refused stores nothing, and so does one whose key names another run.
    func createRun(_ run: NewRun, principal: Principal) async throws -> RunCreation

    /// The run that an idempotency key names at that time, or `nil`.
    /// - Throws: ``ErrorCode/conflict`` when the key was used with another body.
    func run(of key: IdempotencyKey, at time: Timestamp, principal: Principal) async throws -> String?

    /// Queues appends for the next commit and returns at once. After a failed append of a run, further ones of that run are dropped until
    /// recovery's (``RunAppend/isRecovery``) has closed it; any thread may call it. The store commits what is waiting together and never
    /// waits to fill a group. While it cannot commit it keeps trying for as long as it was configured to be patient.
    ///
    /// The appends of one run come in the order of their sequences, none after the one with its completion. All of `appends` are stored
    /// or none: ``ErrorCode/notFound`` for a run that is gone, ``ErrorCode/conflict`` for the completion of one that has ended.
    /// - Parameter completed: called once, after the commit that holds all of `appends` or with the error; on a thread of the store's,
    ///   or on the caller's before `append` returns. It must not block.
    func append(_ appends: [RunAppend], completed: @escaping @Sendable (MillraceError?) -> Void)

    /// One run, or `nil`.
    func run(_ responseID: String, principal: Principal) async throws -> RunRecord?

    /// The owner's runs, newest first.
    /// - Throws: ``ErrorCode/invalidInput`` for a cursor that no such list gave, or a limit outside 1 to 1,000; so do the other lists.
    func runs(_ filter: RunFilter, page: PageRequest, principal: Principal) async throws -> Page<RunRecord>

    /// The sent events of a run after a sequence: whole rows up to about `byteLimit` bytes (at least one row, of which what the reader has
    /// is cut off), `nil` for an unknown run. Where a crash has left a gap in the sequences the stretch ends before it, so that `frames`
    /// are always consecutive; the next call gives a stretch that starts behind the gap.
    func events(of responseID: String, after sequence: Int, byteLimit: Int, principal: Principal) async throws -> StoredEvents?

    /// Runs that no terminal event closed, of every owner, oldest first. For recovery: only ``Principal/system`` may ask.
    func unfinishedRuns(principal: Principal) async throws -> [UnfinishedRun]

    // MARK: Chats

    /// Makes an empty chat.
    /// - Throws: ``ErrorCode/conflict`` when the owner has one of that id.
    func createChat(_ chat: Chat, principal: Principal) async throws

    /// One chat, or `nil`.
    func chat(_ chatID: String, principal: Principal) async throws -> Chat?

    /// The owner's chats, last changed first.
    func chats(page: PageRequest, principal: Principal) async throws -> Page<Chat>

    /// Changes a chat and returns it, `nil` when there is none.
    func updateChat(_ chatID: String, _ change: ChatChange, principal: Principal) async throws -> Chat?

    /// Deletes a chat with its messages, runs and their logs. Returns false when there is none.
    /// - Throws: ``ErrorCode/conflict`` while one of its runs is unfinished.
    func deleteChat(_ chatID: String, principal: Principal) async throws -> Bool

    /// All messages of a chat, oldest first; `nil` when there is no such chat.
    func messages(of chatID: String, page: PageRequest, principal: Principal) async throws -> Page<Message>?

    /// The path from the root to `parentID`, or to the newest finished leaf when that is `nil`. `nil` when there is no such chat.
    /// - Throws: ``ErrorCode/notFound`` when the chat has no message `parentID`.
    func path(in chatID: String, to parentID: String?, principal: Principal) async throws -> MessagePath?

    // MARK: Handler metadata

    /// Stores a handler's metadata row unless there is one already (description and default follow the code, the configuration is never overwritten).
    func registerTaskHandler(_ metadata: TaskHandlerMetadata, principal: Principal) async throws

    /// A handler's stored metadata, or `nil`.
    func taskHandler(_ name: String, principal: Principal) async throws -> TaskHandlerMetadata?

    /// Replaces a handler's stored configuration and returns the row, `nil` when there is none.
    func updateTaskHandler(_ name: String, configuration: [String: JSONValue], principal: Principal) async throws -> TaskHandlerMetadata?

    // MARK: Content

    /// Stores what is known of an uploaded file.
    /// - Throws: ``ErrorCode/conflict`` when the id is taken.
    func createContent(_ content: ContentRecord, principal: Principal) async throws

    /// What is known of an owner's file, or `nil`.
    func content(_ id: String, principal: Principal) async throws -> ContentRecord?

    /// The owner's files, newest first.
    func contents(page: PageRequest, principal: Principal) async throws -> Page<ContentRecord>

    /// Forgets an owner's file. Returns false when there is none.
    func deleteContent(_ id: String, principal: Principal) async throws -> Bool

    // MARK: Health

    /// Throws when the store cannot be read and written now.
    func check(principal: Principal) async throws

    /// Finishes what is queued and closes. Safe to call twice.
    func close() async
}
