public import MillraceCore

/// What recovery does with a run that a crash interrupted.
public enum RecoveryPolicy: String, Sendable, Equatable {
    /// Close it with an `error` and `response_end: error`.
    case close
    /// Go on from its last checkpoint. Until there are durable workflows, such a run is closed as well.
    case resume
}

/// A run as the store keeps it.
public struct RunRecord: Equatable, Sendable {
    /// The run's id, which is also the id of the assistant's message that it writes.
    public var responseID: String
    /// The chat it answers in.
    public var chatID: String
    /// The handler's name.
    public var task: String
    /// The model it was given.
    public var modelID: String?
    /// How it stands.
    public var status: RunStatus
    /// The request that started it.
    public var requestID: String
    /// The stored user message that it answers.
    public var userMessageID: String
    /// When it started.
    public var startedAt: Timestamp
    /// When its terminal event was committed.
    public var endedAt: Timestamp?
    /// What it consumed.
    public var usage: Usage? {
        get { boxedUsage?.value }
        set { boxedUsage = newValue.map { OutOfLine($0) } }
    }
    /// Out of line, since it is known only at the end.
    private var boxedUsage: OutOfLine<Usage>?
    /// The sequence of the last committed event, 0 for none.
    public var lastSequence: Int
    /// The highest sequence that the last commit reserved: readers may have seen events up to it.
    public var reservedSequence: Int
    /// What recovery does with it.
    public var recovery: RecoveryPolicy
    /// The prompts and personas that it has used.
    public var prompts: [PromptReference]
    /// Of a running run whose text is judged behind its readers: the sequence up to which the stored log is judged. What recovery finds
    /// behind it is taken back. `nil`, the default: nothing of the log waits for a judgement.
    public var judgedSequence: Int?

    /// Creates a record.
    public init(
        responseID: String, chatID: String, task: String, modelID: String?, status: RunStatus, requestID: String, userMessageID: String,
        startedAt: Timestamp, endedAt: Timestamp? = nil, usage: Usage? = nil, lastSequence: Int = 0, reservedSequence: Int = 0,
        recovery: RecoveryPolicy = .close, prompts: [PromptReference] = [], judgedSequence: Int? = nil
    ) {
        self.judgedSequence = judgedSequence
        self.responseID = responseID
        self.chatID = chatID
        self.task = task
        self.modelID = modelID
        self.status = status
        self.requestID = requestID
        self.userMessageID = userMessageID
        self.startedAt = startedAt
        self.endedAt = endedAt
        boxedUsage = usage.map { OutOfLine($0) }
        self.lastSequence = lastSequence
        self.reservedSequence = reservedSequence
        self.recovery = recovery
        self.prompts = prompts
    }
}

/// A key that makes starting a run repeatable: the same key and body again attach to the same run.
public struct IdempotencyKey: Equatable, Sendable {
    /// The client's key, unique for its owner.
    public var key: String
    /// SHA-256 of the request's body, in hexadecimal.
    public var bodyHash: String
    /// Until when the key is kept.
    public var expiresAt: Timestamp
    /// Creates a key.
    public init(key: String, bodyHash: String, expiresAt: Timestamp) {
        self.key = key
        self.bodyHash = bodyHash
        self.expiresAt = expiresAt
    }
}

/// All that the commit before a run's first byte stores.
public struct NewRun: Sendable {
    /// The run, with status `running` and the first reserved range of sequences. Its `lastSequence` follows from `firstBatch`.
    public var run: RunRecord
    /// The log's beginning: `response_start`, with the sequence 1.
    public var firstBatch: EventBatch
    /// The user's message; its `parentID` is where it hangs in the tree.
    public var userMessage: Message
    /// The idempotency key, where the client gave one.
    public var idempotencyKey: IdempotencyKey?
    /// Whether the commit makes the chat where there is none. A chat that another run has made meanwhile is taken as it is.
    public var createsChat: Bool
    /// Creates the description of a run to store.
    public init(
        run: RunRecord, firstBatch: EventBatch, userMessage: Message, idempotencyKey: IdempotencyKey? = nil, createsChat: Bool
    ) {
        self.run = run
        self.firstBatch = firstBatch
        self.userMessage = userMessage
        self.idempotencyKey = idempotencyKey
        self.createsChat = createsChat
    }
}

/// What became of a ``NewRun``.
public enum RunCreation: Equatable, Sendable {
    /// It is stored; the handle names it in appends.
    case created(RunHandle)
    /// The idempotency key names an earlier run with the same body.
    case existing(responseID: String)
}

/// Names a stored run on the hot path. Only a store makes one, and only for the owner who created the run.
public struct RunHandle: Hashable, Sendable {
    /// Who owns the run.
    public var principal: Principal { names.principal }
    /// The run's id.
    public var responseID: String { names.responseID }
    /// The store's own number for the run.
    public let number: Int64
    /// Every append copies the handle: one reference is cheaper to copy than two strings.
    private let names: Names

    private final class Names: Sendable {
        let principal: Principal
        let responseID: String
        let entry: (any AnyObject & Sendable)?
        init(_ principal: Principal, _ responseID: String, _ entry: (any AnyObject & Sendable)?) {
            self.principal = principal
            self.responseID = responseID
            self.entry = entry
        }
    }

    /// Creates a handle; for stores.
    public init(principal: Principal, responseID: String, number: Int64) {
        self.number = number
        names = Names(principal, responseID, nil)
    }

    /// Creates a handle with what the store has in memory of the run, which it need not look up then.
    package init(principal: Principal, responseID: String, number: Int64, entry: any AnyObject & Sendable) {
        self.number = number
        names = Names(principal, responseID, entry)
    }

    /// What the store that made the handle has in memory of the run.
    package var entry: (any AnyObject & Sendable)? { names.entry }

    /// Whether two handles name the same run.
    public static func == (left: RunHandle, right: RunHandle) -> Bool {
        left.number == right.number
            && (left.names === right.names || left.principal == right.principal && left.responseID == right.responseID)
    }

    /// Hashes what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(number)
        hasher.combine(responseID)
    }
}

/// How a run ended, stored in the same commit as its terminal event.
public struct RunCompletion: Equatable, Sendable {
    /// The terminal status.
    public var status: RunStatus
    /// When it ended.
    public var endedAt: Timestamp
    /// What it consumed.
    public var usage: Usage
    /// The assistant's message that it wrote; it becomes the chat's newest finished leaf.
    public var message: Message
    /// Creates a completion.
    public init(status: RunStatus, endedAt: Timestamp, usage: Usage, message: Message) {
        self.status = status
        self.endedAt = endedAt
        self.usage = usage
        self.message = message
    }
}

/// Events of one run to append.
public struct RunAppend: Sendable {
    /// Which run.
    public var handle: RunHandle
    /// The encoded events; consecutive appends of one run may be stored as one row.
    public var batch: EventBatch
    /// The highest sequence that readers may see once this is committed.
    public var reservedSequence: Int
    /// Set on the append that holds the terminal event.
    public var completion: RunCompletion? {
        get { boxedExtra?.value.completion }
        set { change { $0.completion = newValue } }
    }
    /// Set where the run has used prompts that the store does not know of: all that it has used so far.
    public var prompts: [PromptReference]? {
        get { boxedExtra?.value.prompts }
        set { change { $0.prompts = newValue } }
    }
    /// What is taken back of the run's log with this commit, of what was stored before and of this append's own batch (default: nothing).
    /// The texts must not be found in the store's files afterwards.
    public var retractions: [Retraction] {
        get { boxedExtra?.value.retractions ?? [] }
        set { change { $0.retractions = newValue } }
    }
    /// Set where ``RunRecord/judgedSequence`` has risen.
    public var judgedSequence: Int? {
        get { boxedExtra?.value.judgedSequence }
        set { change { $0.judgedSequence = newValue } }
    }
    /// Whether recovery closes the run with this. Once an append of a run has failed, the store takes no other of that run: its log would
    /// get a hole that nothing announces.
    public var isRecovery: Bool
    /// A run has many appends, and few of them have more than events, so that is kept out of line.
    private var boxedExtra: OutOfLine<Extra>?

    private struct Extra: Sendable {
        var completion: RunCompletion?
        var prompts: [PromptReference]?
        var retractions: [Retraction] = []
        var judgedSequence: Int?
        var isEmpty: Bool { completion == nil && prompts == nil && retractions.isEmpty && judgedSequence == nil }
    }

    private mutating func change(_ body: (inout Extra) -> Void) {
        var extra = boxedExtra?.value ?? Extra()
        body(&extra)
        boxedExtra = extra.isEmpty ? nil : OutOfLine(extra)
    }

    /// Whether the append ends the run.
    public var isTerminal: Bool { boxedExtra?.value.completion != nil }

    /// Creates an append.
    public init(
        handle: RunHandle, batch: EventBatch, reservedSequence: Int, completion: RunCompletion? = nil, isRecovery: Bool = false
    ) {
        self.handle = handle
        self.batch = batch
        self.reservedSequence = reservedSequence
        self.isRecovery = isRecovery
        if let completion { boxedExtra = OutOfLine(Extra(completion: completion)) }
    }
}

/// A stretch of a stored log.
public struct StoredEvents: Sendable, Equatable {
    /// The encoded events, consecutive and whole, as they were sent: a number of `text/event-stream` messages.
    public var frames: [UInt8]
    /// The sequence of the first event in `frames`; 0 when there is none.
    public var firstSequence: Int
    /// The sequence of the last event in `frames`; 0 when there is none.
    public var lastSequence: Int
    /// The run's status at the time of reading.
    public var status: RunStatus
    /// Whether the log goes on behind `lastSequence` in the store.
    public var hasMore: Bool
    /// Creates a stretch.
    public init(frames: [UInt8], firstSequence: Int, lastSequence: Int, status: RunStatus, hasMore: Bool) {
        self.frames = frames
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.status = status
        self.hasMore = hasMore
    }
}
