package import MillraceCore

/// A node of a YAML document that knows its line.
package struct YAMLNode: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var key: String
        /// The line of the key, from 1.
        package var line: Int
        package var value: YAMLNode
    }

    package indirect enum Content: Equatable, Sendable {
        /// A scalar; one that is quoted, or tagged `!!str`, is always text.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Member])
    }

    package var content: Content
    package var line: Int

    /// The node's kind and text for messages: `'eighty'`, `a list`, `a group`.
    package var found: String {
        switch content {
        case .scalar(let text, _): Self.quoted(text)
        case .sequence: "a list"
        case .mapping: "a group of keys"
        }
    }

    /// A text for messages: quoted, shortened.
    package static func quoted(_ text: String) -> String { text.count > 60 ? "'\(text.prefix(60))…'" : "'\(text)'" }

    /// Whether the node says that there is no value: empty, `~` or `null`.
    package var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content { ["", "~", "null", "Null", "NULL"].contains(text) } else { false }
    }

    /// This group with the members of another laid over it, at every depth; anything but two groups is replaced.
    package func overlaid(by over: YAMLNode) -> YAMLNode {
        guard case .mapping(var members) = content, case .mapping(let above) = over.content else { return over }
        for member in above {
            if let index = members.firstIndex(where: { $0.key == member.key }) {
                members[index].line = member.line
                members[index].value = members[index].value.overlaid(by: member.value)
            } else {
                members.append(member)
            }
        }
        return YAMLNode(content: .mapping(members), line: line)
    }

    /// The node as JSON, plain scalars read by the core schema of YAML 1.2 (section 10.3), without octal numbers and infinities.
    package var json: JSONValue {
        switch content {
        case .scalar(let text, isPlain: false): .string(text)
        case .scalar(let text, isPlain: true): Self.plain(text, isNull: isNull)
        case .sequence(let nodes): .array(nodes.map(\.json))
        case .mapping(let members): .object(Dictionary(members.map { ($0.key, $0.value.json) }, uniquingKeysWith: { _, last in last }))
        }
    }

    private static func plain(_ text: String, isNull: Bool) -> JSONValue {
        if isNull { return .null }
        switch text {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: break
        }
        if let value = Int(text) { return .integer(value) }
        if let first = text.utf8.first, (0x30...0x39).contains(first) || "+-.".utf8.contains(first),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }), let value = Double(text), value.isFinite
        {
            return .double(value)
        }
        return .string(text)
    }
}
