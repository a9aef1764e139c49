import Glibc
import Millrace
import MillraceCore
import MillraceEventLoop
import MillraceHTTP

/// A server's life: it recovers, listens, looks after its store, and stops.
extension Server {
    /// Recovers what a crash cut off, listens, and returns; ``stop()`` ends it.
    /// - Throws: ``MillraceError`` when the address is taken or the store fails.
    public func start() throws { try start(inherited: []) }

    /// As ``start()``, on listening sockets that somebody has handed over; the settings' address counts where there are none.
    func start(inherited: [InheritedSockets.Socket]) throws {
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
            if let retention { removal.noteLeftovers(try await retention.hasLeftovers()) }
            try await stored.load()
            let now = Timestamp.now()
            for handler in handlers.all {
                try await store.registerTaskHandler(
                    TaskHandlerMetadata(
                        name: handler.name, description: handler.description, isDefault: handler.name == handlers.defaultName,
                        createdAt: now, updatedAt: now), principal: .system)
                guard let stored = try await store.taskHandler(handler.name, principal: .system) else { continue }
                let entry = try await hub.configurations.examine(stored.configuration)
                hub.configurations.use(entry, for: handler.name, since: stored.updatedAt)
                let problems = entry.problems
                if !problems.isEmpty {
                    logger.error(
                        "a stored guardrail is wrong: nothing passes it until it is mended",
                        [
                            "handler": .string(handler.name),
                            "problems": .array(problems.map { .string("\($0.field) \($0.message)") }),
                        ])
                }
            }
        }
        if inherited.isEmpty { try listen() } else { try listen(on: inherited) }
        let (address, port) = state.withLock { ($0.address, $0.port) }
        logger.info(
            "listening",
            [
                "address": .string("http://\(address.contains(":") ? "[\(address)]" : address):\(port)"),
                "inherited_sockets": .integer(inherited.count), "loops": .integer(group.loops.count),
                "data": .string(settings.dataDirectory), "handlers": .array(handlers.names.map { .string($0) }),
            ])
        sweep()
        retain()
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
        let names = Array(repeating: InheritedSockets.ownName, count: listeners.count)
        accept(on: listeners, socketNames: names, address: settings.host, port: port)
    }

    /// Accepts on sockets that were handed over. Every loop accepts on one of them at least, and on every socket accepts one loop at least.
    private func listen(on inherited: [InheritedSockets.Socket]) throws {
        var addresses: [String] = []
        for socket in inherited {
            let address = try Socket.adopt(socket.descriptor, name: socket.name)
            guard ServerSettings.isLoopback(address) || settings.allowUnauthenticated else {
                throw MillraceError(
                    .configuration,
                    "refusing to listen on the inherited socket '\(socket.name)' at \(address): nobody is authenticated, so whoever reaches "
                        + "this address could start and read runs. Let it listen on 127.0.0.1, or pass --allow-unauthenticated if a proxy in "
                        + "front keeps others out")
            }
            addresses.append(address)
        }
        let (sockets, loops) = (inherited.map(\.descriptor), group.loops)
        var listeners: [HTTPListener] = []
        for index in 0..<max(sockets.count, loops.count) {
            let socket = sockets[index % sockets.count]
            // The first listener of a socket has the descriptor itself.
            let descriptor = index < sockets.count ? socket : try Socket.duplicate(socket)
            listeners.append(
                HTTPListener(
                    descriptor: descriptor, isShared: sockets.count < loops.count, loop: loops[index % loops.count], server: context))
        }
        accept(on: listeners, socketNames: inherited.map(\.name), address: addresses[0], port: Socket.port(of: sockets[0]))
    }

    private func accept(on listeners: [HTTPListener], socketNames: [String], address: String, port: Int) {
        state.withLock { state in
            state.address = address
            state.port = port
            state.listeners = listeners
            state.socketNames = socketNames
        }
        forEach(listeners) { _, listener in listener.start() }
    }

    /// Does something with each listener on its loop, later.
    private func forEach(_ listeners: [HTTPListener], _ body: @escaping @Sendable (Int, HTTPListener) -> Void) {
        for (index, listener) in listeners.enumerated() { group.loops[index % group.loops.count].post { body(index, listener) } }
    }

    /// Every few seconds, closes the runs that were abandoned while the store failed, as soon as it works again.
    private func sweep() {
        let (loop, hub, logger) = (group.loops[0], hub, logger)
        keepHouse {
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

    /// Does something beside the requests until the server stops, which cancels it.
    private func keepHouse(_ body: @escaping @Sendable () async throws -> Void) {
        let task = Task(executorPreference: group.loops[0].executor) { try await body() }
        state.withLock { $0.housekeeping.append(task) }
    }

    /// Removes what the settings no longer keep, now and every minute, and what deleted files have left behind.
    private func retain() {
        guard let retention else { return }
        let (loop, hub, logger, removal) = (group.loops[0], hub, logger, removal)
        let removesAnything = settings.retention.removesAnything
        keepHouse {
            while !hub.isDraining {
                do {
                    guard removesAnything || removal.hasLeftovers else {
                        try await loop.sleep(nanoseconds: RetentionSweeper.interval)
                        continue
                    }
                    // Cleared first: what is left meanwhile is for the next pass.
                    removal.noteLeftovers(false)
                    let tally = try await retention.pass { time in
                        try await loop.sleep(nanoseconds: time)
                        if hub.isDraining { throw CancellationError() }
                    }
                    if !tally.isEmpty {
                        logger.info(
                            "removed what is no longer kept",
                            ["runs": .integer(tally.runs), "chats": .integer(tally.chats), "files": .integer(tally.files)])
                    }
                } catch {
                    if hub.isDraining { return }
                    removal.noteLeftovers(true)
                    logger.warning("retention failed; it is tried again", ["error": .string("\(error)")])
                }
                try await loop.sleep(nanoseconds: RetentionSweeper.interval)
            }
        }
    }

    /// Serves until SIGTERM or SIGINT, drains, and returns the exit status. Call it on the main thread.
    ///
    /// SIGUSR2 restarts in place: the server drains, and the program is started anew in the same process, with the same arguments, on the
    /// same listening sockets; clients that connect meanwhile wait. Listening sockets that systemd or another parent hands over
    /// (`LISTEN_FDS`, sd_listen_fds(3)) are used in place of the settings' address, and `NOTIFY_SOCKET` (sd_notify(3)) is told how the server
    /// stands. SIGHUP reads the configuration anew, unless it says that the terminal is gone in which the server was started.
    /// - Parameter reload: how the configuration is read anew (default: it is not).
    /// - Throws: as ``start()``, and for a wrong `LISTEN_FDS`.
    public func run(reload: SettingsReload? = nil) throws -> Int32 {
        var reload = reload
        let signals = try SignalWatch([SIGTERM, SIGINT, SIGUSR2, SIGHUP])
        signal(SIGPIPE, SIG_IGN)
        do {
            try start(inherited: try InheritedSockets(process: getpid()) { ProcessRestart.variable($0) }.sockets)
        } catch {
            stop(drainSeconds: 0)
            throw error
        }
        notify(.ready(status: "listening on port \(port)"))
        var signal = nextSignal(signals, &reload)
        while signal == SIGUSR2, let problem = ProcessRestart.problem() {
            // A program that cannot be started must not end one that serves.
            logger.error("cannot restart; serving on", ["error": .string(problem)])
            signal = nextSignal(signals, &reload)
        }
        let restarts = signal == SIGUSR2
        let name = [SIGUSR2: "SIGUSR2", SIGINT: "SIGINT", SIGHUP: "SIGHUP"][signal] ?? "SIGTERM"
        logger.info(restarts ? "restarting" : "stopping", ["signal": .string(name), "runs": .integer(hub.liveCount)])
        let seconds = longestStopSeconds
        notify(
            restarts
                ? .reloading(status: "draining", seconds: seconds, monotonicNanoseconds: EventLoop.clock())
                : .stopping(status: "draining", seconds: seconds))
        forceStopEventually(after: seconds)
        let sockets = stop(drainSeconds: settings.runs.drainSeconds, restarts: restarts)
        guard restarts else { return 0 }
        // From here to the new program's own watch, signals wait.
        let waiting = ProcessRestart.holdSignals([SIGTERM, SIGINT, SIGUSR2, SIGHUP])
        while let next = signals.pending() { if next != SIGUSR2 && next != SIGHUP { return 0 } }
        if waiting.contains(where: { $0 != SIGUSR2 && $0 != SIGHUP }) { return 0 }
        try ProcessRestart.execute(sockets: sockets)
    }

    func notify(_ state: ServiceNotifier.State) {
        do {
            try ServiceNotifier(path: ProcessRestart.variable("NOTIFY_SOCKET")).send(state)
        } catch {
            logger.warning("the service manager was not told", ["error": .string(error.message)])
        }
    }

    /// How long a stop takes at most.
    private var longestStopSeconds: Double {
        settings.runs.drainSeconds + settings.runs.cancelGraceSeconds + settings.runs.commitPatienceSeconds * 2 + 10
    }

    /// A handler that never gives its thread back, or a disk that never answers, must not keep a stopping process alive for ever.
    private func forceStopEventually(after seconds: Double) {
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
    public func stop(drainSeconds: Double = 0) { _ = stop(drainSeconds: drainSeconds, restarts: false) }

    /// - Returns: the listening sockets in their order, if the program is to be started anew with them.
    private func stop(drainSeconds: Double, restarts: Bool) -> [InheritedSockets.Socket] {
        let before = state.withLock { state in
            defer { state.isStopped = true }
            return state
        }
        guard !before.isStopped else { return [] }
        let listeners = before.listeners
        let began = EventLoop.clock()
        let names = before.socketNames
        let parted = Monitor((count: 0, sockets: [Int: Int32]()))
        forEach(listeners) { index, listener in
            let parting: HTTPListener.Parting =
                restarts && index < names.count ? .keep : restarts || before.areInherited ? .leave : .close
            let socket = listener.stopAccepting(parting)
            parted.updateAndWakeAll { parted in
                parted.count += 1
                if let socket { parted.sockets[index] = socket }
            }
        }
        // The door first: who connects from now on waits for the next process, and is not turned away. And no connection comes later that
        // nobody would wait for. A loop that a handler holds does not hold the others up.
        _ = parted.wait(nanoseconds: 1_000_000_000) { $0.count == listeners.count ? true : nil }
        hub.beginDrain()
        context.beginDrain()
        if !hub.waitUntilIdle(nanoseconds: Int64(drainSeconds * 1_000_000_000)) {
            hub.stopAll()
            let grace = settings.runs.cancelGraceSeconds + settings.runs.commitPatienceSeconds + 1
            _ = hub.waitUntilIdle(nanoseconds: Int64(grace * 1_000_000_000))
        }
        closeConnections(listeners, stoppingSince: began)
        closeStores()
        group.stop()
        hub.disconnectLoops()
        blocking.stop()
        logger.info("stopped")
        sink?.stop()
        // All of them: a loop that a handler held until now did what was posted to it before it ended.
        let sockets = parted.wait { $0.sockets }
        return sockets.sorted { $0.key < $1.key }.map { .init(descriptor: $0.value, name: names[$0.key]) }
    }

    /// Ends what looks after the stores, finishes what is being stored, and closes them.
    private func closeStores() {
        let done = Monitor(false)
        let housekeeping = state.withLock { $0.housekeeping }
        let close: @Sendable () async -> Void = { [backends, store] in
            for task in housekeeping { task.cancel() }
            for task in housekeeping { _ = await task.result }
            await backends.close()
            await store.close()
            done.update {
                $0 = true; return true
            }
        }
        // Not on Swift's own pool, also where the loops were never started: a few servers that go at the same time would take all its threads
        // to wait for it, and starting it ends the process when there are no descriptors left.
        if group.startIfNeeded() {
            Task(executorPreference: group.loops[0].executor) { await close() }
        } else {
            Task.detached { await close() }
        }
        let _: Bool = done.wait { $0 ? true : nil }
    }

    /// Lets responses leave for a moment, then lets streams end behind a whole event, then closes what is left. A connection that was accepted
    /// just before the stop gets a moment to ask, and its answer.
    private func closeConnections(_ listeners: [HTTPListener], stoppingSince began: Int64) {
        let never = Monitor(false)
        for pass in 0..<60 where context.connectionCount > 0 {
            let hadTime = EventLoop.clock() - began > Self.firstRequestNanoseconds
            let endsStreams = pass >= 10
            if endsStreams { hub.endReaders() }
            forEach(listeners) { _, listener in
                if endsStreams { listener.wakeStreams() }
                listener.closeConnections(hadTime ? .idle : .betweenRequests)
            }
            _ = never.wait(nanoseconds: 50_000_000) { $0 ? true : nil }
        }
        forEach(listeners) { _, listener in listener.closeConnections(.all) }
    }

    /// For how long after the stop a connection that has asked for nothing is left open.
    private static let firstRequestNanoseconds: Int64 = 500_000_000

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
