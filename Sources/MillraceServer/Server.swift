import Glibc
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
/// The `chat` handler is registered by Millrace and is the default, unless the team registers a default of its own.
public final class Server: Sendable {
    /// What handlers are made of: each is there or missing for a stated reason.
    public struct Clients: Sendable {
        /// The configured language models; `local` is always there.
        public let models: LanguageModelRegistry
        /// The configured embedders; `local` is always there.
        public let embedders: EmbedderRegistry
        /// The files that people upload; `nil` where no object store can be used.
        public let content: ContentStore?
        /// Objects by key; `nil` where none can be used.
        public let objects: (any ObjectStore)?
        /// Indexes that are searched by words and by meaning; `nil` where none can be used.
        public let search: (any SearchEngine)?
        /// Secrets by name; `nil` where none can be used.
        public let secrets: (any SecretStore)?
        /// What can be made again; `nil` where none can be used.
        public let cache: (any Cache)?
        /// Clients of AWS's services.
        public let aws: AWSClients
        /// Why clients are missing, by name: `objects`, `search`, `secrets`, `cache`.
        public let unavailable: [String: String]
        /// The configuration groups of handlers, as they stand in `config.yaml`.
        public let configuration: [String: JSONValue]
    }

    /// The port that the server listens on; 0 before ``start()``.
    public var port: Int { state.withLock { $0.port } }

    private let settings: ServerSettings
    private let logger: Logger
    private let sink: LogSink?
    private let group: EventLoopGroup
    private let blocking: BlockingExecutor
    private let store: any Store
    /// Holds the data directory's lock for the server's life.
    private let dataDirectory: DataDirectory?
    private let backends: Backends
    private let hub: RunHub
    private let context: HTTPServerContext
    private let handlers: TaskHandlerRegistry
    private let state = Locked(State())

    private struct State {
        var port = 0
        var listeners: [HTTPListener] = []
        /// Whether the loops run.
        var hasStarted = false
        var isStopped = false
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
            let directory = try DataDirectory(path: settings.dataDirectory)
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
        let passages = try Self.passages(content, backends, embedders, settings)
        let clients = Clients(
            models: models, embedders: embedders, content: content, objects: backends.objects, search: backends.search,
            secrets: backends.secrets, cache: backends.cache, aws: AWSClients(assembly: backends.aws), unavailable: backends.unavailable,
            configuration: settings.handlerConfiguration)
        var registry = TaskHandlerRegistry(logger: self.logger)
        try register(&registry, clients)
        if registry.handler(named: "chat") == nil {
            try registry.register(
                ChatHandler(models: models, content: content, passages: passages), isDefault: registry.defaultName == nil)
        }
        for task in settings.taskModels.keys.sorted() where registry.handler(named: task) == nil {
            self.logger.warning(
                "taskModels names a task that no handler has",
                ["task": .string(task), "handlers": .array(registry.names.map { .string($0) })])
        }
        handlers = registry
        hub = RunHub(
            store: self.store, settings: settings.runs, group: group, blocking: blocking, logger: self.logger, stageFactories: stages)
        let readiness = ModelReadiness(settings, models: models, embedders: embedders, bedrockURLs: assembly.bedrockURLs) {
            transport.circuit(of: $0)
        }
        let routes = ContentRoutes(
            content: content, unavailable: backends.unavailable["objects"], limit: settings.content.uploadBytes,
            forget: { try await passages?.forget($0, principal: $1) })
        let router = try APIRoutes.router(
            hub: hub, handlers: registry, models: models, readiness: readiness,
            backends: BackendReadiness(backends) { transport.circuit(of: $0) }, content: routes, defaultTask: settings.defaultTask)
        let responder = APIResponder(router: router, settings: settings, logger: self.logger)
        context = HTTPServerContext(settings: HTTPServerSettings(settings.limits), responder: responder, logger: self.logger)
    }

    /// What finds passages of uploaded texts.
    /// - Throws: ``MillraceError`` for an embedder that there is not.
    private static func passages(
        _ content: ContentStore?, _ backends: Backends, _ embedders: EmbedderRegistry, _ settings: ServerSettings
    ) throws(MillraceError) -> ContentPassages? {
        guard let content, let search = backends.search else { return nil }
        var embedder: (any Embedder)?
        if let id = settings.search.embedder {
            do throws(MillraceError) { embedder = try embedders.embedder(id) } catch {
                guard error.code == .modelUnavailable else { throw MillraceError(error.code, "search.embedder: \(error.message)") }
                // Passages are found by words until it can be used.
                embedder = nil
            }
        }
        return ContentPassages(content: content, search: search, embedder: embedder, byteLimit: settings.content.searchableBytes)
    }

    deinit { stop() }

    // MARK: Life

    /// Recovers what a crash cut off, listens, and returns; ``stop()`` ends it.
    /// - Throws: ``MillraceError`` when the address is taken or the store fails.
    public func start() throws {
        let logger = logger
        try group.start(blockWarningNanoseconds: Int64(settings.loopBlockWarningMilliseconds) * 1_000_000) {
            activity, loop, time, isStill in
            logger.warning(
                isStill ? "handler is blocking its event loop" : "handler blocked its event loop",
                ["handler": .string(activity), "loop": .integer(loop), "milliseconds": .integer(Int(time / 1_000_000))])
        }
        state.withLock { $0.hasStarted = true }
        try onLoop { [self] in
            let closed = try await hub.closeUnfinishedRuns(reason: "the server stopped while the run was running")
            if closed > 0 { logger.warning("closed runs that a crash had cut off", ["runs": .integer(closed)]) }
            let now = Timestamp.now()
            for handler in handlers.all {
                try await store.registerTaskHandler(
                    TaskHandlerMetadata(
                        name: handler.name, description: handler.description, isDefault: handler.name == handlers.defaultName,
                        createdAt: now, updatedAt: now), principal: .system)
            }
        }
        try listen()
        logger.info(
            "listening",
            [
                "address": .string("http://\(settings.host.contains(":") ? "[\(settings.host)]" : settings.host):\(port)"),
                "loops": .integer(group.loops.count), "data": .string(settings.dataDirectory),
                "handlers": .array(handlers.names.map { .string($0) }),
            ])
        sweep()
    }

    private func listen() throws {
        // The loops' sockets share the port (SO_REUSEPORT), which another server could as well: one that does not share finds out.
        if settings.port != 0 { try Socket.checkFree(address: settings.host, port: settings.port) }
        var listeners: [HTTPListener] = []
        var port = settings.port
        for loop in group.loops {
            let listener = try HTTPListener(address: settings.host, port: port, loop: loop, server: context)
            port = listener.port
            listeners.append(listener)
        }
        state.withLock { state in
            state.port = port
            state.listeners = listeners
        }
        for (loop, listener) in zip(group.loops, listeners) { loop.post { listener.start() } }
    }

    /// Every few seconds, closes the runs that were abandoned while the store failed, as soon as it works again.
    private func sweep() {
        let (loop, hub, logger) = (group.loops[0], hub, logger)
        Task(executorPreference: loop.executor) {
            while !hub.isDraining {
                try await loop.sleep(nanoseconds: 5_000_000_000)
                guard hub.takeBroken() else { continue }
                do {
                    let closed = try await hub.closeUnfinishedRuns(reason: "the store failed while the run was running")
                    logger.info("closed runs that a failed store had cut off", ["runs": .integer(closed)])
                } catch {
                    hub.noteBroken()
                }
            }
        }
    }

    /// Serves until SIGTERM or SIGINT, drains, and returns the exit status. Call it on the main thread.
    /// - Throws: as ``start()``.
    public func run() throws -> Int32 {
        let signals = try SignalWatch([SIGTERM, SIGINT])
        signal(SIGPIPE, SIG_IGN)
        do {
            try start()
        } catch {
            stop(drainSeconds: 0)
            throw error
        }
        let signal = signals.next()
        logger.info("stopping", ["signal": .string(signal == SIGTERM ? "SIGTERM" : "SIGINT"), "runs": .integer(hub.liveCount)])
        forceStopEventually()
        stop(drainSeconds: settings.runs.drainSeconds)
        return 0
    }

    /// A handler that never gives its thread back, or a disk that never answers, must not keep a stopping process alive for ever.
    private func forceStopEventually() {
        let seconds = settings.runs.drainSeconds + settings.runs.cancelGraceSeconds + settings.runs.commitPatienceSeconds * 2 + 10
        let logger = logger
        let thread = try? NamedThread(name: "last-resort") {
            let never = Monitor(false)
            _ = never.wait(nanoseconds: Int64(seconds * 1_000_000_000)) { $0 ? true : nil }
            logger.error("stopping took too long; ending without it", ["seconds": .double(seconds)])
            logger.flush()
            _exit(70)
        }
        // Without a thread for it the stop is not forced; a stop that is refused for that would be worse.
        thread?.detach()
    }

    /// Stops: nothing new is accepted, runs may end until the deadline, the rest end `error`, `server_shutdown`; then everything is closed.
    /// Safe to call twice. Not on a loop.
    /// - Parameter drainSeconds: how long runs may go on.
    public func stop(drainSeconds: Double = 0) {
        let (listeners, wasStopped) = state.withLock { state in
            defer { state.isStopped = true }
            return (state.listeners, state.isStopped)
        }
        guard !wasStopped else { return }
        hub.beginDrain()
        context.beginDrain()
        for (loop, listener) in zip(group.loops, listeners) { loop.post { listener.stopAccepting() } }
        if !hub.waitUntilIdle(nanoseconds: Int64(drainSeconds * 1_000_000_000)) {
            hub.stopAll()
            let grace = settings.runs.cancelGraceSeconds + settings.runs.commitPatienceSeconds + 1
            _ = hub.waitUntilIdle(nanoseconds: Int64(grace * 1_000_000_000))
        }
        closeConnections(listeners)
        closeStores()
        group.stop()
        blocking.stop()
        logger.info("stopped")
        sink?.stop()
    }

    /// Finishes what is being stored and closes it.
    private func closeStores() {
        let done = Monitor(false)
        let close: @Sendable () async -> Void = { [backends, store] in
            await backends.close()
            await store.close()
            done.update {
                $0 = true; return true
            }
        }
        if state.withLock({ $0.hasStarted }) {
            // Not on Swift's own pool, which would be started for it: that ends the process when there are no descriptors left.
            Task(executorPreference: group.loops[0].executor) { await close() }
        } else {
            Task.detached { await close() }
        }
        let _: Bool = done.wait { $0 ? true : nil }
    }

    /// Lets responses leave for a moment, then closes what is left.
    private func closeConnections(_ listeners: [HTTPListener]) {
        let idle = Monitor(false)
        for _ in 0..<20 where context.connectionCount > 0 {
            for (loop, listener) in zip(group.loops, listeners) { loop.post { listener.closeConnections(onlyIdle: true) } }
            _ = idle.wait(nanoseconds: 50_000_000) { $0 ? true : nil }
        }
        for (loop, listener) in zip(group.loops, listeners) { loop.post { listener.closeConnections(onlyIdle: false) } }
    }

    /// Runs `body` on a loop and waits for it. Not on a loop.
    private func onLoop(_ body: @escaping @Sendable () async throws -> Void) throws {
        let outcome = Monitor<Result<Void, any Error>?>(nil)
        Task(executorPreference: group.loops[0].executor) {
            let result: Result<Void, any Error>
            do {
                try await body()
                result = .success(())
            } catch {
                result = .failure(error)
            }
            outcome.update {
                $0 = result; return true
            }
        }
        try outcome.wait { $0 }.get()
    }
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
        writeStallTimeoutSeconds = limits.writeStallTimeoutSeconds
        writeBufferBytes = limits.writeBufferBytes
    }
}
