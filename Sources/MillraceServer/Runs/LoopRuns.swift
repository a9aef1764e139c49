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
    let news: News
    init(_ responseID: String, _ news: News) {
        self.responseID = responseID
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
    }

    init(loop: EventLoop, store: any Store, tailBytes: Int) {
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
            let loop = loop
            store.append(batch) { error in loop.post { Self.settle(commits, error) } }
        }
        for index in outgoing.indices where !outgoing[index].isEmpty {
            let deltas = outgoing[index]
            outgoing[index].removeAll(keepingCapacity: true)
            let peer = peers[index]
            peer.loop.post { peer.receive(deltas) }
        }
    }

    private static func settle(_ commits: [PendingCommit], _ error: MillraceError?) {
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
        mirrors[run.responseID] = Mirror(run: run, tail: tail)
        tail.readersChanged = { [weak self] hasReaders in
            if !hasReaders { self?.drop(run) }
        }
        let index = loop.index
        run.loop.post { run.subscribe(index) }
        return tail
    }

    private func drop(_ run: Run) {
        guard mirrors.removeValue(forKey: run.responseID) != nil else { return }
        let index = loop.index
        run.loop.post { run.unsubscribe(index) }
    }

    private func receive(_ deltas: [RunDelta]) {
        for delta in deltas {
            guard let tail = mirrors[delta.responseID]?.tail else { continue }
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
