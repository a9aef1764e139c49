import Millrace

/// The ordered stages between `emit` and the log, one event at a time. Confined to the run's loop.
final class RunStages {
    /// What came out at the end of the stages.
    struct Outcome {
        var events: [Event] = []
        var ending: RunStatus?
    }

    private let stages: [any EventStage]
    private var isBusy = false
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    init(_ stages: [any EventStage]) { self.stages = stages }

    /// Passes an event through all stages and appends what comes out, before the next event enters: the log has the order that the stages saw.
    func process(_ event: Event, append: (Outcome) async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try await append(try await pass([event], from: 0))
    }

    /// The handler has returned: every stage gives back what it held, and what a stage gives back passes the later ones.
    func finish(append: (Outcome) async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try await append(try await flush())
    }

    private func flush() async throws -> Outcome {
        var all = Outcome()
        for (index, stage) in stages.enumerated() {
            let verdict = try await stage.finish()
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
