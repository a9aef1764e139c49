import Millrace
import MillraceCore

/// Reads the settings that handlers declare: from the environment, from `.env`, and from their groups in `config.yaml`.
struct HandlerSettingsReader {
    private(set) var values: [String: [String: SettingValue]] = [:]
    /// Where each came from, by key.
    private(set) var origins: [String: SettingOrigin] = [:]
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []

    private let groups: [HandlerSettingsGroup]

    init(_ groups: [HandlerSettingsGroup]) { self.groups = groups }

    /// Reads variables.
    /// - Parameter dotEnv: the entries of `.env` with its path, which stand below the environment.
    mutating func read(_ environment: [String: String], dotEnv: [String: DotEnvFile.Entry], path: String) {
        for group in groups {
            for field in group.fields {
                if let text = environment[field.environmentName], !text.isEmpty {
                    take(field, of: group, field.kind.parse(text, check: field.check), text, .environment(field.environmentName))
                } else if let entry = dotEnv[field.environmentName], !entry.value.isEmpty {
                    take(
                        field, of: group, field.kind.parse(entry.value, check: field.check), entry.value,
                        .file(path: path, line: entry.line))
                }
            }
            let known = group.fields.map(\.environmentName)
            let others = groups.flatMap { $0.fields.map(\.environmentName) }
            // A variable that begins like a group's may be another program's; one in `.env` is ours.
            for name in environment.keys.sorted() where name.hasPrefix(group.environmentPrefix) && !others.contains(name) {
                let rest = String(name.dropFirst(group.environmentPrefix.count))
                guard Suggestion.closest(to: rest, among: group.fields.map { HandlerSettingsGroup.words($0.name) }) != nil else { continue }
                warn(name, .environment(name), "unknown variable", known, behind: group.environmentPrefix)
            }
            for entry in dotEnv.values.sorted(by: { $0.line < $1.line })
            where entry.name.hasPrefix(group.environmentPrefix) && !others.contains(entry.name) {
                warn(entry.name, .file(path: path, line: entry.line), "unknown variable", known, behind: group.environmentPrefix)
            }
        }
    }

    /// Reads the groups of `config.yaml`. One that nobody declares is somebody else's, unless its name is nearly that of a declared one.
    mutating func read(_ nodes: [String: YAMLNode], path: String) {
        for (name, node) in nodes.sorted(by: { $0.value.line < $1.value.line }) {
            guard let group = groups.first(where: { $0.name == name }) else {
                let names = groups.map(\.name)
                if Suggestion.closest(to: name, among: names) != nil {
                    warn(name, .file(path: path, line: node.line), "unknown key", names)
                }
                continue
            }
            guard case .mapping(let members) = node.content else {
                if !node.isNull {
                    let message = "expected a group of keys, found \(node.found)"
                    problems.append(.init(key: name, origin: .file(path: path, line: node.line), message: message))
                }
                continue
            }
            for member in members { read(member, of: group, path: path) }
        }
    }

    private mutating func read(_ member: YAMLNode.Member, of group: HandlerSettingsGroup, path: String) {
        let key = group.name + "." + member.key
        let origin = SettingOrigin.file(path: path, line: member.line)
        guard let field = group.fields.first(where: { $0.name == member.key }) else {
            return warn(key, origin, "unknown key", group.fields.map { group.name + "." + $0.name }, behind: group.name + ".")
        }
        if member.value.isNull { return }
        let text = if case .scalar(let text, _) = member.value.content { text } else { String?.none }
        let result = field.kind.parse(member.value, check: field.check)
        // What a variable overrides must be right all the same: the file is what the next start may read.
        if origins[key] == nil {
            take(field, of: group, result, text ?? member.value.found, origin, isQuoted: text != nil)
        } else {
            check(field, key, result, text ?? member.value.found, origin, isQuoted: text != nil)
        }
    }

    /// Notes what only several settings of a group together get wrong.
    mutating func checkTogether() {
        for group in groups {
            let own = origins.filter { $0.key.hasPrefix(group.name + ".") }
            for message in group.problems(values[group.name] ?? [:]) {
                let origin = own.min { $0.key < $1.key }?.value ?? .defaultValue
                problems.append(.init(key: group.name, origin: origin, message: message))
            }
        }
    }

    private mutating func take(
        _ field: HandlerSettingsGroup.Field, of group: HandlerSettingsGroup, _ result: Result<SettingValue, SettingRefusal>,
        _ found: String,
        _ origin: SettingOrigin, isQuoted: Bool = true
    ) {
        let key = group.name + "." + field.name
        origins[key] = origin
        if case .success(let value) = result { values[group.name, default: [:]][field.name] = value }
        check(field, key, result, found, origin, isQuoted: isQuoted)
    }

    private mutating func check(
        _ field: HandlerSettingsGroup.Field, _ key: String, _ result: Result<SettingValue, SettingRefusal>, _ found: String,
        _ origin: SettingOrigin, isQuoted: Bool
    ) {
        guard case .failure(let refusal) = result else { return }
        // A secret's name that is none may be the secret itself.
        let isHidden = field.isSecretName || SecretMask.isSecretName(field.name)
        let shown = isHidden ? "a value that is not shown" : isQuoted ? YAMLNode.quoted(found) : found
        problems.append(.init(key: key, origin: origin, message: "expected \(refusal.expected), found \(shown)"))
    }

    /// - Parameter prefix: what all the names begin with, so that likeness is only looked for behind it.
    private mutating func warn(_ name: String, _ origin: SettingOrigin, _ what: String, _ names: [String], behind prefix: String = "") {
        let meant = Suggestion.closest(to: String(name.dropFirst(prefix.count)), among: names.map { String($0.dropFirst(prefix.count)) })
        let message = what + (meant.map { ": did you mean '\(prefix)\($0)'?" } ?? "")
        warnings.append(.init(key: name, origin: origin, message: message))
    }
}

extension SettingKind {
    /// Reads a value of a YAML file.
    func parse(_ node: YAMLNode, check: (String) -> String?) -> Result<SettingValue, SettingRefusal> {
        switch node.content {
        case .scalar(let text, let isPlain):
            // A quoted number is text; whoever wrote quotes meant something else.
            isUnquoted && !isPlain ? .failure(SettingRefusal(expected: expectation + " without quotes")) : parse(text, check: check)
        case .sequence(let nodes) where isList:
            Self.texts(nodes).map { checked($0, check: check) } ?? .failure(SettingRefusal(expected: expectation))
        case .sequence, .mapping: .failure(SettingRefusal(expected: expectation))
        }
    }

    private static func texts(_ nodes: [YAMLNode]) -> [String]? {
        var texts: [String] = []
        for node in nodes {
            guard case .scalar(let text, _) = node.content else { return nil }
            texts.append(text)
        }
        return texts
    }
}
