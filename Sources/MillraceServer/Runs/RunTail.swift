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

    /// The batches from `first` on; those before it were dropped.
    @exclusivity(unchecked) private var stored: [EventBatch?] = []
    @exclusivity(unchecked) private var first = 0
    @exclusivity(unchecked) private(set) var state = State.live
    /// Most runs have one reader, which needs no array.
    @exclusivity(unchecked) private var reader: RunReader?
    @exclusivity(unchecked) private var otherReaders: [RunReader] = []
    /// The run whose own tail this is. It is told when the last reader has left, and when a first one has come.
    @exclusivity(unchecked) unowned var home: Run?
    /// As ``home`` is told, of a copy on another loop.
    @exclusivity(unchecked) var readersChanged: ((_ hasReaders: Bool) -> Void)?
    private let limit: Int
    @exclusivity(unchecked) private var bytes = 0
    @exclusivity(unchecked) private var committedSequence = 0

    /// An empty tail that keeps about `limit` committed bytes.
    init(limit: Int) { self.limit = limit }

    /// What is here, oldest first.
    var batches: [EventBatch] { stored[first...].compactMap(\.self) }
    /// The sequence before the first event that is still here: readers behind it read from the store.
    @exclusivity(unchecked) private(set) var floorSequence = 0
    /// What was taken back of the run's log; a guard takes back only so often.
    @exclusivity(unchecked) private(set) var retractions: [Retraction] = []
    /// The sequence of the newest event.
    @exclusivity(unchecked) private(set) var lastSequence = 0

    /// Adds what was sealed in this turn. Readers are told by ``wakeReaders()``.
    func append(_ batch: EventBatch) {
        lastSequence = max(lastSequence, batch.lastSequence)
        guard batch.lastSequence >= batch.firstSequence else { return }
        if first == stored.count { floorSequence = batch.firstSequence - 1 }
        stored.append(batch)
        bytes += batch.frames.count
    }

    /// Events up to `sequence` are in the store: old ones may go.
    func committed(through sequence: Int) {
        committedSequence = max(committedSequence, sequence)
        guard bytes > limit else { return }
        while bytes > limit, first < stored.count, let oldest = stored[first], oldest.lastSequence <= committedSequence {
            bytes -= oldest.frames.count
            floorSequence = oldest.lastSequence
            stored[first] = nil
            first += 1
        }
        // Moving the rest down each time would cost as much as the tail is long.
        if first == stored.count || first >= 32, first * 2 >= stored.count {
            stored.removeFirst(first)
            first = 0
        }
    }

    /// Starts a copy where the home loop's tail stands.
    func adopt(floor: Int, batches: [EventBatch], retractions: [Retraction] = []) {
        self.retractions = retractions
        lastSequence = floor
        floorSequence = floor
        stored = []
        first = 0
        bytes = 0
        for batch in batches { append(batch) }
    }

    /// Puts tombstones in the place of what is taken back, here and in what readers read from the store: that may not have been told yet.
    func retract(_ retraction: Retraction) {
        retractions.append(retraction)
        for index in stored.indices[first...] {
            guard let batch = stored[index], let redacted = batch.applying(retraction) else { continue }
            bytes += redacted.frames.count - batch.frames.count
            stored[index] = redacted
        }
        reader?.retract(retraction)
        for reader in otherReaders { reader.retract(retraction) }
    }

    /// Nothing will be appended any more.
    func finish(_ state: State) {
        self.state = state
        wakeReaders()
    }

    /// Tells every reader's connection that there is something to send.
    func wakeReaders() {
        reader?.wake()
        for reader in otherReaders { reader.wake() }
    }

    /// Whether somebody reads here.
    var hasReaders: Bool { reader != nil || !otherReaders.isEmpty }

    /// Adds a reader.
    func add(_ reader: RunReader) {
        let isFirst = !hasReaders
        if self.reader == nil { self.reader = reader } else { otherReaders.append(reader) }
        if isFirst { tellAudience(true) }
    }

    /// Removes a reader.
    func remove(_ reader: RunReader) {
        if self.reader === reader { self.reader = nil } else { otherReaders.removeAll { $0 === reader } }
        if !hasReaders { tellAudience(false) }
    }

    private func tellAudience(_ hasReaders: Bool) {
        home?.audienceChanged()
        readersChanged?(hasReaders)
    }

    /// The batch that holds the event after `sequence`, if it is here.
    func batch(after sequence: Int) -> EventBatch? {
        // Readers nearly always stand at the end.
        guard lastSequence > sequence, first < stored.count, let last = stored[stored.count - 1] else { return nil }
        if last.firstSequence - 1 <= sequence { return last.lastSequence > sequence ? last : nil }
        var low = first
        var high = stored.count
        while low < high {
            let middle = (low + high) / 2
            if let batch = stored[middle], batch.lastSequence > sequence { high = middle } else { low = middle + 1 }
        }
        return low < stored.count ? stored[low] : nil
    }
}
