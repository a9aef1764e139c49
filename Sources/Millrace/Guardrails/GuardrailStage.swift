import MillraceCore

/// Applies a guardrail to what goes into a run and to what comes out of it.
///
/// Text is held back until no rule can see more in what is still to come, so that a reader gets the same however the model cut its answer; other
/// texts of an event (a status, a citation's quote, a tool's arguments and results) are looked at whole. What is masked or blocked is stored
/// nowhere. A citation or an event of a handler's own stays behind the text that it came behind.
package final class GuardrailStage: EventStage {
    /// What a block's texts are kept apart by: readers join the pieces of one block, and never get those that are hidden.
    private struct Key: Hashable {
        /// The block's own number, or one of ours for blocks that Millrace numbers.
        var block: Int
        var isNumbered: Bool
        var isEmitted: Bool
    }

    private struct Stream {
        var text: GuardedText
        /// The newest event of the block, whose text is replaced.
        var template: Event
        /// What waits until so many of the block's scalars are decided.
        var behind: [(position: Int, event: Event)] = []
        var isMasked = false
    }

    private let policy: GuardrailPolicy
    private let output: [GuardrailRule]
    private let input: [GuardrailRule]
    private var streams: [Key: Stream] = [:]
    /// The block that text without a number joins, and what it holds.
    private var current: (key: Key, kind: EventKind)?
    private var ownBlocks = 0
    private var masked: [String: Int] = [:]
    private var isBlocked = false

    /// A stage for one run.
    package init(_ policy: GuardrailPolicy) {
        self.policy = policy
        output = policy.rules.filter { $0.sides.contains(.output) }
        input = policy.rules.filter { $0.sides.contains(.input) }
    }

    // MARK: What goes in

    package func input(_ message: Message) async throws -> InputVerdict {
        guard !input.isEmpty else { return .pass }
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
        return isChanged ? .replace(message) : .pass
    }

    // MARK: What comes out

    package func process(_ event: Event) async throws -> StageVerdict {
        if output.isEmpty || isBlocked { return .pass }
        var out: [Event] = []
        if event.kind == .content || event.kind == .reasoning {
            take(event, &out)
        } else {
            takeOther(event, &out)
        }
        if isBlocked { return .end(.blocked, out + [.status("blocked", message: policy.blockedOutputMessage)]) }
        if out.count == 1, out[0] == event { return .pass }
        return out.isEmpty ? .hold : .replace(out)
    }

    package func finish() async throws -> StageVerdict {
        var out: [Event] = []
        for key in streams.keys.sorted(by: { ($0.isNumbered ? 1 : 0, $0.block) < ($1.isNumbered ? 1 : 0, $1.block) }) {
            close(key, &out)
            if isBlocked { return .end(.blocked, out + [.status("blocked", message: policy.blockedOutputMessage)]) }
        }
        if !masked.isEmpty {
            out.append(.metadata(["guardrail": ["masked": .object(masked.mapValues { .integer($0) })]]))
        }
        return out.isEmpty ? .hold : .replace(out)
    }

    private func take(_ event: Event, _ out: inout [Event]) {
        let key = key(of: event)
        if let current, current.key != key, !current.key.isNumbered {
            // Text that has no number never goes back to a block that has ended.
            close(current.key, &out)
            if isBlocked { return }
        }
        current = (key, event.kind)
        var stream = streams[key] ?? Stream(text: GuardedText(output), template: event)
        let isPersisted = stream.template.isPersisted && event.isPersisted
        stream.template = event
        if !stream.text.isIdle { stream.template.isPersisted = isPersisted }
        stream.text.append(event.text ?? "")
        let endsBlock = if case .reasoning(let reasoning) = event.body { reasoning.endsBlock } else { false }
        streams[key] = stream
        if endsBlock {
            close(key, &out, endsBlock: true)
            current = nil
        } else {
            drain(key, isWhole: false, &out)
        }
    }

    private func takeOther(_ event: Event, _ out: inout [Event]) {
        for block in event.discardedBlocks {
            for isEmitted in [true, false] { streams[Key(block: block, isNumbered: true, isEmitted: isEmitted)] = nil }
        }
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
        case .toolCall, .toolReturn, .interrupt:
            if let current, !current.key.isNumbered { close(current.key, &out) }
            current = nil
            if !isBlocked { out.append(checked) }
        default:
            guard let current, var stream = streams[current.key], !stream.text.isIdle else { return out.append(checked) }
            stream.behind.append((stream.text.received, checked))
            streams[current.key] = stream
        }
    }

    private func key(of event: Event) -> Key {
        if let block = event.contentBlockIndex { return Key(block: block, isNumbered: true, isEmitted: event.isEmitted) }
        if let current, current.kind == event.kind, current.key.isEmitted == event.isEmitted { return current.key }
        ownBlocks += 1
        return Key(block: ownBlocks, isNumbered: false, isEmitted: event.isEmitted)
    }

    private func close(_ key: Key, _ out: inout [Event], endsBlock: Bool = false) {
        drain(key, isWhole: true, endsBlock: endsBlock, &out)
        streams[key] = nil
    }

    private func drain(_ key: Key, isWhole: Bool, endsBlock: Bool = false, _ out: inout [Event]) {
        guard var stream = streams[key] else { return }
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
        event.text = text
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
