/// What the guard has of a block.
extension RetractingGuard {
    /// An event of the log and where its text stands in the stream's.
    struct Shown {
        /// `nil` until it is appended.
        var sequence: Int?
        var start: Int
        var count: Int
        var isPersisted: Bool
        var isReasoning: Bool
        var end: Int { start + count }
    }

    /// The text of one block.
    struct Stream {
        let block: Int
        var rules: GuardedText
        /// Whether what is sent anew goes into the stored message: all of it does, or none.
        var isPersisted: Bool
        /// Whether what is sent anew is reasoning. Where text of both kinds is taken back it is: reasoning is never told as the answer.
        var isReasoning: Bool
        /// The events that readers have of it.
        var shown: [Shown] = []
        /// What rules have decided, and behind it, unless the stream is held, what they have not. From the byte `base` on.
        var text: [UInt8] = []
        var base = 0
        /// The bytes up to which rules have decided.
        var decided = 0
        /// The persisted bytes of the block before `shown`.
        var persistedBefore = KeptBytes()
        /// Readers get nothing until it is decided: a window of it was masked, or too much was taken back already.
        var isHeld = false
        /// Whether something of it was masked.
        var isMasked = false
        /// Whether the block is whole.
        var isEnded = false
        /// The bytes that windows have been judged up to.
        var answered = 0
        var length: Int { base + text.count }
        /// Where the text ends that readers have.
        var shownEnd: Int { shown.last?.end ?? base }
        /// Whether nothing waits to be sent.
        var isIdle: Bool { rules.isIdle && shownEnd == length }
    }
}

extension RetractingGuard.Stream {
    /// Whether there is anything to judge.
    var saysSomething: Bool { String(decoding: text, as: UTF8.self).unicodeScalars.contains { !ScalarSet.space.contains($0) } }
}
