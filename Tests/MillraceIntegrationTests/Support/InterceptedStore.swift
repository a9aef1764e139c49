import Millrace
import MillraceCore

/// Another store, but for what a test does in between.
final class InterceptedStore: Store {
    private let store: any Store
    private let dropsAppends: Bool
    private let created: @Sendable () async throws -> Void
    private let contentCreated: @Sendable () async throws -> Void

    /// - Parameters:
    ///   - dropsAppends: whether appends neither reach the store nor are answered, as on a disk that hangs.
    ///   - created: what happens between the commit that creates a run and the server's learning of it.
    ///   - contentCreated: what happens before a file's record is made.
    init(
        _ store: any Store, dropsAppends: Bool = false, created: @escaping @Sendable () async throws -> Void = {},
        contentCreated: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.store = store
        self.dropsAppends = dropsAppends
        self.created = created
        self.contentCreated = contentCreated
    }

    func append(_ appends: [RunAppend], completed: @escaping @Sendable (MillraceError?) -> Void) {
        if !dropsAppends { store.append(appends, completed: completed) }
    }

    func createRun(_ run: NewRun, principal: Principal) async throws -> RunCreation {
        let creation = try await store.createRun(run, principal: principal)
        if case .created = creation { try await created() }
        return creation
    }

    func run(of key: IdempotencyKey, at time: Timestamp, principal: Principal) async throws -> String? {
        try await store.run(of: key, at: time, principal: principal)
    }
    func run(_ responseID: String, principal: Principal) async throws -> RunRecord? {
        try await store.run(responseID, principal: principal)
    }
    func runs(_ filter: RunFilter, page: PageRequest, principal: Principal) async throws -> Page<RunRecord> {
        try await store.runs(filter, page: page, principal: principal)
    }
    func events(of responseID: String, after sequence: Int, byteLimit: Int, principal: Principal) async throws -> StoredEvents? {
        try await store.events(of: responseID, after: sequence, byteLimit: byteLimit, principal: principal)
    }
    func unfinishedRuns(principal: Principal) async throws -> [UnfinishedRun] {
        // Closing them takes appends.
        dropsAppends ? [] : try await store.unfinishedRuns(principal: principal)
    }
    func createChat(_ chat: Chat, principal: Principal) async throws { try await store.createChat(chat, principal: principal) }
    func chat(_ chatID: String, principal: Principal) async throws -> Chat? { try await store.chat(chatID, principal: principal) }
    func chats(page: PageRequest, principal: Principal) async throws -> Page<Chat> {
        try await store.chats(page: page, principal: principal)
    }
    func updateChat(_ chatID: String, _ change: ChatChange, principal: Principal) async throws -> Chat? {
        try await store.updateChat(chatID, change, principal: principal)
    }
    func deleteChat(_ chatID: String, principal: Principal) async throws -> Bool {
        try await store.deleteChat(chatID, principal: principal)
    }
    func messages(of chatID: String, page: PageRequest, principal: Principal) async throws -> Page<Message>? {
        try await store.messages(of: chatID, page: page, principal: principal)
    }
    func path(in chatID: String, to parentID: String?, principal: Principal) async throws -> MessagePath? {
        try await store.path(in: chatID, to: parentID, principal: principal)
    }
    func registerTaskHandler(_ metadata: TaskHandlerMetadata, principal: Principal) async throws {
        try await store.registerTaskHandler(metadata, principal: principal)
    }
    func taskHandler(_ name: String, principal: Principal) async throws -> TaskHandlerMetadata? {
        try await store.taskHandler(name, principal: principal)
    }
    func updateTaskHandler(_ name: String, configuration: [String: JSONValue], principal: Principal) async throws -> TaskHandlerMetadata? {
        try await store.updateTaskHandler(name, configuration: configuration, principal: principal)
    }
    func createContent(_ content: ContentRecord, principal: Principal) async throws {
        try await contentCreated()
        try await store.createContent(content, principal: principal)
    }
    func content(_ id: String, principal: Principal) async throws -> ContentRecord? {
        try await store.content(id, principal: principal)
    }
    func contents(page: PageRequest, principal: Principal) async throws -> Page<ContentRecord> {
        try await store.contents(page: page, principal: principal)
    }
    func deleteContent(_ id: String, principal: Principal) async throws -> Bool {
        try await store.deleteContent(id, principal: principal)
    }
    func check(principal: Principal) async throws { try await store.check(principal: principal) }
    func close() async { await store.close() }
}
