import MillraceCore

/// A guardrail's asynchronous mode: readers get text at once, it is judged behind them, and what may not stand is taken back.
///
/// Rules follow the text as it comes; a judge elsewhere is asked about windows of what the rules let stand, and about each block once it is
/// whole, which decides. What readers have at last, without what was taken back, is what the holding mode makes of the text, whatever it
/// was cut into. Pure: the owner appends events and says so, asks the judge, and performs the actions that come back, in order, before it
/// goes on.
package struct RetractingGuard: Sendable {
    /// What the owner does.
    package enum Action: Equatable, Sendable {
        /// Puts tombstones in the place of events, says so in a `status`, and keeps so much of the block's persisted text.
        case retract(RetractionNotice, keeping: KeptBytes)
        /// Appends an event that was judged, or that waits for its judgement again; one in a block is answered by
        /// ``sent(block:sequence:)``.
        case send(Event)
        /// Ends the run as blocked, with this message.
        case end(message: String)
    }

    /// What the judge is asked.
    package struct Question: Equatable, Sendable {
        package let text: String
    }

    /// How a guard works.
    package struct Settings: Sendable {
        /// The rules for what goes out.
        package var rules: [GuardrailRule]
        /// Whether somebody else is asked as well.
        package var asksElsewhere: Bool
        /// What readers are told when a rule blocks.
        package var blockedMessage: String
        /// How much text may run ahead of the judge, in bytes.
        package var unjudgedBytes: Int

        package init(rules: [GuardrailRule], asksElsewhere: Bool, blockedMessage: String, unjudgedBytes: Int) {
            self.rules = rules
            self.asksElsewhere = asksElsewhere
            self.blockedMessage = blockedMessage
            self.unjudgedBytes = unjudgedBytes
        }
    }

    /// A window has as much new text, at least, and at most; and as much of the text before it.
    static let windowBytes = 800
    static let mostWindowBytes = 4_800
    static let overlapBytes = 200
    /// After so many retractions the rest of the run is held: the log has a bound, and so have readers' nerves.
    static let mostRetractions = 200
    /// The most text of a run that may wait, in bytes, until its blocks are whole and judged. It is not in the log, whose bound it escapes.
    static let mostHeldBytes = 4 << 20
    /// The text of one event that is sent anew, in bytes.
    private static let pieceBytes = 32 << 10

    let settings: Settings
    var streams: [Int: Stream] = [:]
    /// Blocks with a stream, in the order in which they began.
    var order: [Int] = []
    /// The persisted bytes of blocks whose stream is done, should they go on.
    private var persistedTotals: [Int: KeptBytes] = [:]
    private var assigned: Int?
    private var retractions = 0
    /// How often each rule has masked something.
    package private(set) var masked: [String: Int] = [:]
    private(set) var isOver = false
    /// What the judge was asked and has not answered.
    var outstanding: Outstanding?

    struct Outstanding {
        var block: Int
        /// The bytes of the stream that the answer covers.
        var through: Int
        var isWhole: Bool
    }

    package init(_ settings: Settings) { self.settings = settings }

    // MARK: Events

    /// Looks whether a text may still wait that readers do not get before all of its block is judged.
    /// - Throws: ``ErrorCode/limitExceeded``.
    package func checkRoom(for event: Event) throws(MillraceError) {
        guard settings.asksElsewhere, !isOver, event.isEmitted, let text = event.text, let block = event.contentBlockIndex,
            streams[block]?.isHeld ?? holdsNewBlocks
        else { return }
        let held = order.reduce(text.utf8.count) { $0 + (streams[$1].map { $0.isHeld ? $0.text.count : 0 } ?? 0) }
        if held <= Self.mostHeldBytes { return }
        throw MillraceError(
            .limitExceeded,
            "a guardrail holds \(Self.mostHeldBytes) bytes of the run's text, the most that it may, until their blocks are whole: "
                + "say less in one block")
    }

    /// An event is about to be appended.
    /// - Returns: what to do before; and the event to append, `nil` where there is nothing to append now.
    package mutating func willAppend(_ event: Event) -> (actions: [Action], event: Event?) {
        if isOver { return ([], nil) }
        var actions: [Action] = []
        for block in event.discardedBlocks { actions += abandon(block) }
        if event.isBlockAssigned, let block = event.contentBlockIndex, block != assigned {
            if let assigned { actions += end(block: assigned) }
            assigned = block
        }
        if isOver { return (actions, nil) }
        guard event.text != nil, event.isEmitted, let block = event.contentBlockIndex else { return (actions, event) }
        begin(block, event)
        if streams[block]?.isHeld == true, var stream = take(block) {
            let waits = !stream.isIdle
            stream.isPersisted = event.isPersisted && (stream.isPersisted || !waits)
            stream.isReasoning = event.kind == .reasoning || stream.isReasoning && waits
            stream.isMasked = true
            stream.rules.append(event.text ?? "")
            actions += settle(&stream, isWhole: event.endsReasoning)
            if !isOver { put(stream) }
            if event.endsReasoning { actions += end(block: block) }
            return (actions, nil)
        }
        var event = event
        if streams[block]?.isMasked == true, case .reasoning(var reasoning) = event.body {
            // A signature stands for the whole text before it, and for no other.
            let hadSignature = reasoning.endsBlock
            reasoning.signature = nil
            event.body = .reasoning(reasoning)
            if hadSignature, reasoning.text.isEmpty, !reasoning.endsBlock { return (actions + end(block: block), nil) }
        }
        return (actions, event)
    }

    /// The event was appended that ``willAppend(_:)`` gave.
    package mutating func appended(_ event: Event, sequence: Int) -> [Action] {
        guard !isOver, let text = event.text, event.isEmitted, let block = event.contentBlockIndex, var stream = take(block) else {
            return []
        }
        stream.shown.append(
            Shown(
                sequence: sequence, start: stream.length, count: text.utf8.count, isPersisted: event.isPersisted,
                isReasoning: event.kind == .reasoning))
        stream.text += text.utf8
        (stream.isPersisted, stream.isReasoning) = (event.isPersisted, event.kind == .reasoning)
        stream.rules.append(text)
        var actions = settle(&stream, isWhole: event.endsReasoning)
        if !isOver { put(stream) }
        if event.endsReasoning, !isOver { actions += end(block: block) }
        return actions
    }

    /// An event of a block that ``Action/send(_:)`` asked for was appended.
    package mutating func sent(block: Int, sequence: Int) {
        guard let index = streams[block]?.shown.firstIndex(where: { $0.sequence == nil }) else { return }
        streams[block]?.shown[index].sequence = sequence
    }

    /// Nothing more comes for a block.
    package mutating func end(block: Int) -> [Action] {
        guard !isOver, streams[block]?.isEnded == false, var stream = take(block) else { return [] }
        stream.isEnded = true
        var actions = settle(&stream, isWhole: true)
        if isOver { return actions }
        let isDone = !settings.asksElsewhere || !stream.saysSomething
        if isDone, stream.isHeld, settings.asksElsewhere { actions += resend(&stream, from: stream.shownEnd) }
        put(stream)
        if isDone { finish(block) }
        return actions
    }

    /// Nothing more comes at all.
    package mutating func endAll() -> [Action] {
        var actions: [Action] = []
        for block in order where !isOver { actions += end(block: block) }
        return actions
    }

    // MARK: What waits

    /// The first event that holds text which is not judged; `nil`: all is.
    package var firstUnjudged: Int? {
        order.compactMap { block -> Int? in
            guard let stream = streams[block] else { return nil }
            if settings.asksElsewhere { return stream.shown.first?.sequence }
            return stream.shown.first { $0.end > stream.decided }?.sequence
        }.min()
    }

    /// How much text runs ahead of the judge, in bytes.
    package var unjudgedBytes: Int {
        settings.asksElsewhere ? order.reduce(0) { $0 + (streams[$1].map { $0.isHeld ? 0 : $0.length - $0.answered } ?? 0) } : 0
    }

    /// Whether text has to wait until the judge has answered.
    package var mustWait: Bool { outstanding != nil && !isOver && unjudgedBytes > settings.unjudgedBytes }

    /// The run ends, or the judge cannot be asked: what nobody has judged is taken back.
    package mutating func abandonAll() -> [Action] {
        var actions: [Action] = []
        for block in order { actions += abandon(block) }
        isOver = true
        outstanding = nil
        return actions
    }

    mutating func abandon(_ block: Int) -> [Action] {
        guard var stream = take(block) else { return [] }
        var actions: [Action] = []
        if outstanding?.block == block { outstanding = nil }
        if settings.asksElsewhere {
            actions = retract(&stream, from: stream.base, RetractionNotice.unjudged).actions
        } else if stream.shown.contains(where: { $0.end > stream.decided }) {
            let decided = Array(stream.text.prefix(stream.decided - stream.base))
            let (retracted, kept) = retract(&stream, from: stream.decided, RetractionNotice.unjudged)
            stream.text = decided
            actions = retracted + resend(&stream, from: kept)
        }
        put(stream)
        finish(block)
        return actions
    }

    // MARK: Streams

    private var holdsNewBlocks: Bool { retractions >= Self.mostRetractions }

    private mutating func begin(_ block: Int, _ event: Event) {
        if streams[block] != nil {
            // It was taken for whole, and goes on.
            streams[block]?.isEnded = false
            return
        }
        var stream = Stream(
            block: block, rules: GuardedText(settings.rules), isPersisted: event.isPersisted, isReasoning: event.kind == .reasoning)
        stream.persistedBefore = persistedTotals[block] ?? KeptBytes()
        stream.isHeld = holdsNewBlocks
        streams[block] = stream
        order.append(block)
    }

    func persisted(_ stream: Stream, before index: Int? = nil) -> KeptBytes {
        var bytes = stream.persistedBefore
        for shown in stream.shown[..<(index ?? stream.shown.count)] where shown.isPersisted {
            if shown.isReasoning { bytes.reasoning += shown.count } else { bytes.content += shown.count }
        }
        return bytes
    }

    /// Takes a stream out to change it: what still stood here would share its text, and each change would copy all of it.
    mutating func take(_ block: Int) -> Stream? { streams.removeValue(forKey: block) }

    mutating func put(_ stream: Stream) { streams[stream.block] = stream }

    /// All of a block is judged.
    mutating func finish(_ block: Int) {
        guard let stream = streams.removeValue(forKey: block) else { return }
        persistedTotals[block] = persisted(stream)
        order.removeAll { $0 == block }
    }

    /// Takes what rules have decided. Where they block, all is over, and the stream is done as well.
    private mutating func settle(_ stream: inout Stream, isWhole: Bool) -> [Action] {
        let before = stream.decided
        var out: [UInt8] = []
        var change: (place: Int, rule: String)?
        var isBlocked = false
        for piece in stream.rules.take(isWhole: isWhole) {
            switch piece {
            case .text(let text): out += text.utf8
            case .masked(let mask, let rule):
                change = change ?? (before + out.count, rule)
                out += mask.utf8
                masked[rule, default: 0] += 1
            case .blocked(let rule):
                change = change ?? (before + out.count, rule)
                isBlocked = true
            }
        }
        stream.decided += out.count
        var actions: [Action] = []
        if stream.isHeld {
            stream.text += out
            if !settings.asksElsewhere { actions += resend(&stream, from: before) }
        } else if let change {
            stream.isMasked = true
            let retracted = retract(&stream, from: change.place, change.rule)
            actions = retracted.actions
            stream.isHeld = holdsNewBlocks
            stream.text.removeSubrange((before - stream.base)...)
            stream.text += out
            if !isBlocked, !stream.isHeld { stream.text += stream.rules.waiting.utf8 }
            // Where somebody else judges as well, nothing of a blocked block is judged.
            if !(settings.asksElsewhere && (stream.isHeld || isBlocked)) { actions += resend(&stream, from: retracted.kept) }
        }
        if isBlocked {
            put(stream)
            if !settings.asksElsewhere { finish(stream.block) }
            return actions + abandonAll() + [.end(message: settings.blockedMessage)]
        }
        if !settings.asksElsewhere { forgetDecided(&stream) }
        return actions
    }

    /// With rules alone, what is decided is done.
    private func forgetDecided(_ stream: inout Stream) {
        let done = stream.shown.prefix { $0.end <= stream.decided && $0.sequence != nil }.count
        guard done > 0 else { return }
        stream.persistedBefore = persisted(stream, before: done)
        let base = stream.shown[done - 1].end
        stream.shown.removeFirst(done)
        stream.text.removeFirst(base - stream.base)
        stream.base = base
    }

    /// Takes back what is shown from the event on that holds a place.
    /// - Returns: what to do, and where the text ends that stays.
    mutating func retract(_ stream: inout Stream, from place: Int, _ reason: String) -> (actions: [Action], kept: Int) {
        guard let index = stream.shown.firstIndex(where: { $0.end > place }) else { return ([], stream.shownEnd) }
        let kept = stream.shown[index].start
        let bytes = persisted(stream, before: index)
        let sequences = stream.shown[index...].compactMap(\.sequence)
        stream.isPersisted = stream.shown[index...].allSatisfy(\.isPersisted)
        stream.isReasoning = stream.shown[index...].contains(where: \.isReasoning)
        stream.shown.removeSubrange(index...)
        guard let first = sequences.first, let last = sequences.last else { return ([], kept) }
        retractions += 1
        let retraction = Retraction(contentBlockIndex: stream.block, firstSequence: first, lastSequence: last)
        return ([.retract(RetractionNotice(retraction, reason: reason), keeping: bytes)], kept)
    }

    /// Sends the stream's text from a place on.
    func resend(_ stream: inout Stream, from place: Int) -> [Action] {
        var start = place
        var actions: [Action] = []
        while start < stream.length {
            let end = Self.boundary(atMost: start + Self.pieceBytes, in: stream)
            let text = String(decoding: stream.text[(start - stream.base)..<(end - stream.base)], as: UTF8.self)
            var event: Event = stream.isReasoning ? .reasoning(Reasoning(text: text)) : .content(text)
            event.contentBlockIndex = stream.block
            event.isPersisted = stream.isPersisted
            actions.append(.send(event))
            stream.shown.append(
                Shown(
                    sequence: nil, start: start, count: end - start, isPersisted: stream.isPersisted,
                    isReasoning: stream.isReasoning))
            start = end
        }
        return actions
    }

    /// The last place up to `limit` that is between two characters.
    static func boundary(atMost limit: Int, in stream: Stream) -> Int {
        var place = min(limit, stream.length)
        while place > stream.base, place < stream.length, stream.text[place - stream.base] & 0xC0 == 0x80 { place -= 1 }
        return place
    }
}

extension Event {
    /// Whether it is the last piece of its reasoning.
    fileprivate var endsReasoning: Bool { if case .reasoning(let reasoning) = body { reasoning.endsBlock } else { false } }
}
