import MillraceCore

/// `config.yaml`, taken apart: the values of its base and of the chosen environment's section by key path, and what is odd in it.
struct ConfigFile {
    /// A top-level mapping of one of these names is an environment's section, as is the chosen one's.
    static let environmentNames = ["local", "dev", "development", "test", "staging", "prod", "production"]

    /// Values by key path.
    private(set) var values: [String: YAMLNode] = [:]
    /// The groups of handlers, whose names end in `Config`.
    private(set) var handlerGroups: [String: YAMLNode] = [:]
    /// The groups whose members have names of the operator's own, such as `models`.
    private(set) var namedGroups: [String: YAMLNode] = [:]
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []

    private let path: String
    private static let keys = SettingTable.all.compactMap(\.key)
    private static let groups = Set(keys.compactMap { $0.contains(".") ? String($0.prefix { $0 != "." }) : nil })
    private static let namedGroupNames: Set = ["models", "embedders", "taskModels"]

    /// - Parameter chosen: the environment that flags or variables name; it beats the file's own `env:`.
    init(_ root: YAMLNode, path: String, chosen: String?) {
        self.path = path
        guard case .mapping(let members) = root.content else {
            problem(nil, root.line, "expected keys such as 'server:' at the top of the file, found \(root.found)")
            return
        }
        var chosen = chosen
        if let member = members.first(where: { $0.key == "env" }), !member.value.isNull {
            values["env"] = member.value
            if chosen == nil, case .scalar(let name, _) = member.value.content { chosen = name }
        }
        var sections: [String] = []
        var section: YAMLNode.Member?
        for member in members where member.key != "env" {
            if member.key == chosen || Self.isSection(member) {
                sections.append(member.key)
                if member.key == chosen { section = member } else { checkNames(of: member) }
            } else if member.key == "base" {
                if case .mapping(let inner) = member.value.content {
                    for member in inner { add(member) }
                } else if !member.value.isNull {
                    problem("base", member.line, "expected a group of keys, found \(member.value.found)")
                }
            } else {
                add(member)
            }
        }
        if let section { overlay(section) }
        if let chosen, section == nil, !Self.environmentNames.contains(chosen),
            let near = Suggestion.closest(to: chosen, among: sections)
        {
            problem("env", values["env"]?.line ?? root.line, "no section is named '\(chosen)': did you mean '\(near)'?")
        }
    }

    /// Whether a member is an environment's section: by its name, or because it holds nothing but groups that a section may hold.
    private static func isSection(_ member: YAMLNode.Member) -> Bool {
        guard case .mapping(let inner) = member.value.content else {
            return environmentNames.contains(member.key) && member.value.isNull
        }
        if isGroup(member.key) || member.key == "base" { return false }
        return environmentNames.contains(member.key) || !inner.isEmpty && inner.allSatisfy { isGroup($0.key) }
    }

    private static func isGroup(_ name: String) -> Bool {
        groups.contains(name) || namedGroupNames.contains(name) || isHandlerGroup(name)
    }

    private static func isHandlerGroup(_ name: String) -> Bool { name.hasSuffix("Config") && name != "Config" }

    private mutating func overlay(_ section: YAMLNode.Member) {
        guard case .mapping(let members) = section.value.content else {
            if !section.value.isNull { problem(section.key, section.line, "expected a group of keys, found \(section.value.found)") }
            return
        }
        let base = self
        values = base.values.filter { $0.key == "env" }
        handlerGroups = [:]
        namedGroups = [:]
        for member in members { add(member) }
        namedGroups = base.namedGroups.merging(namedGroups) { Self.overlay($0, by: $1) }
        values = base.values.merging(values) { _, over in over }
        handlerGroups = base.handlerGroups.merging(handlerGroups) { $0.overlaid(by: $1) }
    }

    /// Lays named entries over others, member by member. One of another `type` replaces the base's: its members mean nothing to it.
    private static func overlay(_ base: YAMLNode, by over: YAMLNode) -> YAMLNode {
        guard case .mapping(let members) = base.content, case .mapping(let above) = over.content else { return over }
        let kept = members.filter { member in
            guard let type = type(above.first { $0.key == member.key }) else { return true }
            return type == Self.type(member)
        }
        return YAMLNode(content: .mapping(kept), line: base.line).overlaid(by: over)
    }

    private static func type(_ entry: YAMLNode.Member?) -> String? {
        guard case .mapping(let members)? = entry?.value.content,
            case .scalar(let type, _)? = members.first(where: { $0.key == "type" })?.value.content
        else { return nil }
        return type
    }

    /// Warns about the unknown names in a section that is not chosen. Its values are not looked at.
    private mutating func checkNames(of section: YAMLNode.Member) {
        guard case .mapping(let members) = section.value.content else { return }
        var other = self
        let before = warnings.count
        other.values = [:]
        for member in members { other.add(member) }
        warnings += other.warnings[before...]
    }

    private mutating func add(_ member: YAMLNode.Member) {
        if Self.isHandlerGroup(member.key) {
            var node = member.value
            node.line = member.line
            handlerGroups[member.key] = handlerGroups[member.key]?.overlaid(by: node) ?? node
            return
        }
        if Self.namedGroupNames.contains(member.key) {
            if case .mapping(let first)? = namedGroups[member.key]?.content, case .mapping(let second) = member.value.content {
                for entry in second {
                    guard let line = first.first(where: { $0.key == entry.key })?.line else { continue }
                    problem("\(member.key).\(entry.key)", entry.line, "already given in line \(line): keep one of them")
                }
            }
            if !member.value.isNull { namedGroups[member.key] = namedGroups[member.key]?.overlaid(by: member.value) ?? member.value }
            return
        }
        guard Self.groups.contains(member.key) else {
            let names = Self.groups.sorted() + Self.namedGroupNames.sorted() + ["base", "env"] + Self.environmentNames
            warn(member.key, member.line, "unknown key" + Suggestion.phrase(for: member.key, among: names))
            return
        }
        guard case .mapping(let members) = member.value.content else {
            if !member.value.isNull { problem(member.key, member.line, "expected a group of keys, found \(member.value.found)") }
            return
        }
        for inner in members {
            let key = member.key + "." + inner.key
            guard Self.keys.contains(key) else {
                warn(key, inner.line, "unknown key" + Suggestion.phrase(for: key, among: Self.keys))
                continue
            }
            if inner.value.isNull { continue }
            if let first = values[key] {
                problem(key, inner.line, "already given in line \(first.line): keep one of them")
                continue
            }
            var node = inner.value
            // An alias keeps its own line; a value written below its key is still found by its key.
            node.line = inner.line
            values[key] = node
        }
    }

    private mutating func problem(_ key: String?, _ line: Int, _ message: String) {
        problems.append(ConfigurationProblem(key: key, origin: .file(path: path, line: line), message: message))
    }

    private mutating func warn(_ key: String, _ line: Int, _ message: String) {
        warnings.append(ConfigurationProblem(key: key, origin: .file(path: path, line: line), message: message))
    }
}
