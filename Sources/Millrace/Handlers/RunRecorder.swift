public import MillraceCore

/// Stands in for a run in a handler's test: it records what the handler emits and reports.
///
/// ```swift
/// let recorder = RunRecorder()
/// try await MyHandler().handle(request, recorder.context)
/// #expect(recorder.text == "You said: Hello")
/// ```
/// Nothing is stored and time does not pass: ``RunContext/sleep(for:)`` returns at once. Cancel the task that runs the handler to see how
/// it takes that.
public final class RunRecorder: RunSink {
    private struct Record {
        var events: [Event] = []
        var usage: Usage?
        var prompts: [PromptReference] = []
        var blocks = BlockNumbering()
    }
    private let record = Locked(Record())
    @usableFromInline package let principal: Principal
    @usableFromInline package let configuration: [String: JSONValue]

    /// A recorder for a run of that owner.
    /// - Parameter configuration: what is stored for the handler (default: nothing).
    public init(principal: Principal = .local, configuration: [String: JSONValue] = [:]) {
        self.principal = principal
        self.configuration = configuration
    }

    /// What the handler is called with.
    public var context: RunContext { RunContext(sink: self) }

    /// The events so far, in order.
    public var events: [Event] { record.withLock { $0.events } }

    /// The text of all `content` events, joined.
    public var text: String { events.filter { $0.kind == .content }.compactMap(\.text).joined() }

    /// What was reported as consumed; `nil` for nothing.
    public var usage: Usage? { record.withLock { $0.usage } }

    /// The prompts that were used, in the order in which they came.
    public var prompts: [PromptReference] { record.withLock { $0.prompts } }

    @usableFromInline package func emit(_ event: Event) async throws {
        try Task.checkCancellation()
        record.withLock {
            $0.events.append(event)
            _ = $0.blocks.position(of: event)
        }
    }

    @usableFromInline package func reserveBlock() async throws -> Int { record.withLock { $0.blocks.reserve() } }

    @usableFromInline package func report(_ usage: Usage) { record.withLock { $0.usage = ($0.usage ?? .unknown) + usage } }

    @usableFromInline package func note(_ prompts: [PromptReference]) {
        record.withLock { record in record.prompts.append(contentsOf: prompts.filter { !record.prompts.contains($0) }) }
    }

    @usableFromInline package func sleep(nanoseconds: Int64) async throws { try Task.checkCancellation() }
}
