package import MillraceCore

/// The bounds of one run's log.
package struct RunLogLimits: Equatable, Sendable {
    /// How many sequences each commit reserves ahead of what it stores: what a crash can lose at most.
    package var reservedSequences = 1024
    /// How many bytes may wait for their commit before `emit` waits.
    package var uncommittedBytes = 256 << 10
    /// The largest single event, encoded, in bytes.
    package var eventBytes = 1 << 20
    /// The largest whole log, in bytes.
    package var runBytes = 64 << 20
    package init() {}
}

/// The log of one run as its home loop keeps it: numbers events, encodes each once, and knows what is committed.
///
/// Pure: no clock, no store, no reader. Sequences rise by one from 1; what is above the reservation of the last commit must not be
/// appended (``mustWait``), so a reader never sees a number that a crash could give to another event.
package struct RunLog: ~Copyable {
    /// Out of line, since a server's runs share one.
    private let sharedLimits: OutOfLine<RunLogLimits>
    private var limits: RunLogLimits { _read { yield sharedLimits.value } }
    private let encoder: EventEncoder
    private var open = ByteBuffer()
    private var openHidden = ByteBuffer()
    private var openFirst = 1
    private var hiddenOrdinal = 0
    private var blocks = BlockNumbering()
    private var totalBytes = 0
    /// What the last batch had: the next one begins with as much memory, since a stream's turns are alike.
    private var lastBatchBytes = 0

    /// The sequence of the last event appended.
    package private(set) var lastSequence = 0
    /// The sequence of the last event committed.
    package private(set) var committedSequence = 0
    /// The highest sequence that may be sent now.
    package private(set) var reservedSequence: Int
    /// Bytes appended and not committed.
    package private(set) var uncommittedBytes = 0

    package init(responseID: String, limits: RunLogLimits) { self.init(responseID: responseID, limits: OutOfLine(limits)) }

    package init(responseID: String, limits: OutOfLine<RunLogLimits>) {
        sharedLimits = limits
        encoder = EventEncoder(responseID: responseID)
        reservedSequence = limits.value.reservedSequences
    }

    /// Bytes that wait to be sealed.
    package var openBytes: Int { open.count + openHidden.count }

    /// Whether the next event has to wait for a commit.
    package var mustWait: Bool { lastSequence >= reservedSequence || uncommittedBytes >= limits.uncommittedBytes }

    /// Appends `response_start` and seals it into a batch of its own, for the commit that creates the run. Nothing leaves before that
    /// commit, so neither the reservation nor the bounds on bytes apply.
    package mutating func begin(_ start: ResponseStart, at stamp: EventStamp) -> EventBatch {
        precondition(lastSequence == 0 && openBytes == 0, "the log has begun already")
        open.reserve(exactly: 512)
        encoder.append(Event(.responseStart, .responseStart(start)), sequence: 1, at: stamp, block: nil, to: &open)
        lastSequence = 1
        totalBytes += openBytes
        uncommittedBytes += openBytes
        return sealOpen()
    }

    /// Appends one event.
    /// - Parameter isTerminal: whether the event only leaves after its commit, so that neither the reservation nor the bounds on bytes apply.
    /// - Returns: the number of the block that the event is in; `nil` outside blocks.
    /// - Throws: ``ErrorCode/limitExceeded`` for an event or a log that is too large, ``ErrorCode/invalidInput`` for a block's number that
    ///   cannot be chosen; nothing is appended then.
    @discardableResult
    package mutating func append(
        _ event: Event, at stamp: EventStamp, isTerminal: Bool = false
    ) throws(MillraceError) -> Int? {
        precondition(isTerminal || lastSequence < reservedSequence, "appended above the reservation")
        try BlockNumbering.check(event)
        let before = openBytes
        let mark = blocks.mark(before: event)
        let block = blocks.position(of: event)
        if event.isEmitted {
            // A few bytes more, for numbers that get longer.
            if open.capacity == 0, lastBatchBytes > 0 { open.reserve(exactly: lastBatchBytes + 16) }
            encoder.append(event, sequence: lastSequence + 1, at: stamp, block: block, to: &open)
        } else {
            encoder.appendHidden(event, after: lastSequence, ordinal: hiddenOrdinal + 1, at: stamp, block: block, to: &openHidden)
        }
        let size = openBytes - before
        if !isTerminal, size > limits.eventBytes || totalBytes + size > limits.runBytes {
            blocks.restore(mark)
            if event.isEmitted { open.truncate(to: open.count - size) } else { openHidden.truncate(to: openHidden.count - size) }
            throw size > limits.eventBytes
                ? MillraceError(
                    .limitExceeded,
                    "an event of kind '\(event.kind)' has \(size) bytes, more than the \(limits.eventBytes) that one event may have: send it in pieces"
                )
                : MillraceError(.limitExceeded, "the run's log has reached \(limits.runBytes) bytes, the most that one run may write")
        }
        if event.isEmitted {
            lastSequence += 1
            hiddenOrdinal = 0
        } else {
            hiddenOrdinal += 1
        }
        totalBytes += size
        uncommittedBytes += size
        return block?.index
    }

    /// A block number that only events naming it will have.
    package mutating func reserveBlock() -> Int { blocks.reserve() }

    /// Takes what was appended since the last call, immutable from now on; `nil` when that is nothing.
    package mutating func seal() -> EventBatch? {
        openBytes > 0 ? sealOpen() : nil
    }

    private mutating func sealOpen() -> EventBatch {
        var frames = ByteBuffer()
        swap(&frames, &open)
        frames.shrink()
        lastBatchBytes = frames.count
        let batch = EventBatch(
            firstSequence: openFirst, lastSequence: lastSequence, frames: frames,
            hidden: openHidden.isEmpty ? nil : openHidden.bytes)
        openHidden.release()
        openFirst = lastSequence + 1
        return batch
    }

    /// What the next commit of everything appended so far will reserve.
    package var nextReservation: Int { lastSequence + limits.reservedSequences }

    /// A commit has happened.
    package mutating func committed(through sequence: Int, reserved: Int, bytes: Int) {
        committedSequence = max(committedSequence, sequence)
        reservedSequence = max(reservedSequence, reserved)
        uncommittedBytes -= bytes
    }
}

/// Gives content blocks their numbers: consecutive pieces of one kind form a block, and a tool call is a block of its own.
package struct BlockNumbering: Equatable, Sendable {
    /// What the block that is being written holds, as far as numbering cares.
    fileprivate enum Open: UInt8 {
        case nothing
        case content
        case reasoning
        case other

        init(_ kind: EventKind) {
            switch kind {
            case .content: self = .content
            case .reasoning: self = .reasoning
            default: self = .other
            }
        }
    }

    private var open = Open.nothing
    private var index = -1
    private var sequence = 0
    private var explicit: [Int: Int] = [:]
    private var discarded: Set<Int> = []

    /// The numbers that an event may name. Those that are given behind the highest of them still fit 32 bits.
    package static let choices = 0...1_000_000_000

    package init() {}

    /// - Throws: ``ErrorCode/invalidInput`` for an event that names a block which there cannot be.
    package static func check(_ event: Event) throws(MillraceError) {
        guard let chosen = event.contentBlockIndex, !choices.contains(chosen) else { return }
        throw MillraceError(
            .invalidInput,
            "an event of kind '\(event.kind)' names the content block \(chosen): blocks have numbers from 0 to \(choices.upperBound)")
    }

    /// The event with the number of its block, where it is in one.
    package mutating func numbered(_ event: Event) -> Event {
        var event = event
        let position = position(of: event)
        if event.contentBlockIndex == nil, let position {
            event.contentBlockIndex = position.index
            event.isBlockAssigned = true
        }
        return event
    }

    /// What one event can change. Not the whole: a copy of `explicit` with every event would cost more the more blocks a run has.
    struct Mark {
        fileprivate let open: Open
        fileprivate let index: Int
        fileprivate let sequence: Int
        fileprivate let chosen: (block: Int, next: Int?)?
        fileprivate let discarded: Set<Int>?
    }

    func mark(before event: Event) -> Mark {
        Mark(
            open: open, index: index, sequence: sequence, chosen: event.contentBlockIndex.map { ($0, explicit[$0]) },
            discarded: event.discardedBlocks.isEmpty ? nil : discarded)
    }

    /// Takes the event back that came after the mark.
    mutating func restore(_ mark: Mark) {
        (open, index, sequence) = (mark.open, mark.index, mark.sequence)
        if let (block, next) = mark.chosen { explicit[block] = next }
        if let discarded = mark.discarded { self.discarded = discarded }
    }

    /// The position of the next event, `nil` for an event outside blocks. Status, documents and metadata do not end a block; a citation
    /// belongs to the text before it.
    package mutating func position(of event: Event) -> EventEncoder.BlockPosition? {
        if case .content = event.body, event.contentBlockIndex == nil {
            if open != .content { begin(.content) }
            return next()
        }
        if !event.discardedBlocks.isEmpty {
            discarded.formUnion(event.discardedBlocks)
            if discarded.contains(index) { open = .nothing }
        }
        if let chosen = event.contentBlockIndex {
            let next = explicit[chosen, default: chosen == index ? sequence : 0]
            explicit[chosen] = next + 1
            if chosen >= index {
                index = chosen
                // Text that names no block joins none that was taken back.
                open = discarded.contains(chosen) ? .nothing : Open(event.kind)
                sequence = next + 1
            }
            return .init(index: chosen, sequence: next)
        }
        switch event.body {
        case .content: if open != .content { begin(.content) }
        case .reasoning(let piece):
            if open != .reasoning { begin(.reasoning) }
            defer { if piece.endsBlock { open = .nothing } }
            return next()
        case .toolCall: begin(.other)
        case .citation: guard open == .content else { return nil }
        default: return nil
        }
        return next()
    }

    private mutating func next() -> EventEncoder.BlockPosition {
        defer { sequence += 1 }
        return .init(index: index, sequence: sequence)
    }

    /// The number of a new block, for events that name it; what does not name a block does not join it before they have begun it.
    package mutating func reserve() -> Int {
        begin(.nothing)
        return index
    }

    private mutating func begin(_ what: Open) {
        index += 1
        sequence = 0
        open = what
    }
}
