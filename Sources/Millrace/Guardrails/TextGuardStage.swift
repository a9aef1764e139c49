/// Holds each block of text until it is whole and a ``TextGuard`` has judged it. Other events pass, but for those that belong behind the text.
package final class TextGuardStage: EventStage {
    private struct Key: Hashable {
        var block: Int
        var isEmitted: Bool
    }

    private let guardian: any TextGuard
    private var held: [Key: [Event]] = [:]
    /// The block that Millrace has numbered last: it ends where another such begins.
    private var assigned: Int?
    /// Where the newest text went, behind which other events stay.
    private var newest: Key?
    private var isBlocked = false
    private let passesText: Bool

    /// A stage for one run.
    /// - Parameter passesText: whether the text that readers get passes, for it is judged behind them (default: it does not).
    package init(_ guardian: any TextGuard, passesText: Bool = false) {
        self.guardian = guardian
        self.passesText = passesText
    }

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
        if isBlocked { return .end(.blocked, []) }
        switch event.kind {
        case .content, .reasoning:
            let before = try await blockBefore(event)
            if case .blocked = before { return before.verdict }
            if passesText, event.isEmitted { return before.joined(with: .released([event])).verdict }
            let key = Key(block: event.contentBlockIndex ?? -1, isEmitted: event.isEmitted)
            newest = key
            // Judged where it was made; what is held of the block stays before it.
            if event.isJudged, held[key] == nil { return before.joined(with: .released([event])).verdict }
            held[key, default: []].append(event)
            guard case .reasoning(let reasoning) = event.body, reasoning.endsBlock else { return before.verdict }
            return before.joined(with: try await judge(key)).verdict
        case .toolCall: return try await blockBefore(event).joined(with: .released([event])).verdict
        case .status, .document, .metadata:
            var released: [Event] = []
            for block in event.discardedBlocks {
                for isEmitted in [true, false] {
                    let dropped = held.removeValue(forKey: Key(block: block, isEmitted: isEmitted)) ?? []
                    released += dropped.filter { $0.text == nil && $0.kind != .citation }
                }
            }
            return released.isEmpty ? .pass : .replace(released + [event])
        default:
            guard let newest, held[newest] != nil else { return .pass }
            held[newest]?.append(event)
            return .hold
        }
    }

    package func endBlock(_ block: Int) async throws -> StageVerdict { try await judge(block).verdict }

    package func finish() async throws -> StageVerdict {
        var all = Judged.released([])
        for block in Set(held.keys.map(\.block)).sorted() {
            all = all.joined(with: try await judge(block))
            if case .blocked = all { break }
        }
        return all.verdict
    }

    /// A block that Millrace numbers ends the one before it that it has numbered.
    private func blockBefore(_ event: Event) async throws -> Judged {
        guard event.isBlockAssigned, let block = event.contentBlockIndex, block != assigned else { return .released([]) }
        let ended = assigned
        assigned = block
        return if let ended { try await judge(ended) } else { .released([]) }
    }

    private func judge(_ block: Int) async throws -> Judged {
        let visible = try await judge(Key(block: block, isEmitted: true))
        if case .blocked = visible { return visible }
        return visible.joined(with: try await judge(Key(block: block, isEmitted: false)))
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
        case .block(let message):
            isBlocked = true
            return .blocked([.status("blocked", message: message)])
        case .replace(let text):
            // One event in the place of all pieces; a signature stands for the text that it had.
            guard var event = events.last(where: { $0.text != nil }) else { return .released([]) }
            event.isPersisted = events.allSatisfy { $0.text == nil || $0.isPersisted }
            event.text = text
            if case .reasoning = event.body { event.body = .reasoning(Reasoning(text: text)) }
            return .released([event] + events.filter { $0.text == nil })
        }
    }

    private static func saysSomething(_ text: String) -> Bool { text.unicodeScalars.contains { !ScalarSet.space.contains($0) } }
}
