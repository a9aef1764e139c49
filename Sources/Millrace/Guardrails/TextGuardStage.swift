/// Holds each block of text until it is whole and a ``TextGuard`` has judged it. Other events pass, but for those that belong behind the text.
package final class TextGuardStage: EventStage {
    private struct Key: Hashable {
        var block: Int
        var isNumbered: Bool
        var isEmitted: Bool
    }

    private let guardian: any TextGuard
    private var held: [Key: [Event]] = [:]
    /// The block that text without a number joins, and what it holds.
    private var current: (key: Key, kind: EventKind)?
    private var ownBlocks = 0

    /// A stage for one run.
    package init(_ guardian: any TextGuard) { self.guardian = guardian }

    package func input(_ message: Message) async throws -> InputVerdict {
        var message = message
        var isChanged = false
        for (index, part) in message.parts.enumerated() {
            guard case .text(let text) = part, Self.saysSomething(text) else { continue }
            switch try await guardian.check(text, side: .input) {
            case .pass: continue
            case .replace(let text):
                message.parts[index] = .text(text)
                isChanged = true
            case .block(let reason): return .block(reason: reason)
            }
        }
        return isChanged ? .replace(message) : .pass
    }

    package func process(_ event: Event) async throws -> StageVerdict {
        switch event.kind {
        case .content, .reasoning:
            let key = key(of: event)
            var ended: Judged?
            if let current, current.key != key, !current.key.isNumbered { ended = try await judge(current.key) }
            if case .blocked? = ended { return ended?.verdict ?? .hold }
            current = (key, event.kind)
            held[key, default: []].append(event)
            if case .reasoning(let reasoning) = event.body, reasoning.endsBlock {
                let whole = try await judge(key)
                current = nil
                return (ended?.joined(with: whole) ?? whole).verdict
            }
            return ended?.verdict ?? .hold
        case .toolCall, .toolReturn, .interrupt:
            guard let current, !current.key.isNumbered else { return .pass }
            self.current = nil
            return try await judge(current.key).joined(with: .released([event])).verdict
        case .status, .document, .metadata:
            for block in event.discardedBlocks {
                for isEmitted in [true, false] { held[Key(block: block, isNumbered: true, isEmitted: isEmitted)] = nil }
            }
            return .pass
        default:
            guard let current, held[current.key] != nil else { return .pass }
            held[current.key]?.append(event)
            return .hold
        }
    }

    package func finish() async throws -> StageVerdict {
        var all = Judged.released([])
        for key in held.keys.sorted(by: { ($0.isNumbered ? 1 : 0, $0.block) < ($1.isNumbered ? 1 : 0, $1.block) }) {
            all = all.joined(with: try await judge(key))
            if case .blocked = all { break }
        }
        return all.verdict
    }

    /// What a judgement lets go.
    private enum Judged {
        case released([Event])
        case blocked([Event])

        func joined(with next: Judged) -> Judged {
            switch (self, next) {
            case (.released(let first), .released(let second)): .released(first + second)
            case (.released(let first), .blocked(let second)): .blocked(first + second)
            case (.blocked, _): self
            }
        }

        var verdict: StageVerdict {
            switch self {
            case .released(let events): events.isEmpty ? .hold : .replace(events)
            case .blocked(let events): .end(.blocked, events)
            }
        }
    }

    private func judge(_ key: Key) async throws -> Judged {
        guard let events = held.removeValue(forKey: key) else { return .released([]) }
        let text = events.compactMap(\.text).joined()
        guard Self.saysSomething(text) else { return .released(events) }
        switch try await guardian.check(text, side: .output) {
        case .pass: return .released(events)
        case .block(let message): return .blocked([.status("blocked", message: message)])
        case .replace(let text):
            // One event in the place of all pieces; a signature stands for the text that it had.
            guard var event = events.last(where: { $0.text != nil }) else { return .released([]) }
            event.isPersisted = events.allSatisfy { $0.text == nil || $0.isPersisted }
            event.text = text
            if case .reasoning = event.body { event.body = .reasoning(Reasoning(text: text)) }
            return .released([event] + events.filter { $0.text == nil })
        }
    }

    private func key(of event: Event) -> Key {
        if let block = event.contentBlockIndex { return Key(block: block, isNumbered: true, isEmitted: event.isEmitted) }
        if let current, current.kind == event.kind, current.key.isEmitted == event.isEmitted { return current.key }
        ownBlocks += 1
        return Key(block: ownBlocks, isNumbered: false, isEmitted: event.isEmitted)
    }

    private static func saysSomething(_ text: String) -> Bool { text.unicodeScalars.contains { !ScalarSet.space.contains($0) } }
}
