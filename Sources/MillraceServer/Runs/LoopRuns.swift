import Millrace
import MillraceCore
import MillraceEventLoop

/// News of a run for the readers on another loop.
struct RunDelta: Sendable {
    enum News: Sendable {
        case snapshot(floor: Int, [EventBatch], [Retraction], RunTail.State)
        case retracted(Retraction)
        case batch(EventBatch)
        case committed(Int)
        case ended(EventBatch)
        case broken
    }
    let responseID: String
    /// Which subscription the news is for.
    let generation: Int
    let news: News
    init(_ responseID: String, generation: Int, _ news: News) {
        self.responseID = responseID
        self.generation = generation
        self.news = news
    }
}

/// What a loop has to do with runs: it hands the turn's events to the store and to other loops in one batch each, and keeps copies of the
/// tails of runs that live elsewhere and are read here. Confined to its loop.
final class LoopRuns: TurnEndWork, @unchecked Sendable {  // Sendable: posted closures carry it to its own loop only.
    let loop: EventLoop
    private let store: any Store
    private let tailBytes: Int
    @exclusivity(unchecked) private var peers: [LoopRuns] = []
    /// What this turn has appended.
    @exclusivity(unchecked) private var gathered = Submission()
    /// Memory for the next turn's, where the store answers at once.
    @exclusivity(unchecked) private var spare: Submission?
    @exclusivity(unchecked) private var outgoing: [[RunDelta]] = []
    @exclusivity(unchecked) private var isEnqueued = false
    @exclusivity(unchecked) private var mirrors: [String: Mirror] = [:]
    @exclusivity(unchecked) private var lastGeneration = 0
    /// What the store has not answered yet, oldest first.
    @exclusivity(unchecked) private var submissions: [Submission] = []
    @exclusivity(unchecked) private var uncommittedBytes = 0
    @exclusivity(unchecked) private var roomWaiters: [UnsafeContinuation<Void, Never>] = []
    private lazy var hangTimer = ActionTimer { [unowned self] in self.giveUpHanging() }
    private let patience: Int64
    /// One for all runs of a handler.
    @exclusivity(unchecked) private var executors: [String: LoopExecutor] = [:]
    @exclusivity(unchecked) private var stampTurn = -1
    @exclusivity(unchecked) private var cachedStamp = EventStamp(Timestamp(microseconds: 0))

    /// A run's tail on a loop that is not its home.
    private struct Mirror {
        let run: Run
        let tail: RunTail
        let generation: Int
    }

    /// Appends on their way to the store.
    private final class Submission: @unchecked Sendable {  // Sendable: its state is touched on the loop only.
        @exclusivity(unchecked) private(set) var appends: [RunAppend] = []
        /// Whose appends these are.
        @exclusivity(unchecked) private(set) var runs: [Run] = []
        @exclusivity(unchecked) private(set) var bytes = 0
        /// When the store has had its time.
        @exclusivity(unchecked) var deadline: Int64 = 0
        @exclusivity(unchecked) var isSettled = false

        func add(_ append: RunAppend, of run: Run) {
            bytes += append.batch.byteCount
            appends.append(append)
            runs.append(run)
        }

        /// Forgets all but the memory.
        func reset() {
            appends.removeAll(keepingCapacity: true)
            runs.removeAll(keepingCapacity: true)
            bytes = 0
            isSettled = false
        }
    }

    /// What may wait for its commit on one loop, over all its runs, in bytes.
    private static let mostUncommittedBytes = 64 << 20

    /// - Parameter patience: after how long a commit that is not answered counts as failed, in nanoseconds.
    init(loop: EventLoop, store: any Store, tailBytes: Int, patience: Int64) {
        self.patience = patience
        self.loop = loop
        self.store = store
        self.tailBytes = tailBytes
    }

    /// Introduces all loops' parts to this one, before any of them runs; none, when they have ended.
    func connect(_ peers: [LoopRuns]) {
        self.peers = peers
        outgoing = Array(repeating: [], count: peers.count)
        if peers.isEmpty { executors = [:] }
    }

    /// The executor for the runs of a handler.
    func executor(for handler: String) -> LoopExecutor {
        if let known = executors[handler] { return known }
        let executor = LoopExecutor(loop: loop, name: ActivityName(handler))
        executors[handler] = executor
        return executor
    }

    /// The wall clock, read and encoded once a turn.
    var stamp: EventStamp {
        if stampTurn != loop.turns {
            stampTurn = loop.turns
            cachedStamp.advance(to: .now())
        }
        return cachedStamp
    }

    /// Queues an append for the store.
    func store(_ append: RunAppend, of run: Run) {
        gathered.add(append, of: run)
        enqueue()
    }

    /// Queues news for another loop.
    func send(_ delta: RunDelta, to loopIndex: Int) {
        outgoing[loopIndex].append(delta)
        enqueue()
    }

    private func enqueue() {
        guard !isEnqueued else { return }
        isEnqueued = true
        loop.atTurnEnd(.exchange, self)
    }

    /// Hands on what was queued up to now. What is queued meanwhile, such as by a commit that is answered within the call, is enqueued anew and
    /// follows in the same phase: nothing is lost, and the order stays.
    func turnEnds() {
        isEnqueued = false
        if !gathered.appends.isEmpty { submit() }
        for index in outgoing.indices where !outgoing[index].isEmpty {
            let deltas = outgoing[index]
            outgoing[index].removeAll(keepingCapacity: true)
            let peer = peers[index]
            peer.loop.post { peer.receive(deltas) }
        }
    }

    // MARK: Commits

    /// Whether so much waits for its commit on this loop that handlers have to wait, whatever their own run has.
    var isFull: Bool { uncommittedBytes >= Self.mostUncommittedBytes }

    /// Waits until commits have made room.
    func room() async {
        await withUnsafeContinuation { roomWaiters.append($0) }
    }

    private func submit() {
        let submission = gathered
        // What is told of its commit may append anew.
        gathered = spare.take() ?? Submission()
        uncommittedBytes += submission.bytes
        let loop = loop
        // A store that answers at once costs no further turn, and no timer.
        store.append(submission.appends) { [self] error in
            if loop.isCurrent { settle(submission, error) } else { loop.post { self.settle(submission, error) } }
        }
        if submission.isSettled {
            submission.reset()
            spare = submission
            return
        }
        // A commit that fails is answered within the store's patience. One that hangs (a disk that does not answer) is given up here.
        submission.deadline = loop.now + patience
        submissions.append(submission)
        if !hangTimer.isSet { loop.set(hangTimer, at: submission.deadline) }
    }

    /// The oldest submission was not answered in time.
    private func giveUpHanging() {
        while let oldest = submissions.first, oldest.isSettled || oldest.deadline <= loop.now {
            let hangs = MillraceError(
                .storageUnavailable, "the store does not answer; the run's log cannot be stored now", isRetryable: true)
            settle(oldest, hangs)
        }
        if let oldest = submissions.first { loop.set(hangTimer, at: oldest.deadline) }
    }

    private func settle(_ submission: Submission, _ error: MillraceError?) {
        guard !submission.isSettled else { return }
        submission.isSettled = true
        uncommittedBytes -= submission.bytes
        while let first = submissions.first, first.isSettled { submissions.removeFirst() }
        if submissions.isEmpty, hangTimer.isSet { loop.clear(hangTimer) }
        tell(submission, error)
        guard !isFull, !roomWaiters.isEmpty else { return }
        let waiters = roomWaiters
        roomWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func tell(_ submission: Submission, _ error: MillraceError?) {
        let (runs, kept) = (submission.runs, submission.appends)
        // Borrowed: a copy of each element would cost more than what is done with it.
        let appends = kept.span
        for index in runs.indices {
            if let error {
                runs[index].storeFailed(error)
            } else {
                let batch = appends[index].batch
                runs[index].committed(
                    through: batch.lastSequence, reserved: appends[index].reservedSequence, bytes: batch.byteCount,
                    isTerminal: appends[index].isTerminal)
            }
        }
    }

    // MARK: Copies of tails

    /// The tail of a live run for readers on this loop.
    func tail(of run: Run) -> RunTail {
        if run.loop === loop { return run.tail }
        if let mirror = mirrors[run.responseID] { return mirror.tail }
        let tail = RunTail(limit: tailBytes)
        lastGeneration += 1
        let generation = lastGeneration
        mirrors[run.responseID] = Mirror(run: run, tail: tail, generation: generation)
        tail.readersChanged = { [weak self] hasReaders in
            if !hasReaders { self?.drop(run) }
        }
        let index = loop.index
        run.loop.post { run.subscribe(index, generation: generation) }
        return tail
    }

    private func drop(_ run: Run) {
        guard let mirror = mirrors.removeValue(forKey: run.responseID) else { return }
        let (index, generation) = (loop.index, mirror.generation)
        run.loop.post { run.unsubscribe(index, generation: generation) }
    }

    private func receive(_ deltas: [RunDelta]) {
        for delta in deltas {
            guard let mirror = mirrors[delta.responseID], mirror.generation == delta.generation else { continue }
            let tail = mirror.tail
            switch delta.news {
            case .snapshot(let floor, let batches, let retractions, let state):
                tail.adopt(floor: floor, batches: batches, retractions: retractions)
                if state != .live { tail.finish(state) } else { tail.wakeReaders() }
            case .batch(let batch):
                tail.append(batch)
                tail.wakeReaders()
            case .retracted(let retraction): tail.retract(retraction)
            case .committed(let sequence): tail.committed(through: sequence)
            case .ended(let batch):
                tail.append(batch)
                tail.finish(.ended)
            case .broken: tail.finish(.broken)
            }
        }
    }
}
