import Millrace
import MillraceCore

/// The ordered stages between `emit` and the log, one event at a time. Confined to the run's loop.
///
/// Blocks get their numbers before the stages, so that what a stage holds of a block is given back to that block, and a guard joins what readers
/// join.
final class RunStages {
    /// What came out at the end of the stages.
    struct Outcome {
        var events: [Event] = []
        var ending: RunStatus?
    }

    private let stages: [any EventStage]
    private var numbering = BlockNumbering()
    private var isBusy = false
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    /// What the models of the run apply to their own calls.
    let inlineGuardrail: ModelGuardrail?

    init(_ stages: [any EventStage], inlineGuardrail: ModelGuardrail? = nil) {
        self.stages = stages
        self.inlineGuardrail = inlineGuardrail
    }

    /// Passes an event through all stages and appends what comes out, before the next event enters: the log has the order that the stages saw.
    func process(_ event: Event, append: (Outcome) async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try BlockNumbering.check(event)
        try await append(try await pass([numbering.numbered(event)], from: 0))
    }

    /// Runs `body` while no event passes the stages or is appended behind them.
    func exclusively(_ body: () async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try await body()
    }

    /// The number of a block that only events naming it will have.
    func reserveBlock() -> Int { numbering.reserve() }

    /// A block that the handler numbered is complete: every stage gives back what it held of it.
    func endBlock(_ block: Int, append: (Outcome) async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try await append(try await flush { try await $0.endBlock(block) })
    }

    /// The error as readers may see it: its texts pass the stages like those of a status.
    func checked(_ error: MillraceError) async -> MillraceError {
        await enter()
        defer { leave() }
        let details = Event.metadata(error.details)
        guard let message = try? await pass([.status("error", message: error.message), details], from: 0), message.ending == nil,
            case .status(_, let text, _)? = message.events.first?.body, case .metadata(let members)? = message.events.last?.body
        else { return MillraceError(error.code, "the run failed; what it says was blocked by a guardrail", isRetryable: error.isRetryable) }
        var checked = error
        checked.message = text
        checked.details = members
        return checked
    }

    /// The handler has returned: every stage gives back what it held, and what a stage gives back passes the later ones.
    func finish(append: (Outcome) async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try await append(try await flush { try await $0.finish() })
    }

    private func flush(_ ask: (any EventStage) async throws -> StageVerdict) async throws -> Outcome {
        var all = Outcome()
        for (index, stage) in stages.enumerated() {
            let verdict = try await ask(stage)
            let outcome: Outcome
            switch verdict {
            case .pass, .hold: continue
            case .replace(let events): outcome = try await pass(events, from: index + 1)
            case .end(let status, let events):
                outcome = Outcome(events: try await pass(events, from: index + 1).events, ending: status)
            }
            all.events += outcome.events
            if outcome.ending != nil {
                all.ending = outcome.ending
                return all
            }
        }
        return all
    }

    private func pass(_ events: [Event], from first: Int) async throws -> Outcome {
        var outcome = Outcome(events: events)
        for stage in stages[first...] {
            var next: [Event] = []
            var endedHere = false
            for event in outcome.events {
                switch try await stage.process(event) {
                case .pass: next.append(event)
                case .replace(let events):
                    // What replaces a piece of a block is in that block, unless the stage says otherwise.
                    next += events.map { replacement in
                        var replacement = replacement
                        if replacement.kind == event.kind {
                            replacement.contentBlockIndex = replacement.contentBlockIndex ?? event.contentBlockIndex
                        }
                        return replacement
                    }
                case .hold: break
                case .end(let status, let events):
                    // The earliest stage that ends the run says how; later ones still see the events that go before the end.
                    outcome.ending = outcome.ending ?? status
                    endedHere = true
                    next += events
                }
                if endedHere { break }
            }
            outcome.events = next
        }
        // What a stage has made anew has its block from the same count.
        outcome.events = outcome.events.map { $0.contentBlockIndex == nil ? numbering.numbered($0) : $0 }
        return outcome
    }

    /// Events enter one after the other, also while a stage is suspended.
    private func enter() async {
        if !isBusy {
            isBusy = true
            return
        }
        await withUnsafeContinuation { waiting.append($0) }
    }

    private func leave() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }
}
