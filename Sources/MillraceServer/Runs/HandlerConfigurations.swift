import Millrace
import MillraceCore

/// What is stored for each handler, as it is now: its configuration, and the guardrail in it.
final class HandlerConfigurations: Sendable {
    /// A configuration that has been looked at.
    struct Entry: Sendable {
        fileprivate var configuration: [String: JSONValue]
        fileprivate var rules: GuardrailPolicy?
        fileprivate var textGuard: (any TextGuard)?
        fileprivate var inline: ModelGuardrail?
        fileprivate var blockedMessage = GuardrailPolicy(rules: []).blockedOutputMessage
        fileprivate var streaming = GuardrailPolicy.Streaming.hold
        fileprivate var unjudgedBytes = GuardrailPolicy.defaultUnjudgedBytes
        /// What is wrong with its guardrail.
        fileprivate(set) var problems: [GuardrailPolicy.Problem] = []
        fileprivate var since = Timestamp(microseconds: .min)
    }

    /// Makes what judges texts elsewhere. It may read files.
    typealias MakeTextGuard = @Sendable (GuardrailPolicy.Bedrock) throws -> any TextGuard

    private let entries = Locked<[String: Entry]>([:])
    private let blocking: BlockingExecutor
    private let makeTextGuard: MakeTextGuard

    init(blocking: BlockingExecutor, makeTextGuard: @escaping MakeTextGuard) {
        self.blocking = blocking
        self.makeTextGuard = makeTextGuard
    }

    /// Looks at a configuration. With a guardrail that is wrong nothing passes.
    func examine(_ configuration: [String: JSONValue]) async throws -> Entry {
        var entry = Entry(configuration: configuration)
        guard let stored = configuration["guardrail"], !stored.isNull else { return entry }
        let (policy, problems) = GuardrailPolicy.read(stored)
        entry.problems = problems
        entry.blockedMessage = policy.blockedOutputMessage
        entry.streaming = policy.streaming
        entry.unjudgedBytes = policy.unjudgedBytes
        if !policy.rules.isEmpty { entry.rules = policy }
        if let problem = problems.first { entry.textGuard = MissingGuard(message: "\(problem.field) \(problem.message)") }
        guard problems.isEmpty, let bedrock = policy.bedrock else { return entry }
        let make = makeTextGuard
        do {
            entry.textGuard = try await blocking.run { try make(bedrock) }
            if bedrock.isInline {
                entry.inline = ModelGuardrail(
                    identifier: bedrock.identifier, version: bedrock.version, isAsync: policy.streaming == .async)
            }
        } catch {
            let message = (error as? MillraceError)?.message ?? "\(error)"
            entry.problems.append(.init(field: "guardrail.guardrailIdentifier", message: "cannot be used: \(message)"))
            entry.textGuard = MissingGuard(message: message)
        }
        return entry
    }

    /// Runs of the handler that begin from now on have this, unless something that was stored later is in use: two requests that replace a
    /// configuration at once may come here in another order than the store took them in.
    func use(_ entry: Entry, for name: String, since: Timestamp) {
        var entry = entry
        entry.since = since
        entries.withLock { entries in
            if entries[name].map({ $0.since <= since }) ?? true { entries[name] = entry }
        }
    }

    func configuration(of name: String) -> [String: JSONValue] { entries.withLock { $0[name]?.configuration ?? [:] } }

    /// What readers are told where a handler's guardrail blocks.
    func blockedMessage(of name: String) -> String {
        entries.withLock { $0[name]?.blockedMessage } ?? GuardrailPolicy(rules: []).blockedOutputMessage
    }

    /// A handler's guardrail, for one run.
    struct Guards {
        /// What events pass before they are appended. The rules come first: what they mask leaves the house for no other judge.
        var stages: [any EventStage] = []
        /// What judges behind the readers.
        var behind: RunGuard.Plan?
        /// What models apply to their own calls.
        var inline: ModelGuardrail?
    }

    func guards(of name: String) -> Guards {
        let entry = entries.withLock { $0[name] }
        guard let entry else { return Guards() }
        let isAsync = entry.streaming == .async && entry.problems.isEmpty
        var guards = Guards(inline: entry.inline)
        if let rules = entry.rules { guards.stages.append(GuardrailStage(rules, passesText: isAsync)) }
        if let textGuard = entry.textGuard { guards.stages.append(TextGuardStage(textGuard, passesText: isAsync)) }
        guard isAsync, !guards.stages.isEmpty else { return guards }
        guards.behind = RunGuard.Plan(
            settings: RetractingGuard.Settings(
                rules: (entry.rules?.rules ?? []).filter { $0.sides.contains(.output) }, asksElsewhere: entry.textGuard != nil,
                blockedMessage: entry.blockedMessage, unjudgedBytes: entry.unjudgedBytes),
            judge: entry.textGuard)
        return guards
    }
}

/// Stands for a guard that cannot be asked: nothing passes unjudged.
private struct MissingGuard: TextGuard {
    let message: String

    func check(_ text: String, side: GuardrailRule.Side) async throws -> TextGuardVerdict {
        throw MillraceError(.modelUnavailable, "the guardrail of this task cannot be asked: \(message)")
    }
}
