public import Millrace
public import MillraceCore

/// A store that forgets everything when the process ends: for tests, benchmarks and runs without a server.
///
/// It behaves as every store does, but nothing it holds is durable, and when its logs outgrow their limit it forgets the chats whose runs
/// ended longest ago. Appends complete before ``append(_:completed:)`` returns.
public final class InMemoryStore: Store {
    let state: Locked<InMemoryTables>

    /// An empty store.
    /// - Parameter logByteLimit: how many bytes of run logs are kept before old chats are forgotten (default: 64 MiB).
    public init(logByteLimit: Int = 64 << 20) {
        state = Locked(InMemoryTables(logByteLimit: logByteLimit))
    }

    /// Runs `body` with the tables, unless the store is closed.
    func withTables<R>(_ body: (inout InMemoryTables) throws -> R) throws -> R {
        try state.withLock { tables in
            guard !tables.isClosed else { throw StoreRefusal.closed() }
            return try body(&tables)
        }
    }

    // MARK: Runs

    /// Stores a run with its user's message.
    public func createRun(_ run: NewRun, principal: Principal) async throws -> RunCreation {
        try withTables { try $0.create(run, principal) }
    }

    /// The run that an idempotency key names.
    public func run(of key: IdempotencyKey, at time: Timestamp, principal: Principal) async throws -> String? {
        try withTables { try $0.run(of: key, at: time, principal) }
    }

    /// Appends at once.
    public func append(_ appends: [RunAppend], completed: @escaping @Sendable (MillraceError?) -> Void) {
        let error = state.withLock { tables in tables.isClosed ? StoreRefusal.closed() : tables.append(appends) }
        completed(error)
    }

    /// One run, or `nil`.
    public func run(_ responseID: String, principal: Principal) async throws -> RunRecord? {
        try withTables { $0.runs[.init(principal, responseID)]?.record }
    }

    /// The owner's runs, newest first.
    public func runs(_ filter: RunFilter, page: PageRequest, principal: Principal) async throws -> Page<RunRecord> {
        let limit = try page.checkedLimit()
        let before = try page.keys(1)?[0] ?? .max
        return try withTables { tables in
            let matching = tables.runs.values.filter { run in
                run.owner == principal && run.number < before && filter.status.map { $0 == run.record.status } ?? true
                    && filter.task.map { $0 == run.record.task } ?? true && filter.chatID.map { $0 == run.record.chatID } ?? true
            }
            let rows = matching.sorted { $0.number > $1.number }.prefix(limit + 1)
            return Page(rows.map { (item: $0.record, cursor: PageCursor($0.number)) }, limit: limit)
        }
    }

    /// The sent events of a run after a sequence.
    public func events(of responseID: String, after sequence: Int, byteLimit: Int, principal: Principal) async throws -> StoredEvents? {
        try withTables { $0.runs[.init(principal, responseID)]?.events(after: sequence, byteLimit: byteLimit) }
    }

    /// Runs that no terminal event closed, oldest first.
    public func unfinishedRuns(principal: Principal) async throws -> [UnfinishedRun] {
        guard principal == .system else { throw StoreRefusal.onlySystem() }
        return try withTables { tables in
            tables.runs.values.filter { $0.record.status == .running }.sorted { $0.number < $1.number }.compactMap { run in
                tables.messages[.init(run.owner, run.record.userMessageID)].map { stored in
                    UnfinishedRun(handle: run.handle, record: run.record, userMessage: stored)
                }
            }
        }
    }

    // MARK: Chats

    /// Makes an empty chat.
    public func createChat(_ chat: Chat, principal: Principal) async throws {
        try withTables { tables in
            let key = InMemoryTables.Key(principal, chat.id)
            guard tables.chats[key] == nil else { throw StoreRefusal.chatExists(chat.id) }
            var chat = chat
            chat.newestMessageID = nil
            tables.chats[key] = .init(number: tables.nextNumber(), chat: chat)
        }
    }

    /// One chat, or `nil`.
    public func chat(_ chatID: String, principal: Principal) async throws -> Chat? {
        try withTables { $0.chats[.init(principal, chatID)]?.chat }
    }

    /// The owner's chats, last changed first.
    public func chats(page: PageRequest, principal: Principal) async throws -> Page<Chat> {
        var fill = try PageFill<Chat>(page)
        let before = try page.keys(2) ?? [.max, .max]
        return try withTables { tables in
            let owned = tables.chats.lazy.filter { $0.key.owner == principal }.map {
                (key: ($0.value.order, $0.value.number), chat: $0.value.chat)
            }
            for row in owned.filter({ $0.key < (before[0], before[1]) }).sorted(by: { $0.key > $1.key }) {
                let bytes = page.byteLimit == nil ? 0 : SQLiteStoreRows.text(row.chat.metadata)?.utf8.count ?? 0
                guard fill.takes(bytes: bytes) else { break }
                fill.add(row.chat, PageCursor(row.key.0, row.key.1), bytes: bytes)
            }
            return fill.page
        }
    }

    /// Changes a chat and returns it.
    public func updateChat(_ chatID: String, _ change: ChatChange, principal: Principal) async throws -> Chat? {
        let now = Timestamp.now()
        return try withTables { tables in
            guard let entry = tables.chats[.init(principal, chatID)] else { return nil }
            if let title = change.title { entry.chat.title = title }
            if let metadata = change.metadata { entry.chat.metadata = metadata }
            entry.chat.updatedAt = max(entry.chat.updatedAt, now)
            return entry.chat
        }
    }

    /// Deletes a chat with its messages, runs and their logs.
    public func deleteChat(_ chatID: String, principal: Principal) async throws -> Bool {
        try withTables { try $0.deleteChat(chatID, principal) }
    }

    /// All messages of a chat, oldest first.
    public func messages(of chatID: String, page: PageRequest, principal: Principal) async throws -> Page<Message>? {
        var fill = try PageFill<Message>(page)
        let after = try page.keys(1)?[0] ?? 0
        return try withTables { tables in
            guard let entry = tables.chats[.init(principal, chatID)] else { return nil }
            for id in entry.messageIDs where id.number > after {
                guard let message = tables.messages[.init(principal, id.id)] else { continue }
                let bytes = page.byteLimit == nil ? 0 : SQLiteStoreRows.bytes(of: message)
                guard fill.takes(bytes: bytes) else { break }
                fill.add(message, PageCursor(id.number), bytes: bytes)
            }
            return fill.page
        }
    }

    /// The path from the root to a message.
    public func path(in chatID: String, to parentID: String?, principal: Principal) async throws -> MessagePath? {
        try withTables { try $0.path(in: chatID, to: parentID, principal) }
    }

    // MARK: Handler metadata

    /// Stores a handler's metadata row; what an operator configured stays.
    public func registerTaskHandler(_ metadata: TaskHandlerMetadata, principal: Principal) async throws {
        try withTables { tables in
            var row = tables.handlers[.init(principal, metadata.name)] ?? metadata
            row.description = metadata.description
            row.isDefault = metadata.isDefault
            tables.handlers[.init(principal, metadata.name)] = row
        }
    }

    /// A handler's stored metadata, or `nil`.
    public func taskHandler(_ name: String, principal: Principal) async throws -> TaskHandlerMetadata? {
        try withTables { $0.handlers[.init(principal, name)] }
    }

    /// Replaces a handler's stored configuration.
    public func updateTaskHandler(
        _ name: String, configuration: [String: JSONValue], principal: Principal
    ) async throws -> TaskHandlerMetadata? {
        let now = Timestamp.now()
        return try withTables { tables in
            guard var row = tables.handlers[.init(principal, name)] else { return nil }
            row.configuration = configuration
            row.updatedAt = max(Timestamp(microseconds: row.updatedAt.microseconds + 1), now)
            tables.handlers[.init(principal, name)] = row
            return row
        }
    }

    // MARK: Content

    /// Stores what is known of an uploaded file.
    public func createContent(_ content: ContentRecord, principal: Principal) async throws {
        try withTables { tables in
            guard !tables.contents.contains(where: { $0.record.id == content.id }) else { throw StoreRefusal.contentExists(content.id) }
            tables.contents.append(((tables.contents.last?.number ?? 0) + 1, principal, content))
        }
    }

    /// What is known of an owner's file, or `nil`.
    public func content(_ id: String, principal: Principal) async throws -> ContentRecord? {
        try withTables { $0.contents.first { $0.owner == principal && $0.record.id == id }?.record }
    }

    /// The owner's files, newest first.
    public func contents(page: PageRequest, principal: Principal) async throws -> Page<ContentRecord> {
        let limit = try page.checkedLimit()
        let before = try page.keys(1)?[0] ?? .max
        return try withTables { tables in
            let rows = tables.contents.reversed().lazy.filter { $0.owner == principal && $0.number < before }.prefix(limit + 1)
            return Page(rows.map { (item: $0.record, cursor: PageCursor($0.number)) }, limit: limit)
        }
    }

    /// Forgets an owner's file.
    public func deleteContent(_ id: String, principal: Principal) async throws -> Bool {
        try withTables { tables in
            guard let place = tables.contents.firstIndex(where: { $0.owner == principal && $0.record.id == id }) else { return false }
            tables.contents.remove(at: place)
            return true
        }
    }

    // MARK: Health

    /// Fails only once the store is closed.
    public func check(principal: Principal) async throws { try withTables { _ in } }

    /// Refuses what comes later.
    public func close() async { state.withLock { $0.isClosed = true } }
}
