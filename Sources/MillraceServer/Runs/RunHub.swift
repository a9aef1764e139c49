import Millrace
import MillraceCore
import MillraceEventLoop
import MillraceHTTP
import Synchronization

/// All live runs of a server: it starts them, finds them, follows them, and ends them when the server stops. Any thread may call it.
final class RunHub: Sendable {
    let store: any Store
    let settings: RunSettings
    let blocking: BlockingExecutor
    let logger: Logger
    /// Out of line, for all runs.
    let logLimits: OutOfLine<RunLogLimits>
    /// After how long without anything sent a stream gets a comment, in nanoseconds.
    let keepAliveInterval: Int64
    private let loops: [LoopRuns]
    private let stageFactories: [EventStageFactory]
    /// What is stored for each handler, its guardrail among it.
    let configurations: HandlerConfigurations
    private let state: Monitor<State>
    private let draining = Atomic<Bool>(false)
    /// Whether readers end their streams where they stand, since the server stops.
    let readersEnd = ReadersEnd()

    private struct State {
        var live: [String: Run] = [:]
        var running: [Principal: Int] = [:]
        var hasBroken = false
        /// Nothing is admitted any more: whoever ends the runs that live then ends all.
        var isDraining = false
    }

    /// What a request to start a run asks for, checked and resolved.
    struct Start: Sendable {
        var request: TaskRequest
        var handler: any TaskHandler
        var principal: Principal
        var idempotencyKey: IdempotencyKey?
        var createsChat: Bool
        /// What the request has named: a stored persona.
        var prompts: [PromptReference] = []
    }

    /// What became of it.
    enum Started {
        case new(Run)
        case existing(responseID: String)
    }

    /// Where a reader stands that wants to follow a run.
    enum Following {
        case reader(RunReader)
        /// The reader has seen everything up to the terminal event.
        case finished
    }

    init(
        store: any Store, settings: RunSettings, group: EventLoopGroup, blocking: BlockingExecutor, logger: Logger,
        stageFactories: [EventStageFactory] = [], makeTextGuard: @escaping HandlerConfigurations.MakeTextGuard
    ) {
        configurations = HandlerConfigurations(blocking: blocking, makeTextGuard: makeTextGuard)
        self.store = store
        self.settings = settings
        self.blocking = blocking
        self.logger = logger
        logLimits = OutOfLine(settings.log)
        keepAliveInterval = Int64(settings.keepAliveSeconds * 1_000_000_000)
        self.stageFactories = stageFactories
        state = Monitor(State())
        loops = group.loops.map {
            LoopRuns(
                loop: $0, store: store, tailBytes: settings.tailBytes,
                // Twice the store's own patience: it answers first unless it hangs.
                patience: Int64(settings.commitPatienceSeconds * 2_000_000_000))
        }
        for loop in loops { loop.connect(loops) }
    }

    /// Lets go of what the loops' parts hold of each other, once the loops have ended.
    func disconnectLoops() {
        for loop in loops { loop.connect([]) }
    }

    /// Whether the server has begun to stop: nothing new is started.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    // MARK: Starting

    /// Stores and starts a run on `loop`, or finds the one that the idempotency key names. Call it on `loop`.
    func start(_ start: Start, on loop: EventLoop) async throws -> Started {
        guard !isDraining else { throw Self.stopping }
        // The guardrail last: it sees what the reader sees.
        let guards = configurations.guards(of: start.handler.name)
        let stages =
            stageFactories.flatMap { $0(start.request) } + start.handler.stages(for: start.request)
            + guards.stages
        let (request, blockedReason) = try await Self.checked(start.request, by: stages)
        let handler: any TaskHandler = blockedReason.map { BlockedHandler(name: start.handler.name, reason: $0) } ?? start.handler
        let now = Timestamp.now()
        // A blocked request has used nothing.
        let prompts = blockedReason == nil ? start.prompts : []
        let run = Run(
            request: request, principal: start.principal, handler: handler, hub: self, loopRuns: loops[loop.index],
            stages: blockedReason == nil ? stages : [BlockingStage()], prompts: prompts,
            guardPlan: blockedReason == nil ? guards.behind : nil, inlineGuardrail: guards.inline)
        do {
            try admit(run)
        } catch {
            // Attaching to a run that is there is no new run.
            if let key = start.idempotencyKey, let known = try await store.run(of: key, at: now, principal: start.principal) {
                return .existing(responseID: known)
            }
            throw error
        }
        let firstBatch = run.begin()
        let record = RunRecord(
            responseID: request.responseID, chatID: request.chatID, task: request.task, modelID: request.modelID, status: .running,
            requestID: request.requestID, userMessageID: request.message.id, startedAt: now,
            reservedSequence: run.log.nextReservation, recovery: start.handler.options.recovery,
            prompts: prompts, judgedSequence: run.guardian?.storedJudgedSequence)
        do {
            let new = NewRun(
                run: record, firstBatch: firstBatch, userMessage: request.message, idempotencyKey: start.idempotencyKey,
                createsChat: start.createsChat)
            switch try await store.createRun(new, principal: start.principal) {
            case .created(let handle):
                run.start(handle, firstBatch: firstBatch)
                return .new(run)
            case .existing(let responseID):
                remove(run)
                return .existing(responseID: responseID)
            }
        } catch {
            if let failure = error as? MillraceError, failure.code == .storageUnavailable {
                // The store may have kept the run although it could not say so: recovery looks, and who follows the run already is told.
                run.storeFailed(failure)
            } else {
                remove(run)
            }
            throw error
        }
    }

    /// What the stages make of what goes in: the message, who the answer should sound like, and the texts of the context, which clients send as
    /// well.
    /// - Returns: the request, and why it is blocked, if it is: then without its texts.
    private static func checked(
        _ request: TaskRequest, by stages: [any EventStage]
    ) async throws -> (request: TaskRequest, blockedReason: String?) {
        var request = request
        for stage in stages {
            var persona = request.message
            persona.parts = request.persona.map { [.text($0)] } ?? []
            for (message, isPersona) in [(request.message, false), (persona, true)] where !message.parts.isEmpty {
                switch try await stage.input(message) {
                case .pass: break
                case .replace(let message) where isPersona: request.persona = message.text
                case .replace(let message): request.message = message
                case .block(let reason): return (Self.emptied(request), reason)
                }
            }
            for index in request.context.indices {
                var item = request.context[index]
                var texts: [(put: (String, inout ContextItem) -> Void, text: String)] = []
                if let title = item.attachment?.title { texts.append(({ $1.attachment?.title = $0 }, title)) }
                for case (let name, .string(let text)) in item.fields where !Self.untouched.contains(name) {
                    texts.append(({ $1.fields[name] = .string($0) }, text))
                }
                for (put, text) in texts {
                    var message = request.message
                    message.parts = [.text(text)]
                    switch try await stage.input(message) {
                    case .pass: break
                    case .replace(let message): put(message.text, &item)
                    case .block(let reason): return (Self.emptied(request), reason)
                    }
                }
                request.context[index] = item
            }
        }
        return (request, nil)
    }

    /// Members of a context item that are no texts.
    private static let untouched: Set = ["type", "pointer", "mime_type", "data", "id", "document_id"]

    /// A blocked request, without its texts.
    private static func emptied(_ request: TaskRequest) -> TaskRequest {
        var request = request
        request.message.parts = []
        request.persona = nil
        request.context = []
        return request
    }

    /// Makes a run findable before it is stored, so that a second request with its idempotency key can attach as soon as the key is there.
    private func admit(_ run: Run) throws {
        var refusal: MillraceError?
        state.update { state in
            if state.isDraining {
                refusal = Self.stopping
                return false
            }
            let running = state.running[run.principal, default: 0]
            if running >= settings.maxConcurrentRunsPerOwner {
                refusal = MillraceError(
                    .limitExceeded, "\(running) runs are running already, the most that one owner may have at once: wait for one to end",
                    isRetryable: true)
                return false
            }
            state.running[run.principal] = running + 1
            state.live[run.responseID] = run
            return false
        }
        if let refusal { throw refusal }
    }

    private static let stopping = MillraceError(.serverShutdown, "the server is stopping; try again", isRetryable: true)

    private func remove(_ run: Run) {
        state.update { state in
            guard state.live.removeValue(forKey: run.responseID) != nil else { return false }
            let running = state.running[run.principal, default: 1] - 1
            state.running[run.principal] = running > 0 ? running : nil
            return state.live.isEmpty
        }
    }

    /// A run is over.
    func closed(_ run: Run, isBroken: Bool) {
        if isBroken { noteBroken() }
        remove(run)
    }

    /// A run's log waits for recovery.
    func noteBroken() {
        state.update { state in
            state.hasBroken = true
            return false
        }
    }

    // MARK: Finding

    /// The owner's live run of that id.
    func live(_ responseID: String, principal: Principal) -> Run? {
        var found: Run?
        state.update { state in
            found = state.live[responseID]
            return false
        }
        return found?.principal == principal ? found : nil
    }

    /// How many runs live.
    var liveCount: Int {
        var count = 0
        state.update { state in
            count = state.live.count
            return false
        }
        return count
    }

    /// A reader of a run that lives on `loop` or elsewhere. Call it on `loop`.
    func reader(of run: Run, after sequence: Int, on loop: EventLoop) -> RunReader {
        RunReader(
            responseID: run.responseID, principal: run.principal, after: sequence, tail: loops[loop.index].tail(of: run), hub: self,
            loop: loop)
    }

    /// Follows a run, live or stored; `nil` when the owner has none of that id. Call it on `loop`.
    func follow(_ responseID: String, after sequence: Int, principal: Principal, on loop: EventLoop) async throws -> Following? {
        if let run = live(responseID, principal: principal) {
            let newest = await run.newestSequence()
            guard sequence <= newest else {
                throw Problem(.badRequest, "the run has no event \(sequence) yet; its newest is \(newest)")
            }
            return .reader(reader(of: run, after: sequence, on: loop))
        }
        guard let record = try await store.run(responseID, principal: principal) else { return nil }
        if record.status == .running, record.judgedSequence != nil {
            // Its log may hold what nobody has judged, and nobody is there who would take it back.
            throw MillraceError(
                .storageUnavailable, "the run was cut off and is not closed yet; read it again in a few seconds", isRetryable: true)
        }
        if record.status.isTerminal, sequence >= record.lastSequence { return .finished }
        return .reader(
            RunReader(responseID: responseID, principal: principal, after: sequence, tail: nil, hub: self, loop: loop))
    }

    /// What to say of a run that the owner does not have: that its log has expired, or that there is none.
    func absence(of responseID: String, principal: Principal) async throws -> Problem {
        if let expiring = store as? any RetentionStore, try await expiring.hasExpired(run: responseID, principal: principal) {
            return Problem(.gone, "the run '\(responseID)' has expired: its log is no longer kept; the chat has its message")
        }
        return Problem(.notFound, "there is no run '\(responseID)'")
    }

    // MARK: Recovery

    /// Whether a run was abandoned since the last call: its log waits for recovery.
    func takeBroken() -> Bool {
        var hadBroken = false
        state.update { state in
            hadBroken = state.hasBroken
            state.hasBroken = false
            return false
        }
        return hadBroken
    }

    // MARK: Stopping

    /// From now on nothing new is started.
    func beginDrain() {
        draining.store(true, ordering: .relaxed)
        state.update { state in
            state.isDraining = true
            return false
        }
    }

    /// From now on readers end their streams behind a whole event, so that they can read on elsewhere. They have to be woken.
    func endReaders() { readersEnd.begin() }

    /// Blocks the calling thread until no run lives, for at most so long. Not on a loop.
    func waitUntilIdle(nanoseconds: Int64) -> Bool {
        state.wait(nanoseconds: nanoseconds) { $0.live.isEmpty ? true : nil } ?? false
    }

    /// Ends all runs with `error`, `server_shutdown`.
    func stopAll() {
        var runs: [Run] = []
        state.update { state in
            runs = Array(state.live.values)
            return false
        }
        for run in runs { run.stopForShutdown() }
    }
}

/// Stands in for the handler of a request that a guard refused.
private struct BlockedHandler: TaskHandler {
    let name: String
    let reason: String
    var description: String { "Refused by a guard" }
    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        try await context.emit(.status("blocked", message: reason))
    }
}

/// Ends the run of a refused request as `blocked` behind its one status event.
private final class BlockingStage: EventStage {
    func process(_ event: Event) async throws -> StageVerdict { .end(.blocked, [event]) }
}
