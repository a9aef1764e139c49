public import MillraceCore

/// The run that a ``RunContext`` speaks to: the server's, or a recorder in a handler's test.
@usableFromInline
package protocol RunSink: AnyObject, Sendable {
    /// Who asked.
    var principal: Principal { get }
    /// A log whose lines name the run and the handler.
    var logger: Logger { get }
    /// The threads kept for blocking work; `nil`: it is done at once.
    var blocking: BlockingExecutor? { get }
    /// Appends an event if that needs no waiting: the common case, kept out of async frames, which a task holds on to until it ends.
    func emitNow(_ event: Event) throws -> EmitOutcome
    /// Appends an event, waiting where it must. Callable from any thread.
    func emit(_ event: Event) async throws
    /// Lets the others on the loop have their turn.
    func yield() async
    /// The number of a new content block, for events that name it.
    func reserveBlock() async throws -> Int
    /// Nothing more comes for a block that was reserved.
    func endBlock(_ block: Int) async throws
    /// Adds to what the run has consumed.
    func report(_ usage: Usage)
    /// Notes texts that the run has used.
    func note(_ prompts: [PromptReference])
    /// Whether the caller is the handler's own task on its loop, so that it may wait by ``resume(_:after:)``.
    var isHandlersTask: Bool { get }
    /// Wakes the handler's own task after a time, for 0 in the loop's next turn; with an error when the run is cancelled before.
    func resume(_ continuation: UnsafeContinuation<Void, any Error>, after nanoseconds: Int64)
    /// Suspends any task on the loop's own timers.
    func sleep(nanoseconds: Int64) async throws
    /// What is stored for the run's handler.
    var configuration: [String: JSONValue] { get }
    /// The stored guardrail has stepped in where the answer is made: the run ends blocked.
    func endBlocked() async throws
}

extension RunSink {
    @usableFromInline package var logger: Logger { .silent }
    @usableFromInline package var blocking: BlockingExecutor? { nil }
    @usableFromInline package func emitNow(_ event: Event) throws -> EmitOutcome { .mustWait }
    @usableFromInline package func yield() async {}
    @usableFromInline package func note(_ prompts: [PromptReference]) {}
    @usableFromInline package func endBlocked() async throws {}
    @usableFromInline package func endBlock(_ block: Int) async throws {}
    @usableFromInline package var isHandlersTask: Bool { false }
    // Nobody is told to call it.
    @usableFromInline package func resume(_ continuation: UnsafeContinuation<Void, any Error>, after nanoseconds: Int64) {
        continuation.resume()
    }
}

/// What became of an event that was to be appended without waiting.
@usableFromInline
package enum EmitOutcome: Equatable, Sendable {
    /// It is in the log.
    case appended
    /// It is in the log, and the producer has had its share of the turn.
    case appendedAndShouldYield
    /// It is not in the log: it has to wait, pass stages, or change threads.
    case mustWait
}

/// What a handler does its work with: it emits events, calls models, sleeps, logs, and leaves the loop for blocking work.
public struct RunContext: Sendable {
    /// The run, and nothing else: a handler's frame holds its context for as long as the handler runs.
    @usableFromInline package let sink: any RunSink
    /// Who asked.
    public var principal: Principal { sink.principal }
    /// A log whose lines name the run and the handler.
    public var logger: Logger { sink.logger }

    package init(sink: any RunSink) { self.sink = sink }

    /// What is stored for the handler (`PUT /api/v1/admin/task/{name}`), as it is now: its guardrail under `guardrail`, and members of the
    /// handler's own.
    public var configuration: [String: JSONValue] { sink.configuration }

    /// Appends an event to the run's log and sends it to every reader.
    ///
    /// It waits only when too many bytes wait for their commit, never for a reader. Any thread may call it; from the handler's own task
    /// nothing hops.
    /// - Throws: `CancellationError` once the run is cancelled or has ended; ``MillraceError`` for an event that is too large or of a
    ///   reserved kind.
    @inlinable
    public func emit(_ event: Event) async throws {
        // Compiled into the handler: an async call of its own would cost more than the event.
        switch try sink.emitNow(event) {
        case .appended: return
        case .appendedAndShouldYield: await sink.yield()
        case .mustWait: try await sink.emit(event)
        }
    }

    /// Adds to what the run has consumed, which `response_end` reports. ``generate(_:with:)`` does it by itself.
    public func report(_ usage: Usage) {
        sink.report(usage)
    }

    /// Notes prompts that the run has used, which the run and its message name under `prompts`. ``PromptFolder/render(_:_:in:)`` does it by
    /// itself. What was noted before is not noted twice.
    public func record(_ prompts: [PromptReference]) {
        sink.note(prompts)
    }

    /// Suspends for a time without holding the loop; far cheaper there than `Task.sleep`.
    /// - Throws: `CancellationError` when the run is cancelled meanwhile.
    @inlinable
    public func sleep(for duration: Duration) async throws {
        // Compiled into the handler, as `emit` is: two async calls less for each sleep, and for each waiting stream their frames.
        let nanoseconds = Self.nanoseconds(duration)
        guard sink.isHandlersTask else {
            try await sink.sleep(nanoseconds: nanoseconds)
            return
        }
        try await withUnsafeThrowingContinuation { sink.resume($0, after: nanoseconds) }
        try Task.checkCancellation()
    }

    @usableFromInline
    static func nanoseconds(_ duration: Duration) -> Int64 {
        guard duration > .zero else { return 0 }
        let (seconds, attoseconds) = duration.components
        // A time that no clock can count is as good as for ever.
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, more) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || more ? .max : sum
    }

    /// Runs blocking or long computing work on the threads kept for it, off the loop.
    /// - Throws: what `body` throws, or ``ErrorCode/limitExceeded`` when too much work waits already.
    public func runBlocking<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        guard let blocking = sink.blocking else { return try body() }
        return try await blocking.run(body)
    }

    /// Asks a model and emits what it streams: text as `content`, and reasoning, tool calls and citations as their own kinds. Usage is
    /// counted also when the call fails or is cancelled.
    ///
    /// When the request allows a restart and the model begins anew, a `status` event `restarted` names the blocks that readers are to drop;
    /// neither the stored message nor what this returns holds them. The blocks of such an answer are its own: it continues no block that
    /// the handler had begun.
    /// - Returns: the whole text, the tool calls, and how the answer ended.
    /// - Throws: what the model throws.
    @discardableResult
    public func generate(_ request: ModelRequest, with model: any LanguageModel) async throws -> GeneratedAnswer {
        var answer = GeneratedAnswer()
        var blocks = AnswerBlocks()
        var reported: Usage?
        var isJudged = false
        do {
            let response = try await model.generate(request) { event in
                let piece: Event
                switch event {
                case .text(let text):
                    answer.text += text
                    var content = Event.content(text)
                    content.isJudged = isJudged
                    piece = content
                case .judged(let guardrail):
                    isJudged = guardrail == ModelGuardrail.current
                    return
                case .reasoning(let reasoning):
                    answer.add(reasoning)
                    piece = .reasoning(reasoning)
                case .toolCall(let call):
                    answer.add(call)
                    piece = .toolCall(call)
                case .citation(let citation): piece = .citation(citation)
                case .usage(let usage):
                    reported = usage
                    return
                case .restarted(let modelID, let reason):
                    guard request.allowsRestart else {
                        throw MillraceError(
                            .modelError, "the model '\(model.id)' began its answer anew, which was not allowed: \(reason.message)")
                    }
                    answer = GeneratedAnswer()
                    isJudged = false
                    let message = "The answer is begun anew with the model '\(modelID)': \(reason.message)"
                    try await emit(.status("restarted", message: message, discardedBlocks: blocks.takeAll()))
                    return
                }
                if request.allowsRestart, blocks.needsBlock(for: piece) {
                    if let ended = blocks.newest { try await sink.endBlock(ended) }
                    blocks.begin(try await sink.reserveBlock(), for: piece)
                }
                // As `emit` does, without a frame of its own for every token.
                let placed = blocks.place(piece)
                switch try sink.emitNow(placed) {
                case .appended: return
                case .appendedAndShouldYield: await sink.yield()
                case .mustWait: try await sink.emit(placed)
                }
            }
            answer.response = response
            report(response.usage)
            if let ended = blocks.newest { try await sink.endBlock(ended) }
            if response.isBlockedByHandlersGuardrail { try await sink.endBlocked() }
        } catch {
            if let reported { report(reported) }
            throw error
        }
        return answer
    }
}
