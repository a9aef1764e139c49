import Millrace
import MillraceCore
import MillraceEventLoop

/// News of a run for the readers on another loop.
struct RunDelta: Sendable {
    enum News: Sendable {
        case snapshot(floor: Int, [EventBatch], RunTail.State)
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
    private var peers: [LoopRuns] = []
    private var appends: [RunAppend] = []
    private var pending: [PendingCommit] = []
    private var outgoing: [[RunDelta]] = []
    private var isEnqueued = false
    private var mirrors: [String: Mirror] = [:]
    private var lastGeneration = 0
    private var submissions: [Submission] = []
    private var uncommittedBytes = 0
    private var roomWaiters: [UnsafeContinuation<Void, Never>] = []
    private lazy var hangTimer = LoopTimer { [unowned self] in self.giveUpHanging() }
    private let patience: Int64
    private var timeTurn = -1
    private var cachedTime = Timestamp(microseconds: 0)

    private struct PendingCommit: Sendable {
        let run: Run
        let sequence: Int
        let reserved: Int
        let bytes: Int
        let isTerminal: Bool
    }

    /// A run's tail on a loop that is not its home.
    private struct Mirror {
        let run: Run
        let tail: RunTail
        let generation: Int
    }

    /// Appends on their way to the store.
    private final class Submission: @unchecked Sendable {  // Sendable: its state is touched on the loop only.
        let commits: [PendingCommit]
        let bytes: Int
        let deadline: Int64
        var isSettled = false
        init(_ commits: [PendingCommit], deadline: Int64) {
            self.commits = commits
            self.deadline = deadline
            bytes = commits.reduce(0) { $0 + $1.bytes }
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

    /// Introduces the other loops, before any of them runs.
    func connect(_ peers: [LoopRuns]) {
        self.peers = peers
        outgoing = Array(repeating: [], count: peers.count)
    }

    /// The wall clock, read once a turn.
    var time: Timestamp {
        if timeTurn != loop.turns {
            timeTurn = loop.turns
            cachedTime = .now()
        }
        return cachedTime
    }

    /// Queues an append for the store.
    func store(_ append: RunAppend, of run: Run) {
        appends.append(append)
        pending.append(
            PendingCommit(
                run: run, sequence: append.batch.lastSequence, reserved: append.reservedSequence, bytes: append.batch.byteCount,
                isTerminal: append.completion != nil))
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

    func turnEnds() {
        isEnqueued = false
        if !appends.isEmpty {
            let batch = appends
            let commits = pending
            appends.removeAll(keepingCapacity: true)
            pending.removeAll(keepingCapacity: true)
            submit(batch, commits)
        }
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

    private func submit(_ batch: [RunAppend], _ commits: [PendingCommit]) {
        // A commit that fails is answered within the store's patience. One that hangs (a disk that does not answer) is given up here.
        let submission = Submission(commits, deadline: loop.now + patience)
        submissions.append(submission)
        uncommittedBytes += submission.bytes
        if !hangTimer.isSet { loop.set(hangTimer, at: submission.deadline) }
        let loop = loop
        // A store that answers at once costs no further turn.
        store.append(batch) { [self] error in loop.perform { self.settle(submission, error) } }
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
        if submissions.isEmpty { loop.clear(hangTimer) }
        tell(submission.commits, error)
        guard !isFull, !roomWaiters.isEmpty else { return }
        let waiters = roomWaiters
        roomWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func tell(_ commits: [PendingCommit], _ error: MillraceError?) {
        for commit in commits {
            if let error {
                commit.run.storeFailed(error)
            } else {
                commit.run.committed(
                    through: commit.sequence, reserved: commit.reserved, bytes: commit.bytes, isTerminal: commit.isTerminal)
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
            case .snapshot(let floor, let batches, let state):
                tail.adopt(floor: floor, batches: batches)
                if state != .live { tail.finish(state) } else { tail.wakeReaders() }
            case .batch(let batch):
                tail.append(batch)
                tail.wakeReaders()
            case .committed(let sequence): tail.committed(through: sequence)
            case .ended(let batch):
                tail.append(batch)
                tail.finish(.ended)
            case .broken: tail.finish(.broken)
            }
        }
    }
}
