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

    /// Passes an event through all stages.
    func process(_ event: Event) async throws -> Outcome {
        await enter()
        defer { leave() }
        return try await pass([event], from: 0)
    }

    /// The handler has returned: every stage gives back what it held, and what a stage gives back passes the later ones.
    func finish() async throws -> Outcome {
        await enter()
        defer { leave() }
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
            for event in outcome.events {
                switch try await stage.process(event) {
                case .pass: next.append(event)
                case .replace(let events): next += events
                case .hold: break
                case .end(let status, let events):
                    outcome.ending = outcome.ending ?? status
                    next += events
                }
                if outcome.ending != nil { break }
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
