import MillraceCore

/// Asks a model, carries out the tools that it calls, and asks again with their results, until it answers without a call.
///
/// ```swift
/// let prompt = ModelRequest(system: system, turns: turns)
/// let outcome = try await ToolLoop(tools).run(prompt, with: model, for: request, in: context)
/// ```
/// Readers see each call as `tool_call` and its result as `tool_return`, as it comes. What goes wrong in a call (a tool that there is not,
/// arguments against its schema, an error, a timeout) is a result too, so that the model can do better; only cancellation ends the run.
/// Usage of all calls of the model adds up in the run.
public struct ToolLoop: Sendable {
    /// What a run may take.
    public struct Limits: Equatable, Sendable {
        /// How often the model may call tools before it has to answer (default: 8).
        public var rounds = 8
        /// How many calls of one answer are carried out; the others get an error as their result (default: 16).
        public var callsPerRound = 16
        /// How many calls go on at once (default: 4).
        public var concurrentCalls = 4
        /// How long a call may take where its tool does not say, in seconds (default: 30).
        public var seconds = 30.0
        /// How many characters of a result a model gets (default: 20,000).
        public var resultCharacters = 20_000
        /// The defaults.
        public init() {}
    }

    /// What came of it.
    public struct Outcome: Equatable, Sendable {
        /// The model's answers, in their order; at least one. All but the last have called tools.
        public var answers: [GeneratedAnswer] = []
        /// The text of all answers.
        public var text: String { answers.map(\.text).joined() }
        /// How the last answer ended.
        public var response: ModelResponse? { answers.last?.response }
        /// How many calls there were.
        public var callCount: Int { answers.reduce(0) { $0 + $1.toolCalls.count } }
        /// Whether the model still called tools when it had to answer.
        public var isCutShort: Bool { answers.last?.toolCalls.isEmpty == false }
        /// The calls of models behind the answers, where a composition made them.
        public var attempts: [ModelAttempt] { answers.flatMap { $0.response?.attempts ?? [] } }
    }

    let tools: [Tool]
    let limits: Limits
    /// Waits for a number of seconds; tests decide when they are over.
    let wait: @Sendable (Double) async throws -> Void

    /// The names of the tools.
    public var names: [String] { tools.map(\.name) }

    /// Creates a loop.
    /// - Parameters:
    ///   - tools: what the model may call; it is offered them if it can call tools.
    ///   - limits: what a run may take.
    public init(_ tools: [Tool], limits: Limits = Limits()) {
        self.init(tools, limits: limits) { try await Task.sleep(for: .seconds($0)) }
    }

    package init(_ tools: [Tool], limits: Limits, wait: @escaping @Sendable (Double) async throws -> Void) {
        self.tools = tools
        self.limits = limits
        self.wait = wait
    }

    /// Asks the model until it answers.
    /// - Parameters:
    ///   - prompt: the conversation; its `tools` are replaced by the loop's.
    ///   - request: what is being answered, for the tools.
    /// - Throws: what the model throws; `CancellationError`.
    public func run(
        _ prompt: ModelRequest, with model: any LanguageModel, for request: TaskRequest, in context: RunContext
    ) async throws -> Outcome {
        var prompt = prompt
        prompt.tools = model.capabilities.contains(.tools) ? tools.map(\.definition) : []
        if prompt.tools.isEmpty { return Outcome(answers: [try await context.generate(prompt, with: model)]) }
        return try await Self.run(prompt, rounds: limits.rounds) { prompt in
            try await context.generate(prompt, with: model)
        } perform: { calls, round in
            try await perform(calls, refusal: round < limits.rounds ? nil : Self.noRounds, request, context)
        }
    }

    private static let noRounds = "there are no calls left: answer from what you have"

    /// The loop itself, for handlers that ask and carry out in their own way. The model's calls are carried out `rounds` times, refused once
    /// more so that it can answer, and a last time so that none is left without a result.
    /// - Parameters:
    ///   - ask: asks the model and emits what it says.
    ///   - perform: carries out an answer's calls in that round, from 0, and emits their results; from round `rounds` on it refuses them.
    package static func run(
        _ prompt: ModelRequest, rounds: Int, ask: (ModelRequest) async throws -> GeneratedAnswer,
        perform: ([ToolCall], Int) async throws -> [ToolReturn]
    ) async throws -> Outcome {
        var prompt = prompt
        var outcome = Outcome()
        for round in 0...(max(rounds, 0) + 1) {
            let answer = try await ask(prompt)
            outcome.answers.append(answer)
            guard !answer.toolCalls.isEmpty else { break }
            let results = try await perform(answer.toolCalls, round)
            prompt.turns += [
                .init(role: .assistant, parts: answer.parts), .init(role: .user, parts: results.map { .toolReturn($0) }),
            ]
        }
        return outcome
    }
}
