/// What a guardrail elsewhere is asked, one question at a time: windows while a block flows, and the whole block at its end.
extension RetractingGuard {
    /// The next question; `nil` where there is none, or one is not answered yet.
    package mutating func nextQuestion() -> Question? {
        guard settings.asksElsewhere, outstanding == nil, !isOver else { return nil }
        for block in order {
            guard let stream = streams[block], stream.isEnded else { continue }
            outstanding = Outstanding(block: block, through: stream.length, isWhole: true)
            return Question(text: String(decoding: stream.text, as: UTF8.self))
        }
        for block in order {
            guard let stream = streams[block], !stream.isHeld, stream.decided - stream.answered >= Self.windowBytes else { continue }
            let end = Self.boundary(atMost: min(stream.decided, stream.answered + Self.mostWindowBytes), in: stream)
            let start = Self.boundary(atMost: max(stream.base, stream.answered - Self.overlapBytes), in: stream)
            outstanding = Outstanding(block: block, through: end, isWhole: false)
            return Question(text: String(decoding: stream.text[(start - stream.base)..<(end - stream.base)], as: UTF8.self))
        }
        return nil
    }

    /// The judge has answered.
    package mutating func judged(_ verdict: TextGuardVerdict) -> [Action] {
        guard !isOver, let asked = outstanding else { return [] }
        outstanding = nil
        guard var stream = take(asked.block) else { return [] }
        // A block that went on behind its supposed end is asked about again.
        let isWhole = asked.isWhole && stream.isEnded && stream.length == asked.through
        var actions: [Action] = []
        switch verdict {
        case .pass:
            stream.answered = max(stream.answered, asked.through)
            if isWhole, stream.isHeld { actions = resend(&stream, from: stream.shownEnd) }
        case .replace(let text):
            actions = retract(&stream, from: stream.base, Self.elsewhere).actions
            stream.isMasked = true
            stream.answered = max(stream.answered, asked.through)
            if isWhole {
                stream.text = Array(text.utf8)
                actions += resend(&stream, from: stream.base)
            } else {
                // What the whole becomes is known at its end.
                if !stream.isHeld { stream.text = Array(stream.text.prefix(stream.decided - stream.base)) }
                stream.isHeld = true
            }
        case .block(let message):
            actions = retract(&stream, from: stream.base, Self.elsewhere).actions
            put(stream)
            finish(asked.block)
            return actions + abandonAll() + [.end(message: message)]
        }
        put(stream)
        if isWhole { finish(asked.block) }
        return actions
    }

    /// The name of the rule by which a judge elsewhere judges.
    static let elsewhere = "guardrail"
}
