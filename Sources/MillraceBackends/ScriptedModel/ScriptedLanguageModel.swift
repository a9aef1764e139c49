public import Millrace

/// A model that plays a script: for tests and benchmarks of whatever calls a model.
///
/// ```swift
/// let model = ScriptedLanguageModel([.text("Hello "), .text("world")])
/// ```
public struct ScriptedLanguageModel: LanguageModel {
    /// A failure in the script.
    public struct Failure: Sendable {
        /// How many events are played before it.
        public var afterEvents: Int
        /// What is thrown.
        public var error: any Error
        /// Creates a failure.
        public init(afterEvents: Int, error: any Error) {
            self.afterEvents = afterEvents
            self.error = error
        }
    }

    /// The id by which requests choose it.
    public let id: String
    private let events: [ModelEvent]
    private let failure: Failure?
    private let stopReason: StopReason
    private let pacing: (@Sendable (_ event: Int) async throws -> Void)?

    /// Creates a model.
    /// - Parameters:
    ///   - id: the id by which requests choose it (default: `scripted`).
    ///   - events: what every call plays, in order. The last `.usage` among those played is the response's usage.
    ///   - stopReason: why it says that it stopped (default: the answer is complete).
    ///   - failure: what to throw, and where (default: nothing). One that lies behind the last event is thrown at the end.
    ///   - pacing: awaited before every event, with the event's number from 0 (default: nothing).
    public init(
        id: String = "scripted", _ events: [ModelEvent], stopReason: StopReason = .endTurn, failure: Failure? = nil,
        pacing: (@Sendable (_ event: Int) async throws -> Void)? = nil
    ) {
        self.id = id
        self.events = events
        self.stopReason = stopReason
        self.failure = failure
        self.pacing = pacing
    }

    /// Plays the script; the request is not looked at.
    /// - Throws: the script's failure, what `receive` or the pacing throws, and `CancellationError`.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        var usage = Usage.unknown
        for (number, event) in events.enumerated() {
            if let failure, failure.afterEvents <= number { throw failure.error }
            try await pacing?(number)
            try Task.checkCancellation()
            if case .usage(let reported) = event { usage = reported }
            try await receive(event)
        }
        if let failure { throw failure.error }
        return ModelResponse(stopReason: stopReason, usage: usage, modelID: id)
    }
}
