public import Millrace
import MillraceBackends
public import MillraceCore
import MillraceEventLoop
import MillraceHTTP
import MillraceHTTPClient
import MillraceTaskHandlers

/// A Millrace server: settings, handlers registered by hand, and `run()`.
///
/// A team's own executable is three steps:
/// ```swift
/// let server = try Server(settings: settings) { registry, clients in
///     try registry.register(MyHandler(models: clients.models))
/// }
/// exit(try server.run())
/// ```
/// The handlers `chat` and `rag_oss` are registered by Millrace, unless the team registers its own of these names; `chat` is the default, unless the
/// team registers another.
public final class Server: Sendable {
    /// What handlers are made of: each is there or missing for a stated reason.
    public struct Clients: Sendable {
        /// The configured language models; `local` is always there.
        public let models: LanguageModelRegistry
        /// The configured embedders; `local` is always there.
        public let embedders: EmbedderRegistry
        /// The files that people upload; `nil` where no object store can be used.
        public let content: ContentStore?
        /// Finds the passages of uploaded texts that a question is about; `nil` where there are no files or no search engine.
        public let passages: ContentPassages?
        /// Objects by key; `nil` where none can be used.
        public let objects: (any ObjectStore)?
        /// Indexes that are searched by words and by meaning; `nil` where none can be used.
        public let search: (any SearchEngine)?
        /// Secrets by name; `nil` where none can be used.
        public let secrets: (any SecretStore)?
        /// What can be made again; `nil` where none can be used.
        public let cache: (any Cache)?
        /// Reads text with positions out of documents such as PDF and Word; `nil` where it cannot be used.
        public let documents: (any DocumentExtractor)?
        /// Where handlers may keep files without names while they work (`documents.spoolDirectory`).
        public let spoolDirectory: String
        /// Clients of AWS's services.
        public let aws: AWSClients
        /// Why clients are missing, by name: `objects`, `search`, `secrets`, `cache`, `documents`.
        public let unavailable: [String: String]
        /// The configuration groups of handlers, as they stand in `config.yaml`.
        public let configuration: [String: JSONValue]
        /// The prompts of all handlers.
        public let prompts: PromptLibrary
        let declaredGroups: [String]
        let board: SettingsBoard

        /// The settings that a handler declares, as they are at each moment.
        /// - Throws: ``MillraceError`` where `config.yaml` has the group and the loader was not told of it: its values would be lost.
        public func settings<Settings: HandlerSettings>(_ type: Settings.Type) throws(MillraceError) -> LiveSettings<Settings> {
            guard configuration[Settings.group] == nil || declaredGroups.contains(Settings.group) else {
                throw MillraceError(
                    .configuration,
                    "nobody has read \(Settings.group): pass \(Settings.self).self to SettingsLoader.load(_:handlers:), where the settings come from"
                )
            }
            return LiveSettings(board: board)
        }
    }

    /// The port that the server listens on; 0 before ``start()``.
    public var port: Int { state.withLock { $0.port } }

    let settings: ServerSettings
    /// The settings of handlers, which a reload replaces.
    let board: SettingsBoard
    /// The prompts of handlers; a reload replaces those from files, the API those that are stored.
    let prompts: PromptLibrary
    let stored: StoredPrompts
    let logger: Logger
    let sink: LogSink?
    let group: EventLoopGroup
    let blocking: BlockingExecutor
    let store: any Store
    /// Holds the data directory's lock for the server's life.
    private let dataDirectory: DataDirectory?
    let backends: Backends
    let hub: RunHub
    let responder: APIResponder
    let context: HTTPServerContext
    let handlers: TaskHandlerRegistry
    /// `nil` where the store removes nothing by itself.
    let retention: RetentionSweeper?
    let removal: ContentRemoval
    let state = Locked(State())

    struct State {
        var port = 0
        var address = ""
        var listeners: [HTTPListener] = []
        /// The names of the listening sockets. So many of the listeners, from the first, have a socket that no listener before them has.
        var socketNames: [String] = []
        /// Whether somebody else holds the sockets, too. What this process handed to itself at a restart is its own as before.
        var areInherited: Bool { !socketNames.allSatisfy { $0 == InheritedSockets.ownName } }
        /// Whether the loops run.
        var hasStarted = false
        var isStopped = false
        /// What goes on beside the requests until the stop.
        var housekeeping: [Task<Void, any Error>] = []
    }

    /// Opens the store, makes the clients, and registers the handlers. Nothing listens yet.
    /// - Parameters:
    ///   - settings: the server's settings.
    ///   - logger: where log lines go; `nil`: standard error, as the settings say.
    ///   - models: language models of the team's own, beside the embedded `local`; `defaults.model` chooses the default.
    ///   - register: registers the team's handlers.
    /// - Throws: ``MillraceError`` that says what to do, for a data directory that another process holds, an address that must not be
    ///   opened without authentication, and whatever `register` throws.
    public convenience init(
        settings: ServerSettings, logger: Logger? = nil, models: [any LanguageModel] = [],
        register: (inout TaskHandlerRegistry, Clients) throws -> Void = { _, _ in }
    ) throws {
        try self.init(settings: settings, logger: logger, models: models, store: nil, stages: [], register: register)
    }

    /// As the public initializer, with parts that tests and benchmarks replace.
    package init(
        settings: ServerSettings, logger: Logger? = nil, models ownModels: [any LanguageModel] = [], store: (any Store)?,
        stages: [EventStageFactory] = [], register: (inout TaskHandlerRegistry, Clients) throws -> Void
    ) throws {
        guard settings.listensOnLoopbackOnly || settings.allowUnauthenticated else {
            throw MillraceError(
                .configuration,
                "refusing to listen on \(settings.host): nobody is authenticated, so whoever reaches this address could start and read runs. "
                    + "Listen on 127.0.0.1, or pass --allow-unauthenticated if a proxy in front keeps others out")
        }
        self.settings = settings
        if let logger {
            sink = nil
            self.logger = logger
        } else {
            let sink = LogSink()
            self.sink = sink
            self.logger = Logger(sink: sink, level: settings.logLevel, format: settings.logFormat)
        }
        group = try EventLoopGroup(count: settings.loops)
        blocking = try BlockingExecutor(name: "blocking", threads: settings.blockingThreads)
        if let store {
            self.store = store
            dataDirectory = nil
        } else if settings.dataDirectory == ":memory:" {
            self.store = InMemoryStore()
            dataDirectory = nil
        } else {
            let log = self.logger
            let wait = DataDirectory.LockWait(patience: Int64(settings.lockWaitSeconds * 1_000_000_000)) { holder in
                log.info(
                    "waiting for the data directory", ["holder": .string(holder), "seconds": .double(settings.lockWaitSeconds)])
            }
            let directory = try DataDirectory(path: settings.dataDirectory, wait: wait)
            var configuration = SQLiteStore.Configuration()
            configuration.durability = SQLiteStore.Durability(rawValue: settings.store.synchronous.rawValue) ?? .full
            configuration.readers = settings.store.readers
            configuration.patience = Int64(settings.runs.commitPatienceSeconds * 1_000_000_000)
            self.store = try SQLiteStore(path: directory.databasePath, configuration: configuration)
            dataDirectory = consume directory
        }
        let local = LocalLanguageModel(blocking: blocking)
        let transport = try ModelAssembly.transport(settings.http, logger: self.logger)
        backends = BackendAssembly(
            settings: settings, transport: transport, plain: try ModelAssembly.client(settings.http), blocking: blocking,
            logger: self.logger
        ).make()
        var assembly = try ModelAssembly(
            settings: settings, existing: [local] + ownModels, transport: transport, logger: self.logger, blocking: blocking,
            aws: backends.aws, secrets: backends.resolver)
        let models = try assembly.registry(local: local)
        let embedders = try assembly.embedders()
        let opened = self.store
        let content = backends.objects.map { ContentStore(store: opened, objects: $0) }
        let embedder = try Self.searchEmbedder(embedders, settings)
        let passages = Self.passages(content, backends, embedder, settings)
        let removal = ContentRemoval(
            store: opened, content: content, passages: passages, searchUnavailable: backends.unavailable["search"], logger: self.logger)
        self.removal = removal
        // What a handler removes goes the same way as what a client does.
        var handlersContent = content
        handlersContent?.removal = { try await removal.delete($0, principal: $1) }
        let board = SettingsBoard(settings.handlerValues)
        self.board = board
        let prompts = PromptLibrary()
        prompts.replace(files: settings.promptFiles)
        self.prompts = prompts
        stored = StoredPrompts(store: opened, library: prompts, logger: self.logger)
        let clients = Clients(
            models: models, embedders: embedders, content: handlersContent, passages: passages, objects: backends.objects,
            search: backends.search,
            secrets: backends.secrets, cache: backends.cache, documents: backends.documents,
            spoolDirectory: settings.documents.spoolDirectory, aws: AWSClients(assembly: backends.aws),
            unavailable: backends.unavailable, configuration: settings.handlerConfiguration, prompts: prompts,
            declaredGroups: SettingTable.handlerGroups().map(\.name) + settings.declaredHandlerGroups,
            board: board)
        var registry = TaskHandlerRegistry(logger: self.logger)
        registry.tools = try BuiltInTools.registry(
            search: backends.search, embedder: embedder, content: content, documents: backends.documents,
            unavailable: backends.unavailable, settings: LiveSettings(board: board))
        try register(&registry, clients)
        try Self.checkTools(settings, registry.tools, self.logger)
        try OwnHandlers(
            models: models, backends: backends, content: content, passages: passages, embedder: embedder, prompts: prompts,
            settings: settings,
            board: board, logger: self.logger
        ).register(in: &registry)
        for task in settings.taskModels.keys.sorted() where registry.handler(named: task) == nil {
            self.logger.warning(
                "taskModels names a task that no handler has",
                ["task": .string(task), "handlers": .array(registry.names.map { .string($0) })])
        }
        handlers = registry
        hub = RunHub(
            store: self.store, settings: settings.runs, group: group, blocking: blocking, logger: self.logger, stageFactories: stages
        ) { [aws = clients.aws, region = settings.aws.region] guardrail in
            BedrockGuardrail(
                identifier: guardrail.identifier, version: guardrail.version, client: try aws.bedrockRuntime(),
                region: region ?? "the region of AWS's settings")
        }
        let readiness = ModelReadiness(settings, models: models, embedders: embedders, bedrockURLs: assembly.bedrockURLs) {
            transport.circuit(of: $0)
        }
        retention = (opened as? any RetentionStore).map { expiring in
            RetentionSweeper(store: expiring, settings: settings.retention, removeContent: { try await removal.remove($0) }, time: .system)
        }
        let routes = ContentRoutes(
            content: content, unavailable: backends.unavailable["objects"], limit: settings.content.uploadBytes,
            removal: removal)
        let router = try APIRoutes.router(
            hub: hub, handlers: registry, models: models, readiness: readiness,
            backends: BackendReadiness(backends) { transport.circuit(of: $0) }, content: routes, stored: stored,
            defaultTask: settings.defaultTask,
            pageBytes: settings.limits.pageBytes)
        responder = APIResponder(router: router, settings: settings, logger: self.logger)
        context = HTTPServerContext(settings: HTTPServerSettings(settings.limits), responder: responder, logger: self.logger)
        warnOfUnusedPrompts(settings)
    }

    /// Says which folders of prompts no handler uses.
    func warnOfUnusedPrompts(_ settings: ServerSettings) {
        for name in settings.promptFiles.keys.sorted() where handlers.handler(named: name) == nil {
            logger.warning(
                "a folder of prompts has the name of no handler",
                ["folder": .string(name), "handlers": .array(handlers.names.map { .string($0) })])
        }
    }

    deinit { stop() }
}

extension HTTPServerSettings {
    /// The connection's bounds out of the server's settings.
    init(_ limits: LimitSettings) {
        self.init()
        parser.requestLineBytes = limits.requestLineBytes
        parser.headerCount = limits.headerCount
        parser.headerBytes = limits.headerBytes
        parser.bodyBytes = limits.bodyBytes
        maxConnections = limits.maxConnections
        headerTimeoutSeconds = limits.headerTimeoutSeconds
        idleTimeoutSeconds = limits.idleTimeoutSeconds
        minBodyBytesPerSecond = limits.minBodyBytesPerSecond
        bodyGraceSeconds = limits.bodyGraceSeconds
        bodyStallTimeoutSeconds = limits.bodyStallTimeoutSeconds
        writeStallTimeoutSeconds = limits.writeStallTimeoutSeconds
        writeBufferBytes = limits.writeBufferBytes
    }
}
