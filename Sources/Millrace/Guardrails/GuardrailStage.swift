import MillraceCore

/// Applies a guardrail to what goes into a run and to what comes out of it.
///
/// Text is held back until no rule can see more in what is still to come, so that a reader gets the same however the model cut its answer; other
/// texts of an event (a status, a citation's quote, a tool's arguments and results) are looked at whole. What is masked or blocked is stored
/// nowhere. A citation or an event of a handler's own stays behind the text that it came behind.
package final class GuardrailStage: EventStage {
    /// What a block's texts are kept apart by: readers join the pieces of one block, and never get those that are hidden.
    private struct Key: Hashable {
        var block: Int
        var isEmitted: Bool

        init(block: Int, isEmitted: Bool) {
            self.block = block
            self.isEmitted = isEmitted
        }

        init(_ event: Event) { self.init(block: event.contentBlockIndex ?? -1, isEmitted: event.isEmitted) }
    }

    private struct Stream {
        var text: GuardedText
        /// The newest event of the block, whose text is replaced.
        var template: Event
        /// What waits until so many of the block's scalars are decided.
        var behind: [(position: Int, event: Event)] = []
        var isMasked = false
    }

    /// How many events may wait behind the text of one block.
    private static let behindLimit = 256

    private let policy: GuardrailPolicy
    private let output: [GuardrailRule]
    private let input: [GuardrailRule]
    private var streams: [Key: Stream] = [:]
    /// The block that Millrace has numbered last: it ends where another such begins.
    private var assigned: Int?
    /// Where the newest text went, behind which other events stay.
    private var newest: Key?
    /// How often each rule has masked something.
    package private(set) var masked: [String: Int] = [:]
    private var isBlocked = false
    private let passesText: Bool

    /// A stage for one run.
    /// - Parameter passesText: whether the text that readers get passes, for it is judged behind them (default: it does not). Then the
    /// masks   are told elsewhere, too.
    package init(_ policy: GuardrailPolicy, passesText: Bool = false) {
        self.passesText = passesText
        self.policy = policy
        output = policy.rules.filter { $0.sides.contains(.output) }
        input = policy.rules.filter { $0.sides.contains(.input) }
    }

    // MARK: What goes in

    package func input(_ message: Message) async throws -> InputVerdict {
        guard !input.isEmpty else { return .pass }
        let asked = message.text
        var message = message
        var isChanged = false
        for (index, part) in message.parts.enumerated() {
            guard case .text(let text) = part else { continue }
            switch whole(text, input) {
            case .none: return .block(reason: policy.blockedInputMessage)
            case .some(let checked) where checked != text:
                message.parts[index] = .text(checked)
                isChanged = true
            default: break
            }
        }
        // A handler reads the parts as one text, and so does a rule.
        let counts = masked
        guard let joined = whole(asked, input) else { return .block(reason: policy.blockedInputMessage) }
        masked = counts
        if joined != message.text {
            let first = message.parts.firstIndex { if case .text = $0 { true } else { false } } ?? 0
            message.parts.removeAll { if case .text = $0 { true } else { false } }
            message.parts.insert(.text(joined), at: first)
            isChanged = true
        }
        return isChanged ? .replace(message) : .pass
    }

    // MARK: What comes out

    package func process(_ event: Event) async throws -> StageVerdict {
        if output.isEmpty { return .pass }
        if isBlocked { return .end(.blocked, []) }
        var out: [Event] = []
        if event.kind == .content || event.kind == .reasoning {
            if passesText, event.isEmitted {
                beginBlock(of: event, &out)
                if !isBlocked { out.append(event) }
            } else {
                take(event, &out)
            }
        } else {
            takeOther(event, &out)
        }
        if isBlocked { return .end(.blocked, out + [.status("blocked", message: policy.blockedOutputMessage)]) }
        if out.count == 1, out[0] == event { return .pass }
        return out.isEmpty ? .hold : .replace(out)
    }

    package func endBlock(_ block: Int) async throws -> StageVerdict {
        var out: [Event] = []
        close(block, &out)
        return verdict(out)
    }

    package func finish() async throws -> StageVerdict {
        var out: [Event] = []
        for block in Set(streams.keys.map(\.block)).sorted() where !isBlocked { close(block, &out) }
        if !masked.isEmpty, !isBlocked, !passesText {
            out.append(.metadata(["guardrail": ["masked": .object(masked.mapValues { .integer($0) })]]))
        }
        return verdict(out)
    }

    private func verdict(_ out: [Event]) -> StageVerdict {
        if isBlocked { return .end(.blocked, out + [.status("blocked", message: policy.blockedOutputMessage)]) }
        return out.isEmpty ? .hold : .replace(out)
    }

    private func take(_ event: Event, _ out: inout [Event]) {
        let key = Key(event)
        beginBlock(of: event, &out)
        if isBlocked { return }
        newest = key
        var stream = streams.removeValue(forKey: key) ?? Stream(text: GuardedText(output), template: event)
        let isPersisted = stream.template.isPersisted && event.isPersisted
        let isJudged = stream.template.isJudged && event.isJudged
        stream.template = event
        if !stream.text.isIdle {
            stream.template.isPersisted = isPersisted
            stream.template.isJudged = isJudged
        }
        stream.text.append(event.text ?? "")
        let endsBlock = if case .reasoning(let reasoning) = event.body { reasoning.endsBlock } else { false }
        streams[key] = stream
        if endsBlock { close(key, &out, endsBlock: true) } else { drain(key, isWhole: false, &out) }
    }

    /// A block that Millrace numbers ends the one before it that it has numbered.
    private func beginBlock(of event: Event, _ out: inout [Event]) {
        guard event.isBlockAssigned, let block = event.contentBlockIndex, block != assigned else { return }
        if let assigned { close(assigned, &out) }
        assigned = block
    }

    private func takeOther(_ event: Event, _ out: inout [Event]) {
        for block in event.discardedBlocks { discard(block, &out) }
        let checked = event.mappingTexts { text in
            if isBlocked { return "" }
            guard let checked = whole(text, output) else {
                isBlocked = true
                return ""
            }
            return checked
        }
        if isBlocked { return }
        switch event.kind {
        case .status, .document, .metadata: out.append(checked)
        case .toolCall:
            beginBlock(of: event, &out)
            if !isBlocked { out.append(checked) }
        default:
            guard let newest, let position = streams[newest].flatMap({ $0.text.isIdle ? nil : $0.text.received }) else {
                return out.append(checked)
            }
            streams[newest]?.behind.append((position, checked))
            if let count = streams[newest]?.behind.count, count > Self.behindLimit, let first = streams[newest]?.behind.removeFirst() {
                out.append(first.event)
            }
        }
    }

    /// A block is taken back: what is held of its text goes, what only waited behind it does not.
    private func discard(_ block: Int, _ out: inout [Event]) {
        for isEmitted in [true, false] {
            guard let stream = streams.removeValue(forKey: Key(block: block, isEmitted: isEmitted)) else { continue }
            out += stream.behind.map(\.event).filter { $0.kind != .citation }
        }
    }

    private func close(_ block: Int, _ out: inout [Event]) {
        for isEmitted in [true, false] where !isBlocked { close(Key(block: block, isEmitted: isEmitted), &out) }
    }

    private func close(_ key: Key, _ out: inout [Event], endsBlock: Bool = false) {
        drain(key, isWhole: true, endsBlock: endsBlock, &out)
        streams[key] = nil
    }

    private func drain(_ key: Key, isWhole: Bool, endsBlock: Bool = false, _ out: inout [Event]) {
        guard var stream = streams.removeValue(forKey: key) else { return }
        while let (position, event) = stream.behind.first {
            give(stream.text.take(isWhole: isWhole, until: position), &stream, &out)
            guard !isBlocked, stream.text.decided >= position else { break }
            out.append(event)
            stream.behind.removeFirst()
        }
        if !isBlocked, stream.behind.isEmpty { give(stream.text.take(isWhole: isWhole), &stream, endsBlock: endsBlock, &out) }
        streams[key] = stream
    }

    private func give(_ pieces: [GuardedText.Piece], _ stream: inout Stream, endsBlock: Bool = false, _ out: inout [Event]) {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .masked(let mask, let rule):
                text += mask
                masked[rule, default: 0] += 1
                stream.isMasked = true
            case .blocked(let rule):
                masked[rule, default: 0] += 1
                isBlocked = true
            }
        }
        guard !text.isEmpty || endsBlock && !isBlocked else { return }
        var event = stream.template
        let isJudged = event.isJudged
        event.text = text
        // A mask is the operator's own word.
        event.isJudged = isJudged
        if case .reasoning(var reasoning) = event.body {
            // A signature stands for the whole text before it, and for no other.
            if !endsBlock || stream.isMasked { reasoning.signature = nil }
            if !endsBlock { reasoning.redactedContent = nil }
            event.body = .reasoning(reasoning)
            if endsBlock, text.isEmpty, !reasoning.endsBlock { return }
        }
        out.append(event)
    }

    /// A whole text as it goes on; `nil` where it is blocked.
    private func whole(_ text: String, _ rules: [GuardrailRule]) -> String? {
        var checked = ""
        for piece in GuardedText.pieces(of: text, rules) {
            switch piece {
            case .text(let part): checked += part
            case .masked(let mask, let rule):
                checked += mask
                masked[rule, default: 0] += 1
            case .blocked: return nil
            }
        }
        return checked
    }
}
