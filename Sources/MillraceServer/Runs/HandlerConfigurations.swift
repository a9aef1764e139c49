import Millrace
import MillraceCore

/// What is stored for each handler, as it is now: its configuration, and the guardrail in it.
final class HandlerConfigurations: Sendable {
    private struct Entry {
        var configuration: [String: JSONValue]
        var guardrail: GuardrailPolicy?
    }

    private let entries = Locked<[String: Entry]>([:])

    /// Takes a handler's stored configuration.
    /// - Returns: what is wrong with its guardrail, whose rules are applied as far as they are right.
    @discardableResult
    func set(_ name: String, _ configuration: [String: JSONValue]) -> [GuardrailPolicy.Problem] {
        var entry = Entry(configuration: configuration)
        var problems: [GuardrailPolicy.Problem] = []
        if let stored = configuration["guardrail"], !stored.isNull {
            let read = GuardrailPolicy.read(stored)
            problems = read.problems
            if !read.policy.rules.isEmpty { entry.guardrail = read.policy }
        }
        entries.withLock { $0[name] = entry }
        return problems
    }

    func configuration(of name: String) -> [String: JSONValue] { entries.withLock { $0[name]?.configuration ?? [:] } }

    func guardrail(of name: String) -> GuardrailPolicy? { entries.withLock { $0[name]?.guardrail } }
}
