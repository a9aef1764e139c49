import Millrace
import MillraceCore

/// Reads the members of one group of `config.yaml` whose names are not settings of their own, such as a model's. What is wrong is collected
/// with its key, file and line; what nobody asked for is warned about by ``finish()``.
final class OptionReader {
    /// What was found wrong or odd, shared by the readers of one file.
    final class Findings {
        var problems: [ConfigurationProblem] = []
        var warnings: [ConfigurationProblem] = []
        /// Which group records into a directory.
        var recordings: [String: String] = [:]
        let path: String
        init(path: String) { self.path = path }
    }

    /// The group's key, such as `models.gpt`.
    let key: String
    let line: Int
    let findings: Findings
    private let members: [YAMLNode.Member]
    private var asked: [String] = []

    /// - Returns: `nil` for what is no group, which is noted.
    init?(_ node: YAMLNode, key: String, _ findings: Findings) {
        self.key = key
        self.findings = findings
        line = node.line
        switch node.content {
        case .mapping(let members): self.members = members
        case _ where node.isNull: members = []
        default:
            members = []
            note(nil, node.line, "expected a group of keys, found \(node.found)")
            return nil
        }
    }

    /// The names of all members.
    var names: [String] { members.map(\.key) }

    /// Notes a problem of the member of that name, or of the whole group.
    func note(_ name: String?, _ message: String) { note(name, name.flatMap { member($0)?.line } ?? line, message) }

    private func note(_ name: String?, _ line: Int, _ message: String) {
        findings.problems.append(
            ConfigurationProblem(key: name.map { "\(key).\($0)" } ?? key, origin: .file(path: findings.path, line: line), message: message))
    }

    private func member(_ name: String) -> YAMLNode.Member? { members.first { $0.key == name } }

    /// The member's value, where it is there and not null.
    func node(_ name: String) -> YAMLNode? {
        asked.append(name)
        guard let member = member(name), !member.value.isNull else { return nil }
        var node = member.value
        node.line = member.line
        return node
    }

    private func scalar<T>(_ name: String, _ expected: String, _ read: (String, _ isPlain: Bool) -> T?) -> T? {
        guard let node = node(name) else { return nil }
        guard case .scalar(let text, let isPlain) = node.content, let value = read(text, isPlain) else {
            note(name, node.line, "expected \(expected), found \(node.found)")
            return nil
        }
        return value
    }

    func text(_ name: String, expected: String = "text that is not empty") -> String? {
        scalar(name, expected) { text, _ in text.isEmpty ? nil : text }
    }

    /// A text that must be there.
    /// - Parameter what: what it is, for whoever has left it out.
    func text(_ name: String, orNeeded what: String) -> String? {
        if node(name) == nil { note(nil, "needs '\(name)': \(what)") }
        return text(name)
    }

    /// The `type` that says what else the group may have.
    func kind(among names: [String]) -> String? {
        if node("type") == nil { note(nil, "needs 'type': \(SettingKind.choice(names).expectation)") }
        return choice("type", names.map { ($0, $0) })
    }

    func flag(_ name: String) -> Bool? {
        scalar(name, "true or false") { text, isPlain in isPlain ? ["true": true, "false": false][text.lowercased()] : nil }
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        scalar(name, SettingKind.integer(range).expectation) { text, isPlain in
            isPlain ? Int(text).flatMap { range.contains($0) ? $0 : nil } : nil
        }
    }

    func number(_ name: String, _ range: ClosedRange<Double>, _ expected: String) -> Double? {
        scalar(name, expected) { text, isPlain in isPlain ? Double(text).flatMap { range.contains($0) ? $0 : nil } : nil }
    }

    /// One of a set of names.
    func choice<T>(_ name: String, _ values: [(name: String, value: T)]) -> T? {
        let names = values.map(\.name)
        let expected = SettingKind.choice(names).expectation
        guard let text = scalar(name, expected, { text, _ in text }) else { return nil }
        if let match = values.first(where: { $0.name == text }) { return match.value }
        let meant = Suggestion.closest(to: text, among: names).map { " (did you mean \($0)?)" } ?? ""
        note(name, "expected \(expected)\(meant), found '\(text.prefix(60))'")
        return nil
    }

    /// A list of texts.
    func list(_ name: String) -> [String]? {
        guard let node = node(name) else { return nil }
        guard case .sequence(let nodes) = node.content else {
            note(name, node.line, "expected a list, found \(node.found)")
            return nil
        }
        var texts: [String] = []
        for item in nodes {
            guard case .scalar(let text, _) = item.content, !text.isEmpty else {
                note(name, item.line, "expected text, found \(item.found)")
                return nil
            }
            texts.append(text)
        }
        return texts
    }

    /// The members of a group within.
    func group(_ name: String) -> OptionReader? {
        node(name).flatMap { OptionReader($0, key: "\(key).\(name)", findings) }
    }

    /// The groups of a list within.
    func groups(_ name: String) -> [OptionReader]? {
        guard let node = node(name) else { return nil }
        guard case .sequence(let nodes) = node.content else {
            note(name, node.line, "expected a list of groups, found \(node.found)")
            return nil
        }
        return nodes.enumerated().compactMap { OptionReader($1, key: "\(key).\(name)[\($0)]", findings) }
    }

    /// Warns about the members that nobody asked for.
    func finish() {
        for member in members where !asked.contains(member.key) {
            findings.warnings.append(
                ConfigurationProblem(
                    key: "\(key).\(member.key)", origin: .file(path: findings.path, line: member.line),
                    message: "unknown key" + Suggestion.phrase(for: member.key, among: asked)))
        }
    }
}
