import Millrace
import MillraceCore

/// The newest events of a run on one loop, and the readers there: on the run's home loop the log's own end, on another loop a copy that
/// is sent one batch of immutable buffers a turn. Confined to its loop.
final class RunTail {
    /// How the run stands, as far as this loop knows.
    enum State: Equatable {
        case live
        /// The terminal event is in the tail.
        case ended
        /// The store failed: readers are told and their connections close.
        case broken
    }

    private(set) var batches: [EventBatch] = []
    private(set) var state = State.live
    private(set) var readers: [RunReader] = []
    /// Called when the last reader has left, and when a first one has come.
    var readersChanged: ((_ hasReaders: Bool) -> Void)?
    private let limit: Int
    private var bytes = 0
    private var committedSequence = 0

    /// An empty tail that keeps about `limit` committed bytes.
    init(limit: Int) { self.limit = limit }

    /// The sequence before the first event that is still here: readers behind it read from the store.
    var floorSequence: Int { (batches.first?.firstSequence).map { $0 - 1 } ?? lastSequence }
    /// The sequence of the newest event.
    private(set) var lastSequence = 0

    /// Adds what was sealed in this turn. Readers are told by ``wakeReaders()``.
    func append(_ batch: EventBatch) {
        lastSequence = max(lastSequence, batch.lastSequence)
        guard batch.lastSequence >= batch.firstSequence else { return }
        batches.append(batch)
        bytes += batch.frames.count
    }

    /// Events up to `sequence` are in the store: old ones may go.
    func committed(through sequence: Int) {
        committedSequence = max(committedSequence, sequence)
        var dropped = 0
        while bytes > limit, dropped < batches.count, batches[dropped].lastSequence <= committedSequence {
            bytes -= batches[dropped].frames.count
            dropped += 1
        }
        if dropped > 0 { batches.removeFirst(dropped) }
    }

    /// Starts a copy where the home loop's tail stands.
    func adopt(floor: Int, batches: [EventBatch]) {
        lastSequence = floor
        self.batches = []
        bytes = 0
        for batch in batches { append(batch) }
    }

    /// Nothing will be appended any more.
    func finish(_ state: State) {
        self.state = state
        wakeReaders()
    }

    /// Tells every reader's connection that there is something to send.
    func wakeReaders() {
        for reader in readers { reader.wake() }
    }

    /// Adds a reader.
    func add(_ reader: RunReader) {
        readers.append(reader)
        if readers.count == 1 { readersChanged?(true) }
    }

    /// Removes a reader.
    func remove(_ reader: RunReader) {
        readers.removeAll { $0 === reader }
        if readers.isEmpty { readersChanged?(false) }
    }

    /// The batch that holds the event after `sequence`, if it is here.
    func batch(after sequence: Int) -> EventBatch? {
        // Readers nearly always stand at the end.
        if let last = batches.last, last.firstSequence - 1 <= sequence { return last.lastSequence > sequence ? last : nil }
        var low = 0
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].lastSequence > sequence { high = middle } else { low = middle + 1 }
        }
        return low < batches.count ? batches[low] : nil
    }
}
