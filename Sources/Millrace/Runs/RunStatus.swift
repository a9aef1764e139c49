/// How a run stands, or ended.
public enum RunStatus: String, Sendable, Equatable, CaseIterable {
    /// It runs.
    case running
    /// It ended as its handler wanted.
    case completed
    /// It failed.
    case error
    /// Somebody cancelled it.
    case cancelled
    /// It waits for a person.
    case interrupted
    /// A guardrail stopped it.
    case blocked

    /// Whether the run has its terminal event.
    public var isTerminal: Bool { self != .running }
}
