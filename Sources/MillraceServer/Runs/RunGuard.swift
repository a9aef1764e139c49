import Millrace
import MillraceCore

/// What a run needs for a guardrail that judges behind its readers. Confined to the run's loop, and changed only by who is alone between
/// `emit` and the log (``RunStages/exclusively(_:)``), but for the run's end.
final class RunGuard: @unchecked Sendable {  // Sendable: confined to its run's loop.
    /// A guardrail's part in a run.
    struct Plan: Sendable {
        var settings: RetractingGuard.Settings
        /// Who judges elsewhere.
        var judge: (any TextGuard)?
    }

    var machine: RetractingGuard
    let judge: (any TextGuard)?
    /// Looks at what is not text, and counts what it masks.
    let stage: GuardrailStage?
    /// What the machine has asked for and is not in the log yet.
    var outbox: [RetractingGuard.Action] = []
    /// What is in the log and goes to the store with the next batch.
    var retractions: [Retraction] = []
    /// Up to where the store knows that the log is judged: at first `response_start`.
    var storedJudgedSequence = 1
    /// Asks the judge, one question after the other.
    var judging: Task<Void, Never>?
    /// Producers that are too far ahead of the judge.
    var waiters: [UnsafeContinuation<Void, Never>] = []

    init(_ plan: Plan, stages: [any EventStage]) {
        machine = RetractingGuard(plan.settings)
        judge = plan.judge
        stage = stages.lazy.compactMap { $0 as? GuardrailStage }.first
    }

    /// Up to where the log is judged, where the store has to be told.
    func takeJudgedSequence(through last: Int) -> Int? {
        // What is to be taken back does not count as judged before it is.
        guard outbox.isEmpty else { return nil }
        let judged = min((machine.firstUnjudged ?? .max) - 1, last)
        guard judged > storedJudgedSequence else { return nil }
        storedJudgedSequence = judged
        return judged
    }

    func takeRetractions() -> [Retraction] {
        defer { retractions = [] }
        return retractions
    }

    func resumeWaiters() {
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter.resume() }
    }

    /// How often each rule has masked something.
    var masked: [String: Int] { machine.masked.merging(stage?.masked ?? [:], uniquingKeysWith: +) }
}
