import Millrace
import MillraceCore
import MillraceEventLoop
import MillraceHTTP

/// A run while it lives: its log, its handler's task, its timers. Confined to its home loop; `emit`, `report`, `sleep` and ``cancel()``
/// may be called from any thread.
///
/// Its state is not checked for overlapping accesses at run time: these checks were a seventh of an event's cost.
final class Run: RunSink, TurnEndWork, @unchecked Sendable {  // Sendable: state is confined to `loop`; the ways in from elsewhere post.
    let responseID: String
    let principal: Principal
    let request: TaskRequest
    let loop: EventLoop
    /// The newest events, for readers on the home loop.
    let tail: RunTail
    let handler: any TaskHandler
    let hub: RunHub
    let loopRuns: LoopRuns
    let executor: LoopExecutor
    @exclusivity(unchecked) var handle: RunHandle?
    @exclusivity(unchecked) var log: RunLog
    @exclusivity(unchecked) var lifecycle = RunLifecycle()
    @exclusivity(unchecked) var assembler = MessageAssembler()
    /// Out of line, as it is known only at the end.
    @exclusivity(unchecked) var usage: OutOfLine<Usage>?
    @exclusivity(unchecked) var stages: RunStages?
    /// Judges behind the readers, where the guardrail is configured so.
    @exclusivity(unchecked) var guardian: RunGuard?
    /// The prompts and personas that were used so far; most runs share the array with the prompt.
    @exclusivity(unchecked) var prompts: [PromptReference]
    /// Whether the store has to be told of them.
    @exclusivity(unchecked) private var hasNewPrompts = false
    @exclusivity(unchecked) private var task: Task<Void, Never>?
    /// What somebody asked for while the run was still being stored.
    @exclusivity(unchecked) var stopBeforeStart: ((inout RunLifecycle) -> RunLifecycle.Action)?
    @exclusivity(unchecked) private var isDirty = false
    @exclusivity(unchecked) var subscribers: [Subscriber] = []
    @exclusivity(unchecked) var commitWaiters: [UnsafeContinuation<Void, any Error>] = []
    @exclusivity(unchecked) var endWaiters: [EndWaiter] = []
    @exclusivity(unchecked) var terminalBatch: EventBatch?
    /// Kept out of line: there is none while a run streams.
    @exclusivity(unchecked) var outcome: Outcome?
    var completion: RunCompletion? { outcome?.completion }
    /// The handler's own task, to be compared with: cancelling the run wakes it when it sleeps.
    @exclusivity(unchecked) var ownTask: UnsafeRawPointer?
    @exclusivity(unchecked) var sleeping: UnsafeContinuation<Void, any Error>?
    /// When the sleeping handler wakes and when the run has to end, in nanoseconds of the monotonic clock; never: `max`.
    @exclusivity(unchecked) var wakesAt = Int64.max
    @exclusivity(unchecked) var endsAt = Int64.max
    /// Set to the earlier of the two, or to a moment before it.
    @exclusivity(unchecked) var alarm: Alarm?
    @exclusivity(unchecked) var grace: LoopTimer?
    @exclusivity(unchecked) var detachGrace: LoopTimer?

    final class Outcome {
        let completion: RunCompletion
        init(_ completion: RunCompletion) { self.completion = completion }
    }

    /// After how many bytes in one turn a producer that never suspends gives the others on the loop their share.
    private static let bytesPerTurn = 16 << 10

    init(
        request: TaskRequest, principal: Principal, handler: any TaskHandler, hub: RunHub, loopRuns: LoopRuns, stages: [any EventStage],
        prompts: [PromptReference] = [], guardPlan: RunGuard.Plan? = nil, inlineGuardrail: ModelGuardrail? = nil
    ) {
        responseID = request.responseID
        self.principal = principal
        self.request = request
        self.handler = handler
        self.prompts = prompts
        self.hub = hub
        self.loopRuns = loopRuns
        loop = loopRuns.loop
        executor = loopRuns.executor(for: handler.name)
        log = RunLog(responseID: request.responseID, limits: hub.logLimits)
        tail = RunTail(limit: hub.settings.tailBytes)
        self.stages = stages.isEmpty ? nil : RunStages(stages, inlineGuardrail: inlineGuardrail)
        guardian = guardPlan.map { RunGuard($0, stages: stages) }
        // Not a weak reference, which would make every retain of the run slow: `deinit` and `close` take it back.
        tail.home = self
    }

    deinit { tail.home = nil }

    var longestRunSeconds: Double { handler.options.longestRunSeconds ?? hub.settings.longestRunSeconds }

    /// Made where somebody logs: few runs do.
    var logger: Logger { hub.logger.with("response_id", .string(responseID)).with("handler", .string(handler.name)) }

    var blocking: BlockingExecutor? { hub.blocking }

    // MARK: Start

    /// Begins the log with `response_start`, for the commit that creates the run. On the loop.
    func begin() -> EventBatch {
        let start = ResponseStart(
            requestID: request.requestID, chatID: request.chatID, task: request.task, modelID: request.modelID,
            parentID: request.message.id)
        return log.begin(start, at: loopRuns.stamp)
    }

    /// The run is stored together with the log's first batch: readers may have it now, and the handler starts, unless somebody has asked to
    /// stop meanwhile. On the loop.
    func start(_ handle: RunHandle, firstBatch: EventBatch) {
        self.handle = handle
        show(firstBatch)
        committed(
            through: firstBatch.lastSequence, reserved: log.nextReservation, bytes: firstBatch.byteCount, isTerminal: false)
        let alarm = Alarm(of: self)
        self.alarm = alarm
        loop.set(alarm, after: Int64(longestRunSeconds * 1_000_000_000))
        endsAt = alarm.deadline
        if let stopBeforeStart {
            perform(stopBeforeStart(&lifecycle))
            perform(lifecycle.handlerReturned())
            return
        }
        // Runs the handler. What needs no waiting is kept out of here: a task holds its frames until it ends, and there is one of these for
        // every open stream.
        if let stages {
            task = Task(executorPreference: executor) { await self.executeWithStages(stages) }
            return
        }
        task = Task(executorPreference: executor) {
            self.ownTask = EventLoop.currentTask
            do {
                try await self.handler.handle(self.request, RunContext(sink: self))
                self.handlerEnded(nil)
            } catch {
                self.handlerEnded(error)
            }
        }
    }

    /// As the task of ``start(_:firstBatch:)``, with stages: what they held when the handler failed was on its way to the reader, and goes first.
    private func executeWithStages(_ stages: RunStages) async {
        ownTask = EventLoop.currentTask
        var failure: (any Error)?
        do {
            if let guardrail = stages.inlineGuardrail {
                try await ModelGuardrail.$current.withValue(guardrail) { try await handler.handle(request, RunContext(sink: self)) }
            } else {
                try await handler.handle(request, RunContext(sink: self))
            }
        } catch {
            failure = error
        }
        do {
            try await stages.finish { try await self.settle($0) }
            try await finishJudging(stages)
        } catch {
            failure = failure ?? error
        }
        if let error = failure as? MillraceError { failure = await stages.checked(error) }
        handlerEnded(failure)
    }

    var configuration: [String: JSONValue] { hub.configurations.configuration(of: handler.name) }

    @inline(never)
    private func handlerEnded(_ error: (any Error)?) {
        task = nil
        ownTask = nil
        guard let error else {
            perform(lifecycle.handlerReturned())
            return
        }
        if lifecycle.acceptsEvents {
            logger.warning(
                "run failed",
                ["request_id": .string(request.requestID), "error": .string("\(error)")])
        }
        perform(lifecycle.handlerThrew(error))
    }

    // MARK: Events

    func emitNow(_ event: Event) throws -> EmitOutcome {
        guard loop.isCurrent, stages == nil else { return .mustWait }
        try checkAccepting()
        if log.mustWait || loopRuns.isFull { return .mustWait }
        try append(event)
        return log.openBytes > Self.bytesPerTurn ? .appendedAndShouldYield : .appended
    }

    func yield() async { await loop.nextTurn() }

    func reserveBlock() async throws -> Int {
        guard loop.isCurrent else {
            return try await Task(executorPreference: executor) { try await self.reserveBlock() }.value
        }
        try checkAccepting()
        return stages?.reserveBlock() ?? log.reserveBlock()
    }

    func endBlock(_ block: Int) async throws {
        guard let stages else { return }
        guard loop.isCurrent else {
            return try await Task(executorPreference: executor) { try await self.endBlock(block) }.value
        }
        try await stages.endBlock(block) {
            try await self.settle($0)
            try await self.endJudgedBlock(block)
        }
    }

    func emit(_ event: Event) async throws {
        guard loop.isCurrent else {
            // From a thread of the handler's own: one hop there and back.
            try await Task(executorPreference: executor) { try await self.emit(event) }.value
            return
        }
        if let stages {
            if guardian != nil { try await waitForJudge() }
            try await stages.process(event) { try await self.settle($0) }
            return
        }
        try await room()
        try checkAccepting()
        try append(event)
        if log.openBytes > Self.bytesPerTurn { await loop.nextTurn() }
    }

    /// Appends what the stages let through.
    private func settle(_ outcome: RunStages.Outcome) async throws {
        // The end holds whatever becomes of the events before it: a handler must not go on past it.
        defer { if let status = outcome.ending { perform(lifecycle.stageEnded(status)) } }
        for event in outcome.events {
            if let guardian {
                try await append(event, guardedBy: guardian)
                continue
            }
            try await room()
            try checkAccepting()
            try append(event)
        }
        if outcome.ending != nil { throw CancellationError() }
        if log.openBytes > Self.bytesPerTurn { await loop.nextTurn() }
    }

    /// Appends an event of a run that accepts events and has room.
    func append(_ event: Event, isTerminal: Bool = false) throws {
        if case .custom = event.body, !event.kind.mayBeCustom {
            throw MillraceError(
                .invalidInput, "a handler cannot emit events of the kind '\(event.kind)': choose a lower-case name of its own")
        }
        let block = try log.append(event, at: loopRuns.stamp, isTerminal: isTerminal)
        assembler.receive(event, block: block)
        if !isDirty {
            isDirty = true
            loop.atTurnEnd(.events, self)
        }
    }

    func checkAccepting() throws {
        if lifecycle.acceptsEvents { return }
        throw CancellationError()
    }

    /// Waits until commits have made room: in this run's log, and among all that waits on this loop.
    func room() async throws {
        while log.mustWait || loopRuns.isFull {
            try checkAccepting()
            if log.mustWait {
                try await withUnsafeThrowingContinuation { commitWaiters.append($0) }
            } else {
                await loopRuns.room()
            }
        }
    }

    func turnEnds() {
        isDirty = false
        if !lifecycle.isClosed, let batch = log.seal() { publish(batch) }
    }

    /// A sealed batch goes to the readers and to the store's next commit.
    func publish(_ batch: EventBatch) {
        show(batch)
        store(batch)
    }

    private func show(_ batch: EventBatch) {
        tail.append(batch)
        tail.wakeReaders()
        for subscriber in subscribers { tell(subscriber, .batch(batch)) }
    }

    func store(_ batch: EventBatch, completion: RunCompletion? = nil) {
        guard let handle else { return }
        var append = RunAppend(handle: handle, batch: batch, reservedSequence: log.nextReservation, completion: completion)
        if hasNewPrompts {
            hasNewPrompts = false
            append.prompts = prompts
        }
        if let guardian {
            append.retractions = guardian.takeRetractions()
            append.judgedSequence = completion == nil ? guardian.takeJudgedSequence(through: batch.lastSequence) : nil
        }
        loopRuns.store(append, of: self)
    }

    func report(_ usage: Usage) {
        loop.perform { self.usage = OutOfLine(self.usage.map { $0.value + usage } ?? usage) }
    }

    func note(_ prompts: [PromptReference]) { loop.perform { self.takeNote(of: prompts) } }

    private func takeNote(of used: [PromptReference]) {
        if prompts.isEmpty {
            prompts = used.count <= Self.mostPrompts ? used : Array(used.prefix(Self.mostPrompts))
            hasNewPrompts = !used.isEmpty
            return
        }
        for reference in used where prompts.count < Self.mostPrompts && !prompts.contains(reference) {
            prompts.append(reference)
            hasNewPrompts = true
        }
    }

    /// So many that no handler comes near, and few enough to be looked through.
    private static let mostPrompts = 256

    /// Cancels the handler's task.
    func cancelTask() {
        task?.cancel()
        wakeSleeper(CancellationError())
    }

    // MARK: Commits

    /// A commit holds the log up to `sequence`. On the loop.
    func committed(through sequence: Int, reserved: Int, bytes: Int, isTerminal: Bool) {
        log.committed(through: sequence, reserved: reserved, bytes: bytes)
        if isTerminal {
            perform(lifecycle.terminalCommitted())
            return
        }
        tail.committed(through: sequence)
        for subscriber in subscribers { tell(subscriber, .committed(sequence)) }
        if !log.mustWait { resumeCommitWaiters(.success(())) }
    }

    /// The store gave up. On the loop.
    func storeFailed(_ error: MillraceError) {
        perform(lifecycle.storeFailed(error))
    }

    func resumeCommitWaiters(_ result: Result<Void, any Error>) {
        let waiters = commitWaiters
        commitWaiters = []
        for waiter in waiters { waiter.resume(with: result) }
    }
}
